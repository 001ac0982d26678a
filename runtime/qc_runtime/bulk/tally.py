"""Counts that add up: those of parts merged are those of the whole, in whatever order.

A tally is a dictionary of whole numbers and of such dictionaries, so that merging is adding,
exactly. Scores are counted by value, times are milliseconds; means and rates come at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import fsum
from typing import Any

from qc_dsl.lang import tr
from qc_runtime.judging.accounts import AccountingError
from qc_runtime.outcome import Outcome, TierUsage, Usage
from qc_runtime.report.summary import RunInfo, rate_of, summarise, usage_of
from qc_runtime.report.tiers import tiers_of

Tally = dict[str, Any]  # int | Tally by name
_COUNTED = (
    "records", "by_verdict", "by_status", "by_rule", "by_decider", "by_rule_status", "findings",
    "unreadable_cells",
)  # fmt: skip
_SECONDS = ("seconds", "load_seconds")


def tally(outcomes: Sequence[Outcome], info: RunInfo) -> Tally:
    """The counts of one part. Raises `AccountingError` where they do not add up."""
    summary = summarise(outcomes, info)
    counts = {name: summary[name] for name in _COUNTED}
    return counts | {
        "by_department": _departments(outcomes, info, summary["by_department"]),
        **_scores(outcomes),
        "tables": {name: _whole(one) for name, one in summary["tables"].items()},
        "model": _usage(info.usage or Usage()),
    }


def _departments(
    outcomes: Sequence[Outcome], info: RunInfo, by_department: Mapping[str, Mapping[str, Any]]
) -> Tally:
    groups: dict[str, list[Outcome]] = {}
    for name, one in zip(info.departments or (), outcomes, strict=False):
        groups.setdefault(name or tr("未填写", "(blank)"), []).append(one)
    return {
        name: {key: value for key, value in row.items() if key != "score"} | _scores(groups[name])
        for name, row in by_department.items()
    }


def _scores(outcomes: Sequence[Outcome]) -> Tally:
    scores = Counter(repr(one.score) for one in outcomes if one.score is not None)
    return {
        "scores": dict(scores),
        "grades": dict(Counter(one.grade for one in outcomes if one.grade is not None)),
    }


def _whole(table: Mapping[str, Any]) -> Tally:
    return {name: value for name, value in table.items() if isinstance(value, int)}


def _usage(usage: Usage) -> Tally:
    tiers = {one.name: asdict(one) for one in usage.tiers}
    found = _in_milliseconds(asdict(usage))
    return found | {"tiers": {name: _in_milliseconds(one) for name, one in tiers.items()}}


def _in_milliseconds(row: Mapping[str, Any]) -> Tally:
    times = {name: round(row[name] * 1000) for name in _SECONDS if name in row}
    return _whole(row) | times


def merged(tallies: Iterable[Mapping[str, Any]]) -> Tally:
    """All of these counts added up."""
    found: Tally = {}
    for one in tallies:
        _add(found, one)
    return found


def _add(into: Tally, more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping):
            _add(into.setdefault(name, {}), value)
        else:
            into[name] = into.get(name, 0) + value


def summary_of(counts: Mapping[str, Any], info: RunInfo) -> Tally:
    """A run's summary, as `report.summary.summarise` gives it, from its counts.

    Raises `AccountingError` where the counts do not add up to the records.
    """
    _check(counts, info)
    return {
        "rulebook": {"title": info.title, "id": info.id, "version": info.version}
        | {"basis": info.basis},
        "data": info.data,
        "started": info.started.isoformat(timespec="seconds"),
        "finished": info.finished.isoformat(timespec="seconds"),
        **{name: counts[name] for name in _COUNTED[:6]},
        "by_department": _by_department(counts["by_department"], info),
        "findings": counts["findings"],
        "score": _score(counts) if info.has_score else None,
        "rate": rate_of(counts["by_verdict"], info),
        "unreadable_cells": counts["unreadable_cells"],
        "tables": {
            one.name: {"source": one.source, **counts["tables"].get(one.name, {})}
            for one in info.tables
        },
        "absent_tables": list(info.absent),
        "model": {"name": info.model} | usage_of(info.usage or Usage()),
        "tiers": tiers_of(info.usage),
        "plan": [],
    }


def _check(counts: Mapping[str, Any], info: RunInfo) -> None:
    records, statuses = counts["records"], counts["by_status"]
    decided = sum(counts["by_verdict"].values())
    if records != info.records or sum(statuses.values()) != records:
        raise AccountingError(f"{statuses} are not {info.records} records")
    if decided != statuses["decided"]:
        raise AccountingError(f"{decided} verdicts of {statuses['decided']} decided records")
    if counts["by_department"]:
        placed = sum(row["records"] for row in counts["by_department"].values())
        if placed != records:
            raise AccountingError(f"departments of {placed} records")
    for rule, row in counts["by_rule_status"].items():
        if sum(row[status] for status in (*statuses, "exempt")) != records:
            raise AccountingError(f"rule {rule}: {row} are not {records} records")


def _by_department(rows: Mapping[str, Mapping[str, Any]], info: RunInfo) -> Tally:
    ordered = sorted(rows.items(), key=lambda entry: (-entry[1]["records"], entry[0]))
    return {name: _department(row, info) for name, row in ordered}


def _department(row: Mapping[str, Any], info: RunInfo) -> Tally:
    kept = {name: value for name, value in row.items() if name not in ("scores", "grades")}
    by_rule = row["findings_by_rule"]
    kept["findings_by_rule"] = {rule: by_rule[rule] for rule in info.rules if rule in by_rule}
    return kept | {"score": _score(row) if info.has_score else None}


def _score(counts: Mapping[str, Any]) -> Tally:
    scores: Mapping[str, int] = counts["scores"]
    number = sum(scores.values())
    total = fsum(float(score) * times for score, times in sorted(scores.items()))
    return {
        "mean": round(total / number, 4) if number else None,
        "records": number,
        "grades": dict(sorted(counts["grades"].items())),
    }


def usage_from(
    row: Mapping[str, Any],
    models: Mapping[str, str],
    engines: Sequence[Mapping[str, str | int]] = (),
) -> Usage | None:
    """Usage as it was counted; ``unique_requests`` are those of each part, added up."""
    if not any(_whole(row).values()):
        return None
    tiers = (
        TierUsage(name=name, model=models.get(name), **_in_seconds(one))
        for name, one in row["tiers"].items()
    )
    own = {name: value for name, value in row.items() if name != "tiers"}
    return Usage(**_in_seconds(own), tiers=tuple(tiers), engines=tuple(engines))


def _in_seconds(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value / 1000 if name in _SECONDS else value for name, value in row.items()}
