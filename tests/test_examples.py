"""The example records: one deck in three files, with the pairs that started it all."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
import python_calamine

FOLDER = Path(__file__).parent.parent / "examples" / "surgery"
HEADER = ["住院号", "住院科室", "术前术式", "手术记录", "期望"]

# What the hospital printed: 术前术式, 手术记录, verdict.
PRINTED = [
    ("经尿道输尿管镜激光碎石术", "经尿道输尿管镜激光碎石术+输尿管支架置换术", "不匹配"),
    ("痔切除术", "经肛门内痔套扎术+外痔切除术+混合痔注射+肛管肿物切除术", "匹配"),
    ("痔切除术", "经肛门内痔套扎术+外痔切除术+混合痔注射", "匹配"),
    ("痔切除术", "经肛门内痔套扎术+外痔切除术+肛裂切除术", "匹配"),
    ("宫腔镜检查，备一期手术", "宫腔镜下宫颈息肉电切术+诊刮术", "匹配"),
    ("宫腔镜检查，备一期手术", "宫腔镜下子宫内息肉电切术+诊刮术", "匹配"),
    ("鼻内镜下鼻腔鼻窦手术", "鼻内镜下左侧上颌窦开放", "匹配"),
    ("经尿道输尿管镜激光碎石术", "经尿道输尿管支架置入术", "不匹配"),
]


def _csv(name: str, encoding: str) -> list[list[str]]:
    data = (FOLDER / name).read_bytes()
    return list(csv.reader(StringIO(data.decode(encoding), newline="")))


def _utf8() -> list[list[str]]:
    return _csv("records.csv", "utf-8-sig")


def test_the_utf8_file_has_a_mark_so_that_excel_opens_it() -> None:
    assert (FOLDER / "records.csv").read_bytes().startswith(codecs.BOM_UTF8)


def test_the_gb18030_file_is_not_utf8() -> None:
    with pytest.raises(UnicodeDecodeError):
        (FOLDER / "records_gb18030.csv").read_bytes().decode("utf-8")


def test_three_files_hold_the_same_records() -> None:
    rows = _utf8()
    book = python_calamine.CalamineWorkbook.from_path(FOLDER / "records.xlsx")
    sheet = book.get_sheet_by_index(0).to_python()
    assert rows[0] == HEADER
    assert _csv("records_gb18030.csv", "gb18030") == rows
    assert [[str(cell) for cell in row] for row in sheet] == rows


def test_the_printed_pairs_are_there_as_printed() -> None:
    assert set(PRINTED) <= {(row[2], row[3], row[4]) for row in _utf8()[1:]}


def test_the_deck_is_complete_and_varied() -> None:
    rows = _utf8()[1:]
    keys, departments, before, after, expected = zip(*rows, strict=True)
    assert len(set(keys)) == len(rows) >= 60
    assert len(set(departments)) >= 15
    assert set(expected) == {"匹配", "不匹配", "不适用", ""}
    assert any(not cell.strip() for cell in before)
    assert any(not cell.strip() for cell in after)
    repeated = [pair for pair, n in Counter(zip(before, after, strict=True)).items() if n > 1]
    assert len(repeated) >= 2
