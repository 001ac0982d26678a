"""Where model files are kept, who may write there, and what is known about them."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qc_dsl.folders import cache_dir
from qc_runtime.locks import try_lock
from qc_runtime.models.progress import Progress, Report, silent
from qc_runtime.models.registry import Model

CHUNK = 1 << 22  # bytes hashed or copied at a time


def model_path(model: Model) -> Path:
    """Where the model's file is once it is complete and checked."""
    return cache_dir() / "models" / model.file


def partial_path(model: Model) -> Path:
    """Where its bytes gather before that."""
    return cache_dir() / "models" / f"{model.file}.partial"


def hash_file(path: Path, report: Report = silent) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    digest, done = hashlib.sha256(), 0
    total = path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            report(Progress("check", done, total))
    return digest.hexdigest()


def _record(path: Path) -> Path:
    """The small file that keeps a checksum, named after path, size and time of change."""
    real = path.resolve()
    stat = real.stat()
    key = f"{real}\0{stat.st_size}\0{stat.st_mtime_ns}"
    return cache_dir() / "fingerprints" / hashlib.sha256(key.encode()).hexdigest()[:32]


def recorded(path: Path) -> str | None:
    """The checksum kept for the file as it is now, or None if it was never computed."""
    with suppress(OSError):
        text = _record(path).read_text(encoding="ascii", errors="replace")
        return text if re.fullmatch(r"[0-9a-f]{64}", text) else None
    return None


def record(path: Path, sha256: str) -> None:
    """Keep a checksum. A cache that cannot be written to only costs time later."""
    with suppress(OSError):
        target = _record(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        fresh.write_text(sha256, encoding="ascii")
        fresh.replace(target)


def fingerprint(path: Path, report: Report = silent) -> str:
    """The SHA-256 of a file, computed once for each path, size and time of change."""
    if known := recorded(path):
        return known
    sha256 = hash_file(path, report)
    record(path, sha256)
    return sha256


@contextmanager
def only_one(model: Model, report: Report) -> Iterator[None]:
    """Hold the model's lock. The system frees it however the process ends, kill -9 included."""
    with model_path(model).with_suffix(".lock").open("ab") as file:
        while not try_lock(file):
            report(Progress("wait", 0, model.size))
            time.sleep(0.2)
        yield
