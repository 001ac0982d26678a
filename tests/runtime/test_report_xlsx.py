"""The workbook shows every outcome, safely."""

from __future__ import annotations

import json
import re
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import python_calamine as calamine

from qc_runtime.outcome import Outcome, Status
from qc_runtime.records import RecordSet, load_records
from qc_runtime.report.styles import LONGEST, cell_text
from qc_runtime.report.xlsx import write_xlsx
from support.reports import FIELDS, INFO, OUTCOMES, reported


@pytest.fixture
def records(tmp_path: Path) -> RecordSet:
    return reported(tmp_path)


@pytest.fixture
def book(tmp_path: Path, records: RecordSet) -> Path:
    path = tmp_path / "out" / "outcomes.xlsx"
    write_xlsx(path, OUTCOMES, records, INFO)
    return path


def _sheet(path: Path, name: str) -> list[list[object]]:
    return [list(row) for row in calamine.load_workbook(path).get_sheet_by_name(name).to_python()]


def _xml(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def test_the_results_sheet_holds_the_data_the_verdict_and_the_reason(book: Path) -> None:
    rows = _sheet(book, "结果")
    assert rows[0] == [
        *("住院号", "术前术式", "手术记录", "年龄", "期望"),
        *("结论", "状态", "由谁判定", "规则", "模型倾向", "把握", "说明", "依据原文"),
    ]
    evidence = "手术记录：“内痔套扎术”\n术前术式：“痔切除术”"
    assert rows[1] == [
        *("0012", "痔切除术", "=1+1", 55.0, "匹配"),
        *("匹配", "已判定", "规则", "痔、宫腔镜", "", "", "规则“痔”", evidence),
    ]
    assert rows[3][3] == "sixty"  # as written, though it is no number
    assert rows[3][10] == pytest.approx(0.931234)
    assert rows[4][5:11] == ["", "待人工", "", "", "匹配", 0.61]
    assert len(rows) == 9


def test_text_that_looks_like_a_formula_stays_text(book: Path) -> None:
    xml = _xml(book, "xl/worksheets/sheet1.xml")
    assert "<f>" not in xml
    assert "<t>=1+1</t>" in xml
    assert "<t>@经尿道输尿管支架置入术</t>" in xml


def test_the_results_sheet_can_be_filtered_scrolled_and_printed(book: Path) -> None:
    xml = _xml(book, "xl/worksheets/sheet1.xml")
    assert '<autoFilter ref="A1:M9"/>' in xml
    assert 'xSplit="1" ySplit="1"' in xml
    assert 'state="frozen"' in xml
    assert 'orientation="landscape"' in xml
    assert "numberStoredAsText" in xml
    assert "_xlnm.Print_Titles" in _xml(book, "xl/workbook.xml")


def _fill_of(book: Path, cell: str) -> str:
    """The background colour of a cell of the results sheet, as RRGGBB."""
    sheet, styles = _xml(book, "xl/worksheets/sheet1.xml"), _xml(book, "xl/styles.xml")
    found = re.search(rf'<c r="{cell}" s="(\d+)"', sheet)
    assert found
    formats = re.search(r"<cellXfs.*?</cellXfs>", styles, re.S)
    assert formats
    style = re.findall(r"<xf .*?(?:/>|</xf>)", formats[0], re.S)[int(found[1])]
    fill = re.search(r'fillId="(\d+)"', style)
    assert fill
    fills = re.findall(r"<fill>.*?</fill>", styles, re.S)
    colour = re.search(r'fgColor rgb="FF(\w{6})"', fills[int(fill[1])])
    return colour[1] if colour else ""


def test_every_kind_of_outcome_has_its_own_colour(book: Path) -> None:
    colours = {row: _fill_of(book, f"F{row}") for row in range(2, 10)}
    assert colours[2] == colours[3] == "C6EFCE"  # pass: green
    assert colours[4] == "FFC7CE"  # fail: red
    assert colours[5] == "FFEB9C"  # review: amber
    assert colours[6] == "DDEBF7"  # missing: blue
    assert colours[8] == "E7E6E6"  # excluded: grey
    assert len(set(colours.values())) == 7
    assert _fill_of(book, "A2") == ""


def test_confidence_is_a_percentage(book: Path) -> None:
    assert 'formatCode="0.0%"' in _xml(book, "xl/styles.xml")


def test_the_summary_sheet_states_the_indicator_with_its_parts(book: Path) -> None:
    rows = {str(row[0]): row[1:] for row in _sheet(book, "汇总") if row[0]}
    assert rows["指标"][0] == "匹配 ÷（匹配＋不匹配）"
    assert rows["比率"][0] == pytest.approx(2 / 3, abs=1e-6)
    assert (rows["分子"][0], rows["分母"][0], rows["尚未计入（无结论）"][0]) == (2, 3, 4)
    assert rows["依据"][0] == "国卫办医政函〔2025〕227号 指标十七"
    assert rows["匹配"] == [2, 0.25]
    assert rows["待人工"] == [1, 0.125]
    assert rows["合计"][0] == 8
    assert rows["鼻内镜"] == [0, 0]
    assert rows["提示词元（共用）"][0] == 800


def test_what_waits_for_a_person_has_a_sheet_of_its_own(book: Path) -> None:
    rows = _sheet(book, "待处理")
    assert [row[0] for row in rows[1:]] == ["4", "5", "6", "8"]


def test_there_is_no_to_do_sheet_when_nothing_waits(tmp_path: Path, records: RecordSet) -> None:
    done = [Outcome(key, Status.DECIDED, "匹配", decided_by="rule") for key in records.keys]
    write_xlsx(tmp_path / "done.xlsx", done, records, INFO)
    assert calamine.load_workbook(tmp_path / "done.xlsx").sheet_names == ["结果", "汇总"]


def test_too_many_rows_go_on_in_further_sheets(tmp_path: Path, records: RecordSet) -> None:
    path = tmp_path / "many.xlsx"
    write_xlsx(path, OUTCOMES, records, INFO, rows_a_sheet=3)
    names = calamine.load_workbook(path).sheet_names
    assert names == ["结果", "结果 2", "结果 3", "汇总", "待处理", "待处理 2"]
    keys = [row[0] for name in names[:3] for row in _sheet(path, name)[1:]]
    assert keys == [one.key for one in OUTCOMES]


def test_english_headings(
    tmp_path: Path, records: RecordSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_LANG", "en")
    write_xlsx(tmp_path / "en.xlsx", OUTCOMES, records, INFO)
    assert calamine.load_workbook(tmp_path / "en.xlsx").sheet_names == [
        *("Results", "Summary", "To do")
    ]
    assert _sheet(tmp_path / "en.xlsx", "Results")[0][5:8] == ["Verdict", "Status", "Decided by"]
    assert _sheet(tmp_path / "en.xlsx", "Results")[1][6:8] == ["Decided", "Rule"]


def test_hostile_cells_are_written_and_read_back(tmp_path: Path) -> None:
    nasty = [
        "a\x01b\x0bc",
        "_x0041_",
        "<b>&amp;</b>",
        "长" * 40_000,
        "😀" * 20_000,
        "=cmd|' /C calc'!A0",
    ]
    path = tmp_path / "nasty.jsonl"
    lines = [json.dumps({"住院号": str(i), "术前术式": text}) for i, text in enumerate(nasty)]
    path.write_text("\n".join(lines), "utf-8")
    records = load_records(path, FIELDS[:2], "住院号")
    outcomes = [Outcome(key, Status.PENDING) for key in records.keys]
    write_xlsx(tmp_path / "n.xlsx", outcomes, records, replace(INFO, records=len(nasty)))
    cells = [str(row[1]) for row in _sheet(tmp_path / "n.xlsx", "结果")[1:]]
    assert cells[0] == "abc"
    assert cells[1:3] == nasty[1:3]
    assert cells[3].startswith("长" * 30_000)
    assert cells[3].endswith("……（过长，已截断）")
    assert all(len(cell.encode("utf-16-le")) // 2 <= LONGEST for cell in cells)
    assert cells[5] == nasty[5]


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1])
def test_only_text_over_the_limit_of_a_cell_is_cut(length: int) -> None:
    text = cell_text("字" * length)
    assert len(text) == min(length, LONGEST)
    assert text.endswith("已截断）") == (length > LONGEST)


def test_nothing_but_the_workbook_is_left_in_the_folder(book: Path) -> None:
    assert [one.name for one in book.parent.iterdir()] == ["outcomes.xlsx"]
    assert stat.S_IMODE(book.stat().st_mode) == 0o600
