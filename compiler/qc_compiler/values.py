"""Typed fields of a record, and the values that predicates see.

| type                 | Python value                | meaning                                     |
| -------------------- | --------------------------- | ------------------------------------------- |
| text, category       | `str`                       | folded (`qc_dsl.fold`), never empty         |
| list                 | `tuple[str, ...]`           | folded items, none empty, at least one      |
| number               | `float`                     | finite                                      |
| date, datetime       | `Moment`                    | an interval: a date alone is its whole day  |
| duration             | `float`                     | seconds, never negative                     |
| any of them, missing | `None`                      | unknown to all predicates but 为空, 不为空  |
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from qc_compiler.durations import parse_duration
from qc_dsl.fold import fold
from qc_dsl.lang import Text

ITEM_MARK = "\x1f"  # parts the items of a list in a table's text column; folding removes it


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    CATEGORY = "category"
    LIST = "list"
    DURATION = "duration"

    @property
    def is_temporal(self) -> bool:
        return self in (FieldType.DATE, FieldType.DATETIME)

    @property
    def is_textual(self) -> bool:
        """Whether predicates over words (为, 包含, …) apply."""
        return self in (FieldType.TEXT, FieldType.CATEGORY, FieldType.LIST)


@dataclass(frozen=True)
class Field:
    """A field of a case as the rulebook declares it.

    ``columns`` are the names under which a data file may carry it, best first. ``label`` is
    what a question calls it. ``separator`` parts the items of a list. ``values`` are the
    folded values that a category may take (empty: any).

    A field may be derived from others (`qc_compiler.derive`): ``source`` is the field whose text
    it is taken from, under one of the ``headings``, cut out by ``pattern``; ``since`` and
    ``until`` are the two times whose distance it is. ``blanks`` are folded cells that count as
    not written. ``lined``: predicates ask about its lines too (`qc_compiler.lines`).
    """

    name: str
    type: FieldType
    columns: tuple[str, ...]
    label: str | None = None
    separator: str | None = None
    values: tuple[str, ...] = ()
    source: str | None = None
    headings: tuple[str, ...] = ()
    pattern: str | None = None
    blanks: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    lined: bool = False

    @property
    def is_derived(self) -> bool:
        """Whether no data file carries it."""
        return self.source is not None or self.since is not None


@dataclass(frozen=True)
class Moment:
    """A point in time (``lo == hi``), or the interval a date without a time stands for."""

    lo: datetime
    hi: datetime

    @classmethod
    def of_day(cls, day: date) -> Moment:
        start = datetime.combine(day, time())
        return cls(start, start + timedelta(days=1) - timedelta(microseconds=1))


Value = str | float | tuple[str, ...] | Moment | None

# What a predicate looks into: a `Value` under every column's key (`ir.Column.key`). The rows of
# a case's tables stand under `RowsOf`, what the model has answered under `ANSWERS`.
Record = Mapping[Any, Any]


@dataclass(frozen=True)
class RowsOf:
    """The key of a table's rows in a case's record: a tuple of records by column name.

    A table that was not extracted is not there; one without rows is empty.
    """

    table: str


ROW = "#row"  # a row's number among its table's rows; also the column's name in SQL
CASES = "records"  # the table of cases in SQL
CASE = "#case"  # the number of the case that a row belongs to
ANSWERS = "#answers"  # -> Mapping[(question id, shown values), bool]
Raw = str | int | float | bool | date | datetime | None


@dataclass(frozen=True)
class Cell:
    """What a data file's cell is worth: a value, or why it cannot be read (then unknown)."""

    value: Value
    problem: Text | None = None


_MOMENT = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T ]*(\d{1,2})[:时](\d{1,2})分?(?:[:]?(\d{1,2})(?:\.(\d{1,6})\d*)?秒?)?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?())?")
_END_OF_DAY = (24, 0, 0, 0)


def parse_moment(text: str) -> Moment | None:
    """A date or time as hospitals write it (2025-01-03, 2025/1/3 08:05, 20250103080500).

    24:00 is the end of a day: the beginning of the next.
    """
    folded = fold(text)
    match = _MOMENT.fullmatch(folded) or _COMPACT.fullmatch(folded)
    if not match:
        return None
    year, month, day, *clock = (group or "" for group in match.groups())
    try:
        on = date(int(year), int(month), int(day))
        if not any(clock):
            return Moment.of_day(on)
        hour, minute, second, fraction = clock
        micro = int(fraction.ljust(6, "0"))
        told = (int(hour), int(minute), int(second or 0), micro)
        at = datetime.combine(on, time() if told == _END_OF_DAY else time(*told))
        at += timedelta(days=told == _END_OF_DAY)
    except (ValueError, OverflowError):
        return None
    return Moment(at, at)


def parse_number(text: str) -> float | None:
    """A finite number, thousands separators allowed; `None` when the text is not one."""
    try:
        number = float(re.sub(r"(?<=\d),(?=\d{3})", "", fold(text)))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def split_list(text: str, separator: str) -> tuple[str, ...]:
    """The folded items of a list cell; the separator is matched after folding too."""
    return tuple(item for item in fold(text).split(fold(separator)) if item)


def _temporal(field: Field, raw: Raw) -> Moment | None:
    if isinstance(raw, datetime):
        return Moment.of_day(raw.date()) if field.type is FieldType.DATE else Moment(raw, raw)
    if isinstance(raw, date):
        return Moment.of_day(raw)
    moment = parse_moment(raw) if isinstance(raw, str) else None
    if moment and field.type is FieldType.DATE:
        return Moment.of_day(moment.lo.date())
    return moment


def _written(raw: int | float | date) -> str:
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    return raw.isoformat(" ") if isinstance(raw, datetime) else str(raw)


def display(raw: Raw) -> str | None:
    """A cell as a person sees it: stripped text, or `None` where nothing is written."""
    if raw is None or (isinstance(raw, float) and math.isnan(raw)):
        return None
    text = raw.strip() if isinstance(raw, str) else _written(raw)
    # Nothing printable folds to nothing; asking that first saves folding every cell twice.
    seen = text and (text.isprintable() or fold(text[:40]) or fold(text))
    return text if seen else None


def read_cell(field: Field, raw: Raw) -> Cell:
    """The value of a cell under its field's type. Blank is missing, not empty text."""
    text = display(raw)
    if text is None or (field.blanks and fold(text) in field.blanks):
        return Cell(None)
    if field.type is FieldType.DURATION:
        seconds = parse_duration(text)
        bad = Text(f"“{text[:40]}”不是时长", f"“{text[:40]}” is not a duration")
        return Cell(seconds, None if seconds is not None else bad)
    if field.type is FieldType.NUMBER:
        number = float(raw) if isinstance(raw, (int, float)) else parse_number(text)
        bad = Text(f"“{text[:40]}”不是数字", f"“{text[:40]}” is not a number")
        return Cell(number, None if number is not None else bad)
    if field.type.is_temporal:
        moment = _temporal(field, raw if isinstance(raw, (date, datetime)) else text)
        return Cell(moment, None if moment else _no_date(text))
    if field.type is FieldType.LIST:
        return Cell(split_list(text, field.separator or "+") or None)
    folded = fold(text)
    if field.values and folded not in field.values:
        listed = "、".join(field.values[:8])
        return Cell(
            None,
            Text(f"“{text[:40]}”不在 {listed} 之中", f"“{text[:40]}” is not one of {listed}"),
        )
    return Cell(folded)


_SERIAL = re.compile(r"[34]\d{4}(\.\d+)?")  # the days 1982 to 2036 as a spreadsheet counts them


def _no_date(text: str) -> Text:
    bad = Text(f"“{text[:40]}”不是日期", f"“{text[:40]}” is not a date")
    if not _SERIAL.fullmatch(fold(text)):
        return bad
    return Text(
        f"{bad.zh}；像是 Excel 的日期序号，请在 Excel 里把这一列设为日期格式",
        f"{bad.en}; it looks like Excel's number of a day: format the column as a date in Excel",
    )
