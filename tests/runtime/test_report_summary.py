"""Reports account for every record: the counts, and the files for programs."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from qc_runtime.outcome import Outcome, Status
from qc_runtime.records import RecordSet
from qc_runtime.report.jsonl import write_jsonl
from qc_runtime.report.summary import AccountingError, summarise, write_summary
from qc_runtime.report.xlsx import write_xlsx
from support.reports import INFO, OUTCOMES, reported


@pytest.fixture
def records(tmp_path: Path) -> RecordSet:
    return reported(tmp_path)


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
        "findings": [],
        "score": None,
        "grade": None,
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
