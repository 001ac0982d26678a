"""The table at the end of a run."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console

from qc_runtime.report.summary import summarise
from qc_runtime.report.terminal import print_summary
from support.reports import INFO, OUTCOMES


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


def test_what_was_answered_before_is_told_and_makes_no_run_look_fast() -> None:
    assert INFO.usage
    info = replace(INFO, usage=replace(INFO.usage, stored=1))
    console = Console(file=io.StringIO(), width=100)
    print_summary(console, summarise(OUTCOMES, info), info)
    assert isinstance(console.file, io.StringIO)
    assert "4 例（3 问，其中 1 以前答过），8.0 秒，0.33 例/秒" in console.file.getvalue()


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


def test_departments_keep_their_names_and_scores_on_a_narrow_screen() -> None:
    summary = summarise(OUTCOMES, INFO)
    row = {
        "records": 12_345,
        "by_verdict": dict.fromkeys(summary["by_verdict"], 4_321),
        "by_status": dict.fromkeys(summary["by_status"], 8),
        "findings": 99,
        "score": {"mean": 97.25},
    }
    counts = {"findings": 3, "records_with_findings": 2, **summary["by_status"], "exempt": 7}
    more = {"by_department": {"心内科": row}, "by_rule_status": {"查房": counts}}
    info = replace(INFO, has_findings=True, has_score=True)
    console = Console(file=io.StringIO(), width=80)
    print_summary(console, summary | more | {"score": row["score"]}, info)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert re.search(r"心内科.* 4,321 .* 97\.2", text), text
