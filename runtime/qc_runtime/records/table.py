"""A data file as columns of raw cells, every distinct cell held once."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from qc_compiler.values import Raw

RawCell = Raw | tuple[str, ...]  # a tuple: what the file itself holds as a list (JSON, Parquet)


@dataclass(frozen=True, eq=False)
class Coded:
    """A column: ``cells[codes[i]]`` is the cell of record ``i``; cells may repeat in value."""

    codes: array[int]
    cells: list[RawCell]

    def keep(self, rows: Sequence[int]) -> Coded:
        """The column of some of the records, with the cells that they use."""
        if len(rows) == len(self.codes):
            return self
        kept = [self.codes[row] for row in rows]
        renumbered = {code: new for new, code in enumerate(dict.fromkeys(kept))}
        return Coded(
            array("i", (renumbered[code] for code in kept)),
            [self.cells[code] for code in renumbered],
        )


@dataclass(frozen=True, eq=False)
class Column:
    """A coded column after lists have become text."""

    codes: array[int]
    cells: list[Raw]


@dataclass(frozen=True, eq=False)
class Table:
    """``names`` as written in the file; ``column(i)`` codes the i-th column when asked.

    ``numbers()`` gives the file row of each record as a spreadsheet counts (header = 1; in a
    JSONL file the line), found only when a message needs it.
    """

    names: tuple[str, ...]
    rows: int
    column: Callable[[int], Coded]
    numbers: Callable[[], Sequence[int]]


class Numbers:
    """The file row of a record, by its position among the records kept."""

    def __init__(self, table: Table, kept: Sequence[int]) -> None:
        self._table, self._kept = table, kept

    @cached_property
    def _rows(self) -> Sequence[int]:
        return self._table.numbers()

    def __call__(self, record: int) -> int:
        return self._rows[self._kept[record]]


def _text(text: str) -> str:
    """Text that can be written out again: a lone surrogate becomes U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _sequence(items: Sequence[Any]) -> RawCell:
    cells = [plain(item) for item in items]
    if any(isinstance(item, (list, tuple, dict)) for item in items):
        return json.dumps(list(items), ensure_ascii=False, default=str)
    return tuple("" if cell is None else str(cell) for cell in cells) or None


def plain(value: Any) -> RawCell:
    """A cell of any reader as one of the types that `values.read_cell` takes, or a tuple."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)  # the clock time that is written, in its own zone
    if isinstance(value, (int, float, date)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return _sequence(value)
    return (
        json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, dict)
        else (str(value))
    )


def encode(values: Iterable[Any]) -> Coded:
    """Code a column of Python values; 1, 1.0 and "1" are different cells."""
    seen: dict[Any, int] = {}
    cells: list[RawCell] = []
    codes = array("i")
    for value in values:
        cell = value if type(value) is str else plain(value)
        key = cell if type(cell) is str else (type(cell), cell)
        code = seen.setdefault(key, len(cells))
        if code == len(cells):
            cells.append(plain(cell))
        codes.append(code)
    return Coded(codes, cells)
