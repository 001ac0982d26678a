"""Points off for findings, and the grade that is left."""

from __future__ import annotations

from collections.abc import Iterable

from qc_compiler.program import Score
from qc_dsl.lang import Text
from qc_runtime.outcome import Finding, Status

GRADES = (Text("甲级", "A"), Text("乙级", "B"), Text("丙级", "C"))


def score_of(score: Score, findings: Iterable[Finding]) -> float:
    """The total less the points of all findings that are decided, never under 0."""
    lost = sum(one.points for one in findings if one.status is Status.DECIDED)
    return round(max(0.0, score.total - lost), 4)


def grade_of(score: Score, points: float) -> str:
    """甲级, 乙级 or 丙级 by the rulebook's bounds, both of which belong to the better grade."""
    at = 0 if points >= score.a else 1 if points >= score.b else 2
    return str(GRADES[at])
