"""The columns of a data file, or of every file of a folder: the cases and the related tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qc_compiler.values import FieldType, Raw, display
from qc_dsl.errors import QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.records.faults import fault
from qc_runtime.records.files import is_data_file, read_bytes, read_table
from qc_runtime.records.table import Table
from qc_runtime.starter.guess import Guess, guess, likely_key

CASES = ("病例", "case", "cases", "records")
_NO_NAME = re.compile(r"[\d\s.,:/\-年月日时分秒]*")
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Sheet:
    """What is known of one table of data: its name and its columns."""

    name: str
    columns: tuple[Guess, ...]

    def column(self, name: str) -> Guess | None:
        return next((one for one in self.columns if one.column == name), None)


@dataclass(frozen=True)
class Data:
    """The cases, and the tables of rows that belong to them."""

    cases: Sheet
    tables: tuple[Sheet, ...] = ()


# What a starter is about where there is no data to look at.
_WHY = Text("请按您的数据改", "change it to fit your data")
INVENTED = Data(
    Sheet(
        "病例",
        (
            Guess("住院号", FieldType.TEXT, _WHY, unique=True),
            Guess("住院科室", FieldType.TEXT, _WHY),
            Guess("主诉", FieldType.TEXT, _WHY),
            Guess("现病史", FieldType.TEXT, _WHY),
            Guess("入院时间", FieldType.DATETIME, _WHY),
            Guess("首次病程时间", FieldType.DATETIME, _WHY),
        ),
    )
)


def look_at(path: Path) -> Data:
    """The columns of a data file or of a folder of them. Raises `QcError`."""
    if not path.is_dir():
        return Data(_sheet(path))
    sheets = [_sheet(one) for one in sorted(path.iterdir()) if is_data_file(one)]
    if not sheets:
        message = Text("文件夹里没有数据文件", "There is no data file in the folder")
        raise QcError(fault("QC401", path, message))
    named = [one for one in sheets if fold(one.name).lower() in CASES]
    keyed = [one for one in sheets if (key := likely_key(one.columns)) and _is_unique(one, key)]
    cases = (named or keyed or sheets)[0]
    return Data(cases, tuple(one for one in sheets if one is not cases))


def _is_unique(sheet: Sheet, name: str) -> bool:
    column = sheet.column(name)
    return column is not None and column.unique


def _sheet(path: Path) -> Sheet:
    table = read_table(path, read_bytes(path))
    _check_header(path, table)
    return Sheet(path.stem, tuple(_columns(table)))


def _check_header(path: Path, table: Table) -> None:
    """A file without a header would put its first record into the rulebook: refuse it."""
    names = [name.strip() for name in table.names if name.strip()]
    odd = [n for n in names if _NO_NAME.fullmatch(n) or len(n) > _LONGEST_NAME]
    if not names or 2 * len(odd) >= len(names) or len(set(names)) < len(names):
        message = Text("第一行不像列名", "The first row does not look like column names")
        help_ = Text("第一行必须是列名，各不相同", "The first row must hold the names, each once")
        raise QcError(fault("QC409", path, message, help_))


def _columns(table: Table) -> Iterator[Guess]:
    for index, name in enumerate(table.names):
        if not name.strip():
            continue
        coded = table.column(index)
        cells: list[Raw] = [
            "、".join(cell) if isinstance(cell, tuple) else cell for cell in coded.cells
        ]
        blank = {at for at, cell in enumerate(cells) if display(cell) is None}
        filled = sum(code not in blank for code in coded.codes)
        yield guess(name.strip(), cells, table.rows, filled)
