"""Which rulebook a file belongs to that is none itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from qc_dsl.errors import Errors, QcError
from qc_dsl.files import Load, read_included, read_source
from qc_dsl.parts import collect
from qc_dsl.source import Source
from qc_dsl.yaml_reader import read_yaml

_MOST_TRIED = 200  # files looked at in the folders around a part


def is_rulebook(source: Source) -> bool:
    """Whether a file says that it is a rulebook; a file that is no YAML is taken for one."""
    if source.path.lower().endswith(".qc"):
        return False
    try:
        return read_yaml(source).get("规则集", "rulebook") is not None
    except QcError:
        return True


def includes(rulebook: Source, path: Path, load: Load = read_included) -> bool:
    """Whether a rulebook includes a file, directly or not."""
    try:
        parts = collect(read_yaml(rulebook), load, Errors())
    except QcError:
        return False
    paths = {os.path.abspath(root.span.source.path) for root in parts.roots[1:]}
    return os.path.abspath(path) in paths


def rulebook_of(path: Path, first: Iterable[Path] = (), load: Load = read_included) -> Path | None:
    """The rulebook that includes a file: one of ``first``, or one in its folder or the next up."""
    for candidate in (*first, *_around(path)):
        try:
            source = read_source(candidate)
        except QcError:
            continue
        if is_rulebook(source) and includes(source, path, load):
            return candidate
    return None


def _around(path: Path) -> list[Path]:
    folder = Path(os.path.abspath(path)).parent
    found = [f for place in (folder, folder.parent) for f in sorted(place.glob("*.y*ml"))]
    return found[:_MOST_TRIED]
