"""From a name or a path to a model file that can be used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from qc_runtime.models import cache, problems
from qc_runtime.models.progress import Report, silent
from qc_runtime.models.registry import DEFAULT, MODELS, Model

_MAGIC = b"GGUF"


@dataclass(frozen=True)
class Verified:
    """A model file's checksum, and the model of the registry that it is, if any."""

    path: Path
    sha256: str
    model: Model | None


def locate(name_or_path: str | None = None) -> Path:
    """The model file meant by a registry name or a path; None means ``QC_MODEL``, else demo.

    A registry name goes before a file of the same name (write ``./demo`` for that). Raises
    QC501 when nothing is there, QC502 when it is not a GGUF file, QC503 when the cached file
    is known to be damaged. Reads a few bytes only.
    """
    path, model = _resolve(name_or_path)
    known = cache.recorded(path) if model else None
    if model and known and known != model.sha256:
        raise problems.wrong_bytes(model.name, model.sha256, known, str(path))
    return path


def verify(name_or_path: str | None = None, *, progress: Report | None = None) -> Verified:
    """Hash the whole file again. Raises what `locate` does, QC503 for a name's wrong bytes."""
    path, model = _resolve(name_or_path)
    try:
        sha256 = cache.hash_file(path, progress or silent)
    except OSError as error:
        raise _unreadable(path, error) from error
    cache.record(path, sha256)
    if model and model.sha256 != sha256:
        raise problems.wrong_bytes(model.name, model.sha256, sha256, str(path))
    known = {m.sha256: m for m in MODELS.values()}
    return Verified(path, sha256, known.get(sha256))


def _resolve(name_or_path: str | None) -> tuple[Path, Model | None]:
    """The GGUF file, and the registry's entry if it was asked for by name."""
    word = name_or_path or os.environ.get("QC_MODEL") or DEFAULT
    model = MODELS.get(word)
    path = _cached(model) if model else Path(word).expanduser()
    if not model and not _exists(path):
        raise problems.no_file(path, list(MODELS))
    _require_gguf(path)
    return path, model


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False


def _cached(model: Model) -> Path:
    path = cache.model_path(model)
    if not path.is_file() or path.stat().st_size != model.size:
        raise problems.not_here(model.name, bytes_here(model), model.size)
    return path


def bytes_here(model: Model) -> int:
    """How much of a model that is not complete has been fetched."""
    path = cache.partial_path(model)
    return min(path.stat().st_size, model.size) if path.is_file() else 0


def _require_gguf(path: Path) -> None:
    if path.is_dir():
        raise problems.not_a_model(path, "这是一个目录", "it is a directory")
    if not path.is_file():  # reading from a pipe or a device might never end
        raise problems.not_a_model(path, "这不是普通文件", "it is not a regular file")
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise _unreadable(path, error) from error
    if head != _MAGIC:
        raise problems.not_a_model(
            path, "开头不是 GGUF 标记", "it does not begin with the GGUF mark"
        )


def _unreadable(path: Path, error: OSError) -> Exception:
    why = error.strerror or type(error).__name__
    return problems.not_a_model(path, f"无法读取（{why}）", f"it cannot be read ({why})")
