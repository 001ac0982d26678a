"""A part: some of the cases, and their tables' rows, by where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qc_runtime.bulk.dataset import Slice
from qc_runtime.tables.sources import CASES


@dataclass(frozen=True)
class Part:
    """Cases that are judged together: their rows, and those of their tables, by table."""

    number: int  # from 1
    rows: Mapping[str, tuple[Slice, ...]]

    @property
    def cases(self) -> int:
        """Rows of the cases, blank ones included."""
        return sum(one.stop - one.start for one in self.rows[CASES])


def part_name(number: int) -> str:
    """What the files of a part are called."""
    return f"part-{number:05d}"
