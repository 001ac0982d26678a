"""Agreement with labels, counted so that nobody is flattered."""

from __future__ import annotations

from pathlib import Path

import pytest

from qc_compiler.pipeline import compile_file
from qc_dsl.errors import QcError
from qc_runtime.outcome import Outcome, Status
from qc_runtime.workbench.evaluation import evaluation, wilson

PROGRAM = compile_file(Path(__file__).parents[1] / "cases" / "surgery_rules.yaml")
SOURCE = Path("data.csv")


def decided(verdict: str, by: str = "model") -> Outcome:
    return Outcome("k", Status.DECIDED, verdict, decided_by=by)  # type: ignore[arg-type]


REVIEW = Outcome("k", Status.NEEDS_REVIEW, leaning="匹配")
MISSING = Outcome("k", Status.DATA_MISSING)
FAILED = Outcome("k", Status.ERROR)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [  # R's binom.confint(…, methods = "wilson")
        (8, 10, 0.4901625, 0.9433178),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (50, 100, 0.4038315, 0.5961685),
        (408, 480, 0.8153, 0.8791),
    ],
)
def test_wilson_intervals_are_the_known_ones(correct: int, n: int, low: float, high: float) -> None:
    tolerance = 1e-4 if n == 480 else 1e-6
    assert wilson(correct, n) == pytest.approx((low, high), abs=tolerance)


def test_nothing_is_known_of_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_record_under_review_counts_by_its_leaning() -> None:
    result = evaluation(PROGRAM, [REVIEW, REVIEW], ["匹配", "不匹配"], SOURCE)
    assert result["accuracy"] == 0.5
    assert result["coverage"] == 0.0
    assert result["decided_accuracy"] is None


def test_a_record_without_any_answer_counts_as_wrong() -> None:
    outcomes = [MISSING, FAILED, decided("匹配")]
    result = evaluation(PROGRAM, outcomes, ["匹配"] * 3, SOURCE)
    assert result["accuracy"] == pytest.approx(1 / 3)
    assert result["coverage"] == pytest.approx(1 / 3)
    assert result["decided_accuracy"] == 1.0
    assert result["by_status"] == {"data_missing": 1, "error": 1, "decided": 1}


def test_blank_labels_are_left_out() -> None:
    result = evaluation(PROGRAM, [decided("匹配"), decided("匹配")], [None, "匹配"], SOURCE)
    assert (result["n"], result["accuracy"]) == (1, 1.0)


def test_labels_are_folded() -> None:
    outcomes = [decided("不匹配")]
    assert evaluation(PROGRAM, outcomes, ["不 匹配\u200b"], SOURCE)["accuracy"] == 1.0


def test_an_unknown_label_is_an_error_that_offers_what_is_near() -> None:
    with pytest.raises(QcError) as raised:
        evaluation(PROGRAM, [decided("匹配")] * 2, ["匹配", "不配匹"], SOURCE)
    [diagnostic] = raised.value.diagnostics
    assert "不配匹" in diagnostic.message.zh
    assert diagnostic.help is not None
    assert "不匹配" in diagnostic.help.zh


def test_a_column_without_labels_is_an_error() -> None:
    with pytest.raises(QcError):
        evaluation(PROGRAM, [decided("匹配")], [None], SOURCE)


def test_tables_add_up() -> None:
    outcomes = [
        decided("匹配", "rule"), decided("匹配"), decided("不匹配"), decided("不匹配"), REVIEW,
        MISSING, decided("不适用", "rule"),
    ]  # fmt: skip
    labels = ["匹配", "不匹配", "不匹配", "匹配", "匹配", "匹配", "不适用"]
    result = evaluation(PROGRAM, outcomes, labels, SOURCE)
    assert result["n"] == 7
    assert result["accuracy"] == pytest.approx(4 / 7)
    assert result["accuracy_interval"] == list(wilson(4, 7))
    assert result["confusion"] == {
        "匹配": {"匹配": 2, "不匹配": 1, "data_missing": 1},
        "不匹配": {"匹配": 1, "不匹配": 1},
        "不适用": {"不适用": 1},
    }
    assert result["per_verdict"]["匹配"] == {"precision": 2 / 3, "recall": 0.5, "n": 4}
    assert result["per_verdict"]["不适用"] == {"precision": 1.0, "recall": 1.0, "n": 1}
    assert result["decided_by"] == {
        "rule": {"n": 2, "correct": 2},
        "model": {"n": 3, "correct": 1},
        "person": {"n": 2, "correct": 1},
    }
    assert sum(row["n"] for row in result["decided_by"].values()) == result["n"]
    assert len(result["disagreements"]) == 3
    assert result["disagreements"][0] == {
        "key": "k", "expected": "不匹配", "got": "匹配", "status": "decided",
        "decided_by": "model", "rules": [], "confidence": None,
    }  # fmt: skip
