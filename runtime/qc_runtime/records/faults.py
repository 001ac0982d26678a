"""What can be wrong with a data file.

| code  | meaning                                              |
| ----- | ---------------------------------------------------- |
| QC401 | no such file, not a file, or not readable            |
| QC402 | a kind of file that is not read here                 |
| QC403 | neither UTF-8 nor GB18030                            |
| QC404 | NUL bytes in a text file                             |
| QC405 | rows of different lengths, or quotes that do not pair |
| QC406 | a damaged workbook or Parquet file                   |
| QC407 | a line that is not a JSON object                     |
| QC408 | no records                                           |
| QC409 | a column that the rulebook needs is not there        |
| QC410 | two columns have the name that is needed             |
| QC411 | a record without a key                               |
| QC412 | one key, two records                                 |
| QC413 | (warning) two columns could carry one field          |
| QC414 | a key that Excel has rounded                         |
| QC415 | no such table, or nothing usable in a folder or book |
| QC416 | one table given more than once                       |
| QC417 | (warning) a file or sheet that is not used           |
| QC418 | (warning) rows whose key is no case's                |
| QC419 | (warning) rows without a case's key                  |
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text

SHOWN = 5  # of many faults of one kind, those listed


def fault(
    code: str, path: Path, message: Text, help_: Text | None = None, row: int | None = None
) -> Diagnostic:
    """A diagnostic whose place is a data file, or one row of it."""
    place = Text(str(path), str(path))
    if row is not None:
        place = Text(f"{path} 第 {row} 行", f"{path} row {row}")
    return Diagnostic(code, message, help=help_, place=place)


def listed(items: Sequence[str]) -> Text:
    """The first few of many, and how many more there are."""
    zh, en = "、".join(items[:SHOWN]), ", ".join(items[:SHOWN])
    more = len(items) - SHOWN
    return Text(f"{zh} 等（另有 {more} 处）", f"{en} and {more} more") if more > 0 else Text(zh, en)
