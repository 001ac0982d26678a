"""Durations, and fields taken out of a text: each by examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qc_compiler.derive import STANDARD_HEADINGS, derive, extract, section
from qc_compiler.durations import DAY, parse_duration, written
from qc_compiler.values import Field, FieldType, read_cell


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("3天", 3), ("三天", 3), ("３ 天", 3), ("两天", 2), ("半天", 0.5),
        ("三天半", 3.5), ("3天余", 3), ("3余天", 3), ("十余天", 10), ("二十天", 20),
        ("一百零五天", 105), ("约3天", 3), ("3日", 3), ("2周", 14), ("1个月", 30),
        ("半月", 15), ("一个半月", 45), ("半年", 182.5), ("1年3个月", 455), ("72小时", 3),
        ("36h", 1.5), ("1天12小时", 1.5), ("30分钟", 1 / 48), ("10余年", 3650),
        ("2 weeks", 14), ("1.5天", 1.5),
    ],
)  # fmt: skip
def test_durations_as_they_are_written(text: str, days: float) -> None:
    seconds = parse_duration(text)
    assert seconds is not None
    assert seconds == pytest.approx(days * DAY)


@pytest.mark.parametrize(
    ("text", "hinted"), [("45658.5", True), ("４５６５８", True), ("昨天", False)]
)
def test_a_spreadsheet_s_number_of_a_day_is_no_date_but_known_as_what_it_is(
    text: str, hinted: bool
) -> None:
    cell = read_cell(Field("时", FieldType.DATETIME, ()), text)
    assert cell.value is None
    assert cell.problem is not None
    assert (("Excel" in cell.problem.zh), ("Excel" in cell.problem.en)) == (hinted, hinted)


@pytest.mark.parametrize(
    "text",
    [
        "数天",
        "多年",
        "几天",
        "3-5天",
        "三五天",
        "12",
        "-3天",
        "天",
        "3天前后5天",
        "三天三天",
        "反复",
        "3小时2天",
    ],
)
def test_what_is_no_single_duration_is_unknown(text: str) -> None:
    assert parse_duration(text) is None
    cell = read_cell(Field("长", FieldType.DURATION, ()), text)
    assert cell.value is None
    assert cell.problem is not None


@given(st.integers(0, 10**9))
def test_a_duration_written_out_reads_back(seconds: int) -> None:
    assert parse_duration(written(seconds)) == seconds


NOTE = """主诉： 腹痛三天
现病史：患者三天前无明显诱因出现腹痛。既往史同前，无特殊。
【既往史】否认“高血压”史。
婚 育 史：None
辅助检查：CT：未见异常
CT 复查：同前
入院诊断：1.急腹症
主诊断：阑尾炎
"""


def test_sections_end_at_the_next_heading_of_any_kind() -> None:
    assert section(NOTE, ["主诉"]) == "腹痛三天"
    assert section(NOTE, ["现病史"]) == "患者三天前无明显诱因出现腹痛。既往史同前，无特殊。"
    assert section(NOTE, ["既往史"]) == "否认“高血压”史。"
    assert section(NOTE, ["婚育史"]) == "None"
    assert section(NOTE, ["辅助检查"]) == "CT：未见异常\nCT 复查：同前"
    assert section(NOTE, ["入院诊断"]) == "1.急腹症\n主诊断：阑尾炎"
    assert section(NOTE, ["入院诊断"], ["主诊断"]) == "1.急腹症"
    assert section(NOTE, ["家族史"]) is None
    assert "主诉" in STANDARD_HEADINGS


def test_sections_of_a_text_without_lines() -> None:
    flat = "主诉：腹痛。现病史：三天前起病。既往史：体健。"
    assert section(flat, ["现病史"], ["主诉", "既往史"]) == "三天前起病。"


def test_sections_of_one_heading_are_taken_together() -> None:
    assert section("诊断：甲\n主诉：乙\n诊断：丙", ["诊断"]) == "甲\n丙"


def test_a_heading_that_begins_a_line_is_none_in_the_middle_of_another() -> None:
    note = "主诉：腹痛\n现病史：起病急。主诉：见上。诊断：同前\n诊 断：阑尾炎\n"
    assert section(note, ["主诉"], ["现病史", "诊断"]) == "腹痛"
    assert section(note, ["现病史"], ["主诉", "诊断"]) == "起病急。主诉：见上。诊断：同前"
    assert section(note, ["诊断"], ["主诉", "现病史"]) == "阑尾炎"
    bracketed = "\u3000【主诉】腹痛\n现病史：起病急。【主诉】见上"
    assert section(bracketed, ["主诉"], ["现病史"]) == "腹痛"
    flat = "姓名：甲。主诉：腹痛。现病史：起病急。"
    assert section(flat, ["主诉"], ["现病史"]) == "腹痛。", "it begins no line of this text"


def test_a_group_that_took_part_but_is_empty_cuts_out_nothing() -> None:
    assert extract("体温:度", r"体温:([\d.]*)度") is None
    assert extract("病程 天", r"(\d*)天", FieldType.DURATION) is None
    assert extract("病程3天", r"(\d*)天", FieldType.DURATION) == "3天"
    assert extract("体温度", r"体温(:[\d.]+)?度") == "体温度", "the group took no part"


def test_a_piece_of_a_text_is_cut_out_in_its_own_characters() -> None:
    assert extract("体温Ｔ：３６．５℃", r"T:?([\d.]+)") == "３６．５"
    assert extract("呕吐三天余", r"(\d+|[一二三]+)余?天", FieldType.DURATION) == "三天"
    assert extract("呕吐", r"(\d+)天") is None
    assert extract("发热", "发热") == "发热"


FIELDS = (
    Field("长", FieldType.DURATION, (), source="主诉", pattern="[一二三四五]天"),
    Field("主诉", FieldType.TEXT, (), source="全文", headings=("主诉",)),
    Field("婚育史", FieldType.TEXT, (), source="全文", headings=("婚育史",), blanks=("None",)),
    Field("全文", FieldType.TEXT, ("全文",)),
    Field("入", FieldType.DATETIME, ("入",)),
    Field("出", FieldType.DATETIME, ("出",)),
    Field("住", FieldType.DURATION, (), since="入", until="出"),
)


def value(name: str, **cells: str) -> object:
    found = derive(FIELDS, cells)
    return read_cell(next(f for f in FIELDS if f.name == name), found[name]).value


def test_fields_are_derived_after_those_they_need() -> None:
    assert value("长", 全文=NOTE) == 3 * DAY
    assert value("主诉", 全文=NOTE) == "腹痛三天"
    assert value("主诉", 全文="") is None
    assert value("婚育史", 全文=NOTE) is None, "a cell that counts as blank"


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2025-01-01 08:00", "2025-01-02 20:00", 1.5),
        ("2025-01-01", "2025-01-03 01:00", 2),  # a day has no clock time: whole days
        ("2025-01-01", "2025-01-01", 0),
        ("2025-01-01", "", None),
        ("2025-01-03 08:00", "2025-01-01 08:00", None),
    ],
)
def test_the_time_between_two_fields(since: str, until: str, days: float | None) -> None:
    assert value("住", 入=since, 出=until) == (None if days is None else days * DAY)
    backwards = derive(FIELDS, {"入": "2025-01-03 08:00", "出": "2025-01-01 08:00"})["住"]
    assert read_cell(FIELDS[-1], backwards).problem is not None, "reported, not dropped"
