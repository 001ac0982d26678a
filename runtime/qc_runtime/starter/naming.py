"""Names for what the data calls otherwise: such that sentences can use them, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.names import usable
from qc_runtime.starter.guess import Guess
from qc_runtime.starter.sources import Data, Sheet

_ODD = re.compile(r"[^\w·()（）/%-]+")


@dataclass(frozen=True)
class Place:
    """A field of the case, or a column of a table, by its name in the rulebook."""

    name: str
    table: str = ""


@dataclass
class Names:
    """The rulebook's names for the columns of some data."""

    data: Data
    reserved: Iterable[str]
    taken: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    tables: dict[str, str] = field(default_factory=dict)  # by the sheet's name
    columns: dict[tuple[str, str], Place] = field(default_factory=dict)  # by sheet and column

    def __post_init__(self) -> None:
        self.taken |= {fold(name) for name in self.reserved}
        for column in self.data.cases.columns:
            self.columns["", column.column] = Place(self.fresh(column.column))
        for sheet in self.data.tables:
            self._table(sheet)

    def _table(self, sheet: Sheet) -> None:
        of_all = {fold(column.column) for one in self.data.tables for column in one.columns}
        name = sheet.name + ("表" if fold(sheet.name) in of_all else "")
        self.tables[sheet.name] = table = self.fresh(name)
        own: set[str] = set()
        for column in sheet.columns:
            clean = _clean(column.column)
            while fold(clean) in self.taken | own:
                clean = _clean(table + clean)
            own.add(fold(clean))
            self.columns[sheet.name, column.column] = Place(clean, table)

    def fresh(self, name: str) -> str:
        """A usable name that is not taken yet, as like the given one as can be; now taken."""
        clean = base = _clean(name)
        number = 2
        while fold(clean) in self.taken:
            clean, number = f"{base}{number}", number + 1
        self.taken.add(fold(clean))
        return clean

    def rule(self, name: str) -> str:
        """A rule's name, no other's."""
        found, number = name, 2
        while fold(found) in self.rules:
            found, number = f"{name}{number}", number + 1
        self.rules.add(fold(found))
        return found

    def place(self, column: str) -> Place:
        """Where a column of the data stands, ``表.列`` for one of a table. Raises `QcError`."""
        sheet, dot, name = column.partition(".")
        if ("", column) in self.columns:
            return self.columns["", column]
        if dot and (sheet, name) in self.columns:
            return self.columns[sheet, name]
        known = [f"{one}.{other}" if one else other for one, other in self.columns]
        message = Text(f"数据里没有列“{column}”", f"The data has no column “{column}”")
        raise QcError(Diagnostic("QC611", message, help=did_you_mean(column, known)))

    def of(self, sheet: Sheet, column: Guess) -> Place:
        return self.columns["" if sheet is self.data.cases else sheet.name, column.column]


def _clean(name: str) -> str:
    clean = _ODD.sub("", name) or "列"
    if clean[0].isdigit() or not re.match(r"\w", clean):
        clean = f"列{clean}"
    return clean if usable(clean) else f"{clean}列"
