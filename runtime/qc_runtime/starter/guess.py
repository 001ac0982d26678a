"""What a column of data holds, guessed from its cells. No cell leaves here but a category's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qc_compiler.values import Field, FieldType, Raw, display, read_cell
from qc_dsl.fold import fold
from qc_dsl.lang import Text

LOOKED_AT = 2000  # distinct cells of a column
MOST_VALUES, LONGEST_VALUE, FEWEST_ROWS = 8, 8, 10  # of what may be a category
_TYPED = (
    (FieldType.NUMBER, Text("数字", "numbers")),
    (FieldType.DATE, Text("日期", "dates")),
    (FieldType.DATETIME, Text("时间", "times")),
    (FieldType.DURATION, Text("时长", "stretches of time")),
)
_PERSONAL = re.compile("姓名|患者|电话|手机|住址|地址|身份证|证件|联系人|邮箱|微信|医师|医生|护士|"
                       "name|phone|address|doctor|nurse", re.IGNORECASE)  # fmt: skip
_KEY = re.compile(
    "住院号|病案号|病历号|就诊号|流水号|门诊号|病人号|病人ID|^id$|编号$|admission", re.IGNORECASE
)
_DEPARTMENT = re.compile("科室|病区|^科别|department|ward", re.IGNORECASE)
_CLOCK = re.compile(r"\d\s*[:：时T]\s*\d?")


@dataclass(frozen=True)
class Guess:
    """A column's type, why, and for what may be a category its few short values."""

    column: str
    type: FieldType
    why: Text
    values: tuple[str, ...] = ()
    unique: bool = False  # filled in every row, with another cell each


def guess(column: str, cells: Sequence[Raw], rows: int, filled: int) -> Guess:
    """The type of a column by its distinct cells; ``filled`` of its ``rows`` are not blank."""
    written = [cell for cell in cells if display(cell) is not None][:LOOKED_AT]
    unique = 0 < rows == filled == len({fold(str(display(cell))) for cell in written})
    if not written:
        why = Text("没有写的，先当作文本", "nothing is written: text for now")
        return Guess(column, FieldType.TEXT, why)
    if _KEY.search(column):
        why = Text("像编号，当作文本", "it looks like a number of a case: text")
        return Guess(column, FieldType.TEXT, why, unique=unique)
    for type_, name in _TYPED:
        field = Field(column, type_, (column,))
        if all(read_cell(field, cell).problem is None for cell in written):
            if type_ is FieldType.DATE and any(_CLOCK.search(str(cell)) for cell in written):
                continue
            many = len(written)
            why = Text(f"{many} 种值都是{name.zh}", f"all {many} values are {name.en}")
            return Guess(column, type_, why, unique=unique)
    return _text(column, written, filled, unique)


def _text(column: str, written: Sequence[Raw], filled: int, unique: bool) -> Guess:
    values = tuple(dict.fromkeys(fold(str(display(cell))) for cell in written))
    few = len(values) <= MOST_VALUES and filled >= max(FEWEST_ROWS, 3 * len(values))
    short = all(len(value) <= LONGEST_VALUE for value in values)
    if few and short and not _PERSONAL.search(column):
        why = Text(f"只有 {len(values)} 种短的值", f"only {len(values)} short values")
        return Guess(column, FieldType.CATEGORY, why, tuple(sorted(values)), unique)
    why = Text(f"{len(values)} 种文字", f"{len(values)} different texts")
    return Guess(column, FieldType.TEXT, why, unique=unique)


def likely_key(guesses: Sequence[Guess]) -> str | None:
    """The column that most likely tells cases apart."""
    named = [one for one in guesses if _KEY.search(one.column)]
    unique = [one for one in guesses if one.unique]
    order = [*(one for one in named if one.unique), *unique, *named]
    return order[0].column if order else None


def likely_department(guesses: Sequence[Guess]) -> str | None:
    """The column that most likely names the department."""
    return next((one.column for one in guesses if _DEPARTMENT.search(one.column)), None)
