"""Reports account for every record and show it safely."""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import python_calamine as calamine
from rich.cells import cell_len
from rich.console import Console

from qc_compiler.values import Field, FieldType
from qc_dsl.errors import QcError
from qc_runtime.outcome import Evidence, Outcome, Status, Usage
from qc_runtime.records import RecordSet, load_records
from qc_runtime.report.atomic import atomic_path
from qc_runtime.report.jsonl import write_jsonl
from qc_runtime.report.styles import LONGEST, cell_text
from qc_runtime.report.summary import AccountingError, RunInfo, summarise, write_summary
from qc_runtime.report.terminal import print_summary
from qc_runtime.report.xlsx import write_xlsx

FIELDS = (
    Field("住院号", FieldType.TEXT, ("住院号",)),
    Field("术前术式", FieldType.TEXT, ("术前术式",)),
    Field("手术记录", FieldType.LIST, ("手术记录",), separator="+"),
    Field("年龄", FieldType.NUMBER, ("年龄",)),
)
CSV = """住院号,术前术式,手术记录,年龄,期望
0012,痔切除术,=1+1,55,匹配
2,+宫腔镜,-宫腔镜下诊刮术,41,匹配
3,经尿道输尿管镜激光碎石术,@经尿道输尿管支架置入术,sixty,不匹配
4,甲,乙,,
5,丙,,3,
6,丁,戊,4,
7,己,庚,5,不适用
8,辛,壬,6,
"""
OUTCOMES = (
    Outcome(
        "0012",
        Status.DECIDED,
        "匹配",
        decided_by="rule",
        rules=("痔", "宫腔镜"),
        explanation="规则“痔”",
        evidence=(Evidence("手术记录", "内痔套扎术"), Evidence("术前术式", "痔切除术")),
    ),
    Outcome("2", Status.DECIDED, "匹配", decided_by="rule", rules=("宫腔镜",)),
    Outcome("3", Status.DECIDED, "不匹配", decided_by="model", confidence=0.931234),
    Outcome("4", Status.NEEDS_REVIEW, leaning="匹配", confidence=0.61),
    Outcome("5", Status.DATA_MISSING, explanation="手术记录 为空"),
    Outcome("6", Status.ERROR, explanation="超过上下文长度"),
    Outcome("7", Status.DECIDED, "不适用", decided_by="rule", rules=("日间病房",)),
    Outcome("8", Status.PENDING),
)
INFO = RunInfo(
    title="术前讨论计划手术一致率",
    id="surgery-consistency",
    version="1.0.0",
    basis="国卫办医政函〔2025〕227号 指标十七",
    data="records.csv",
    records=8,
    verdicts=(("匹配", "pass"), ("不匹配", "fail"), ("不适用", "exclude")),
    rules=("日间病房", "宫腔镜", "鼻内镜", "痔"),
    started=datetime(2025, 3, 1, 8),
    finished=datetime(2025, 3, 1, 8, 1, 5),
    model="demo",
    usage=Usage(4, 3, 1200, 800, 80, 8.0, 1.2),
    problems=1,
)


@pytest.fixture
def records(tmp_path: Path) -> RecordSet:
    path = tmp_path / "records.csv"
    path.write_text(CSV, "utf-8")
    return load_records(path, FIELDS, "住院号", extra=["期望"])


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


# -- accounting ---------------------------------------------------------------------------------


def test_the_summary_counts_every_record_once_and_lists_what_is_zero() -> None:
    summary = summarise(OUTCOMES, INFO)
    assert summary["records"] == 8
    assert summary["by_verdict"] == {"匹配": 2, "不匹配": 1, "不适用": 1}
    assert summary["by_status"] == {
        "decided": 4,
        "data_missing": 1,
        "needs_review": 1,
        "pending": 1,
        "error": 1,
    }
    assert summary["by_rule"] == {"日间病房": 1, "宫腔镜": 2, "鼻内镜": 0, "痔": 1}
    assert summary["by_decider"] == {"rule": 3, "model": 1}
    assert summary["rate"] == {"passed": 2, "judged": 3, "value": 0.666667, "open": 4}
    assert summary["model"]["reused_prompt_tokens"] == 800
    assert summary["unreadable_cells"] == 1


def test_a_run_without_a_model_has_the_same_keys() -> None:
    without = summarise(OUTCOMES, replace(INFO, usage=None, model=None))
    assert without["model"].keys() == summarise(OUTCOMES, INFO)["model"].keys()
    assert without["model"]["requests"] == 0


def test_the_rate_of_nothing_is_none_not_a_hundred_percent() -> None:
    pending = [Outcome(str(i), Status.PENDING) for i in range(8)]
    assert summarise(pending, INFO)["rate"] == {"passed": 0, "judged": 0, "value": None, "open": 8}


def _with(at: int, outcome: Outcome) -> list[Outcome]:
    return [*OUTCOMES[:at], outcome, *OUTCOMES[at + 1 :]]


@pytest.mark.parametrize(
    "outcomes",
    [
        pytest.param(OUTCOMES[:-1], id="a record lost"),
        pytest.param([*OUTCOMES, Outcome("9", Status.PENDING)], id="a record too many"),
        pytest.param(_with(7, Outcome("2", Status.PENDING)), id="a key twice"),
        pytest.param(_with(7, Outcome("8", Status.DECIDED, decided_by="rule")), id="no verdict"),
        pytest.param(_with(7, Outcome("8", Status.PENDING, "匹配")), id="verdict, not decided"),
        pytest.param(_with(7, Outcome("8", Status.DECIDED, "匹配")), id="decided by nobody"),
        pytest.param(
            _with(7, Outcome("8", Status.DECIDED, "合格", decided_by="rule")), id="unknown verdict"
        ),
        pytest.param(_with(7, Outcome("8", Status.NEEDS_REVIEW, leaning="合格")), id="leaning"),
        pytest.param(_with(7, Outcome("8", Status.PENDING, rules=("无",))), id="unknown rule"),
        pytest.param(_with(7, Outcome("8", Status.PENDING, confidence=1.5)), id="confidence"),
    ],
)
def test_outcomes_that_do_not_add_up_fail_loudly(outcomes: list[Outcome]) -> None:
    with pytest.raises(AccountingError):
        summarise(outcomes, INFO)


def test_a_workbook_of_other_records_is_refused(tmp_path: Path, records: RecordSet) -> None:
    with pytest.raises(AccountingError):
        write_xlsx(tmp_path / "x.xlsx", _with(7, Outcome("other", Status.PENDING)), records, INFO)
    assert not (tmp_path / "x.xlsx").exists()


# -- jsonl and summary.json ---------------------------------------------------------------------


def test_jsonl_has_a_line_for_every_record_with_the_promised_keys(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    write_jsonl(path, OUTCOMES)
    lines = path.read_text("utf-8").splitlines()
    assert [json.loads(line)["key"] for line in lines] == [one.key for one in OUTCOMES]
    assert json.loads(lines[0]) == {
        "key": "0012",
        "verdict": "匹配",
        "leaning": None,
        "status": "decided",
        "decided_by": "rule",
        "rules": ["痔", "宫腔镜"],
        "confidence": None,
        "explanation": "规则“痔”",
        "evidence": [
            {"field": "手术记录", "quote": "内痔套扎术"},
            {"field": "术前术式", "quote": "痔切除术"},
        ],
    }
    assert json.loads(lines[2])["confidence"] == 0.9312
    assert "匹配" in lines[0]  # readable, not \u escapes
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_outcomes_give_the_same_bytes(tmp_path: Path, records: RecordSet) -> None:
    for name in ("a", "b"):
        write_jsonl(tmp_path / f"{name}.jsonl", OUTCOMES)
        write_summary(tmp_path / f"{name}.json", summarise(OUTCOMES, INFO))
        write_xlsx(tmp_path / f"{name}.xlsx", OUTCOMES, records, INFO)
    for end in ("jsonl", "json", "xlsx"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()


# -- the workbook -------------------------------------------------------------------------------


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


# -- the terminal -------------------------------------------------------------------------------


def _printed(width: int, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=width)
    print_summary(console, summarise(OUTCOMES, INFO), INFO, [Path("out/demo/outcomes.xlsx")])
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_terminal_table_fits_80_columns_and_says_what_matters() -> None:
    text = _printed(80)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "匹配 ÷（匹配＋不匹配）：2 / 3 = 66.7%（4 例尚未计入）" in text
    assert re.search(r"鼻内镜\s+从未用到", text)
    assert re.search(r"待人工\s+1\s+12\.5%\s+█+", text)
    assert "4 例（3 问），8.0 秒，0.50 例/秒" in text
    assert "提示 40% 共用" in text
    assert "out/demo/outcomes.xlsx" in text


def test_the_terminal_table_can_be_piped_into_a_gb18030_file() -> None:
    text = _printed(80, "gb18030")
    assert re.search(r"待人工\s*\|\s*1\s*\|\s*12\.5%\s*\|\s*###\s", text)
    assert "\x1b" not in text


def test_names_from_the_rulebook_are_never_markup() -> None:
    info = replace(INFO, title="[red]标题[/red]", rules=(*INFO.rules, "[bold]规则"))
    console = Console(file=io.StringIO(), width=80)
    print_summary(console, summarise(OUTCOMES, info), info)
    assert isinstance(console.file, io.StringIO)
    assert "[red]标题[/red]" in console.file.getvalue()
    assert "[bold]规则" in console.file.getvalue()


# -- whole files or none ------------------------------------------------------------------------


def _fail_half_way(path: Path) -> None:
    with atomic_path(path) as part:
        part.write_text("half")
        raise RuntimeError


def test_a_failed_write_leaves_the_old_file_and_no_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        _fail_half_way(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_result_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(QcError) as error:
        write_jsonl(tmp_path / "file" / "outcomes.jsonl", OUTCOMES)
    assert error.value.diagnostics[0].code == "QC605"


def test_a_folder_in_the_way_is_a_message_and_leaves_no_pieces(tmp_path: Path) -> None:
    (tmp_path / "outcomes.jsonl").mkdir()
    with pytest.raises(QcError) as error:
        write_jsonl(tmp_path / "outcomes.jsonl", OUTCOMES)
    assert error.value.diagnostics[0].code == "QC605"
    assert [one.name for one in tmp_path.iterdir()] == ["outcomes.jsonl"]
