"""The counts of a run, which must add up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qc_runtime.judging.accounts import AccountingError, Accounts
from qc_runtime.outcome import Outcome, Status, Usage
from qc_runtime.report.atomic import atomic_path
from qc_runtime.report.departments import by_department, findings_of, scores_of
from qc_runtime.report.tiers import tiers_of

if TYPE_CHECKING:
    from qc_compiler.layout import Planned

VerdictKind = Literal["pass", "fail", "exclude", "other"]

__all__ = ["AccountingError", "RunInfo", "TableInfo", "check", "summarise", "write_summary"]


@dataclass(frozen=True)
class TableInfo:
    """What was read of a related table; see `qc_runtime.tables.load.Loaded`."""

    name: str
    source: str
    rows: int
    orphans: int
    keyless: int
    unreadable: int


@dataclass(frozen=True)
class RunInfo:
    """What a run was about.

    ``records`` is how many records were loaded: that many outcomes there must be. ``verdicts``
    pairs the rulebook's verdicts with what they count as; ``rules`` are all ids that an outcome
    may name, in the rulebook's order. ``basis`` is the rulebook's 依据. ``problems`` counts
    cells that could not be read. ``usage`` is `None` when no model was asked. ``accounts`` is
    what every rule came to for every record, ``departments`` the records' departments in their
    order, where the rulebook names one. ``absent`` are the tables that were not given. ``plans``
    say how the questions were laid out, round by round.
    """

    title: str
    id: str
    version: str
    basis: str
    data: str
    records: int
    verdicts: tuple[tuple[str, VerdictKind], ...]
    rules: tuple[str, ...]
    started: datetime
    finished: datetime
    model: str | None = None
    usage: Usage | None = None
    problems: int = 0
    accounts: Accounts | None = None
    departments: Sequence[str | None] | None = None
    tables: tuple[TableInfo, ...] = ()
    absent: tuple[str, ...] = ()
    has_findings: bool = False
    has_score: bool = False
    plans: tuple[Planned, ...] = ()


def summarise(outcomes: Sequence[Outcome], info: RunInfo) -> dict[str, Any]:
    """The counts of a run as JSON-ready values; raises `AccountingError` if they do not add up.

    ``by_rule`` counts the records that a rule concerns: all but those for which it was exempt
    (without accounts: the outcomes that name it). One record may count for several rules.
    ``rate`` is passed ÷ judged, judged being passed + failed; ``open`` are records without a
    verdict, which are not in it yet.
    """
    check(outcomes, info)
    verdicts = Counter(one.verdict for one in outcomes)
    statuses = Counter(one.status for one in outcomes)
    deciders = Counter(one.decided_by for one in outcomes if one.status is Status.DECIDED)
    by_verdict = {name: verdicts[name] for name, _ in info.verdicts}
    by_status = {status.value: statuses[status] for status in Status}
    if sum(by_verdict.values()) != statuses[Status.DECIDED] or statuses.total() != info.records:
        raise AccountingError(f"{by_verdict} and {by_status} are not {info.records} records")
    return {
        "rulebook": {"title": info.title, "id": info.id, "version": info.version}
        | {"basis": info.basis},
        "data": info.data,
        "started": info.started.isoformat(timespec="seconds"),
        "finished": info.finished.isoformat(timespec="seconds"),
        "records": info.records,
        "by_verdict": by_verdict,
        "by_status": by_status,
        "by_rule": _by_rule(outcomes, info),
        "by_decider": {"rule": deciders["rule"], "model": deciders["model"]},
        "by_rule_status": _by_rule_status(outcomes, info),
        "by_department": by_department(outcomes, info),
        "findings": sum(len(one.findings) for one in outcomes),
        "score": scores_of(outcomes) if info.has_score else None,
        "rate": rate_of(by_verdict, info),
        "unreadable_cells": info.problems,
        "tables": {one.name: _table(one) for one in info.tables},
        "absent_tables": list(info.absent),
        "model": {"name": info.model} | usage_of(info.usage or Usage()),
        "tiers": tiers_of(info.usage),
        "plan": [asdict(planned) for planned in info.plans],
    }


def usage_of(usage: Usage) -> dict[str, Any]:
    """Of all tiers together; each by itself is told apart."""
    return {name: value for name, value in asdict(usage).items() if name != "tiers"}


def _by_rule(outcomes: Sequence[Outcome], info: RunInfo) -> dict[str, int]:
    if info.accounts is None:
        rules = Counter(rule for one in outcomes for rule in dict.fromkeys(one.rules))
        return {rule: rules[rule] for rule in info.rules}
    return {rule: info.records - counts["exempt"] for rule, counts in info.accounts.counts()}


def _by_rule_status(outcomes: Sequence[Outcome], info: RunInfo) -> dict[str, dict[str, int]]:
    """What every rule came to, each adding up to the records, and its findings beside that."""
    if info.accounts is None:
        return {}
    if info.accounts.records != info.records:
        raise AccountingError(f"accounts of {info.accounts.records} records")
    return {
        rule: counts | found
        for (rule, counts), found in zip(
            info.accounts.counts(), findings_of(outcomes, info), strict=True
        )
    }


def _table(one: TableInfo) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "name"}


def rate_of(by_verdict: Mapping[str, int], info: RunInfo) -> dict[str, Any]:
    """The indicator: passed ÷ judged, and the records that are not in it yet."""
    passed = sum(by_verdict[name] for name, kind in info.verdicts if kind == "pass")
    failed = sum(by_verdict[name] for name, kind in info.verdicts if kind == "fail")
    judged = passed + failed
    return {
        "passed": passed,
        "judged": judged,
        "value": round(passed / judged, 6) if judged else None,
        "open": info.records - sum(by_verdict.values()),
    }


def check(outcomes: Sequence[Outcome], info: RunInfo) -> None:
    """Raise `AccountingError` unless there is one sound outcome for every record."""
    if len(outcomes) != info.records:
        raise AccountingError(f"{len(outcomes)} outcomes for {info.records} records")
    if len({one.key for one in outcomes}) != len(outcomes):
        raise AccountingError("two outcomes have the same key")
    names, rules = {name for name, _ in info.verdicts}, set(info.rules)
    for one in outcomes:
        if fault := _fault(one, names, rules):
            raise AccountingError(f"outcome of {one.key}: {fault}")


def _fault(one: Outcome, names: set[str], rules: set[str]) -> str | None:
    decided = one.status is Status.DECIDED
    if decided != (one.verdict is not None):
        return f"status {one.status.value} with verdict {one.verdict}"
    if decided != (one.decided_by is not None):
        return f"status {one.status.value}, decided by {one.decided_by}"
    if unknown := {one.verdict, one.leaning} - {None} - names:
        return f"verdicts {unknown} are not the rulebook's"
    if unknown_rules := set(one.rules) - rules:
        return f"rules {unknown_rules} are not the rulebook's"
    if one.confidence is not None and not 0 <= one.confidence <= 1:
        return f"confidence {one.confidence}"
    if unknown_rules := {finding.rule for finding in one.findings} - rules:
        return f"findings of {unknown_rules}"
    return None


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary as indented JSON. Raises `QcError`."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", "utf-8")
