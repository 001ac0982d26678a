"""Counts and mean scores, over all records and by department."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qc_dsl.lang import tr
from qc_runtime.judging.accounts import AccountingError
from qc_runtime.outcome import Outcome, Status

if TYPE_CHECKING:
    from qc_runtime.report.summary import RunInfo


def by_department(outcomes: Sequence[Outcome], info: RunInfo) -> dict[str, dict[str, Any]]:
    """For each department its records, verdicts, statuses, rules, findings and mean score.

    Most records first. A record without a department counts under 未填写. Raises
    `AccountingError` where a department's verdicts and other statuses are not its records.
    """
    if info.departments is None:
        return {}
    groups: dict[str, list[int]] = {}
    for at, name in enumerate(info.departments):
        groups.setdefault(name or tr("未填写", "(blank)"), []).append(at)
    if sum(map(len, groups.values())) != len(outcomes):
        raise AccountingError(f"departments of {len(info.departments)} records")
    ordered = sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return {name: _counts(some, outcomes, info) for name, some in ordered}


def _counts(among: Sequence[int], all_: Sequence[Outcome], info: RunInfo) -> dict[str, Any]:
    outcomes = [all_[at] for at in among]
    verdicts = Counter(one.verdict for one in outcomes)
    statuses = Counter(one.status for one in outcomes)
    rules = Counter(finding.rule for one in outcomes for finding in one.findings)
    by_verdict = {name: verdicts[name] for name, _ in info.verdicts}
    if sum(by_verdict.values()) != statuses[Status.DECIDED]:
        raise AccountingError(f"{by_verdict} are not {statuses[Status.DECIDED]} decided records")
    return {
        "records": len(outcomes),
        "by_verdict": by_verdict,
        "by_status": {status.value: statuses[status] for status in Status},
        "by_rule_status": dict(info.accounts.counts(among)) if info.accounts else {},
        "findings": rules.total(),
        "findings_by_rule": {rule: rules[rule] for rule in info.rules if rules[rule]},
        "score": scores_of(outcomes) if info.has_score else None,
    }


def findings_of(outcomes: Sequence[Outcome], info: RunInfo) -> list[dict[str, int]]:
    """For each rule how many findings it has, and how many records have one."""
    found = Counter(finding.rule for one in outcomes for finding in one.findings)
    having = Counter(
        rule for one in outcomes for rule in dict.fromkeys(f.rule for f in one.findings)
    )
    return [{"findings": found[rule], "records_with_findings": having[rule]} for rule in info.rules]


def scores_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The mean score of those that have one, how many those are, and their grades."""
    scores = [one.score for one in outcomes if one.score is not None]
    grades = Counter(one.grade for one in outcomes if one.grade is not None)
    return {
        "mean": round(sum(scores) / len(scores), 4) if scores else None,
        "records": len(scores),
        "grades": dict(sorted(grades.items())),
    }
