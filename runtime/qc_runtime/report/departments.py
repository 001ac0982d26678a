"""Counts and mean scores, over all records and by department."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qc_dsl.lang import tr
from qc_runtime.outcome import Outcome, Status

if TYPE_CHECKING:
    from qc_runtime.report.summary import RunInfo


def by_department(outcomes: Sequence[Outcome], info: RunInfo) -> dict[str, dict[str, Any]]:
    """For each department its records, verdicts, statuses, findings and mean score.

    Most records first. A record without a department counts under 未填写.
    """
    if info.departments is None:
        return {}
    groups: dict[str, list[Outcome]] = {}
    for one, name in zip(outcomes, info.departments, strict=True):
        groups.setdefault(name or tr("未填写", "(blank)"), []).append(one)
    ordered = sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return {name: _counts(some, info) for name, some in ordered}


def _counts(outcomes: Sequence[Outcome], info: RunInfo) -> dict[str, Any]:
    verdicts = Counter(one.verdict for one in outcomes)
    statuses = Counter(one.status for one in outcomes)
    rules = Counter(finding.rule for one in outcomes for finding in one.findings)
    return {
        "records": len(outcomes),
        "by_verdict": {name: verdicts[name] for name, _ in info.verdicts},
        "by_status": {status.value: statuses[status] for status in Status},
        "findings": rules.total(),
        "findings_by_rule": {rule: rules[rule] for rule in info.rules if rules[rule]},
        "score": scores_of(outcomes) if info.has_score else None,
    }


def scores_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The mean score of those that have one, how many those are, and their grades."""
    scores = [one.score for one in outcomes if one.score is not None]
    grades = Counter(one.grade for one in outcomes if one.grade is not None)
    return {
        "mean": round(sum(scores) / len(scores), 4) if scores else None,
        "records": len(scores),
        "grades": dict(sorted(grades.items())),
    }
