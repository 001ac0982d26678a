"""Outcomes for other programs: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qc_runtime.outcome import Evidence, Finding, Outcome
from qc_runtime.report.atomic import atomic_path


def as_json(outcome: Outcome) -> dict[str, Any]:
    """One outcome as JSON-ready values; confidence to four places."""
    sure = outcome.confidence
    return {
        "key": outcome.key,
        "verdict": outcome.verdict,
        "leaning": outcome.leaning,
        "status": outcome.status.value,
        "decided_by": outcome.decided_by,
        "rules": list(outcome.rules),
        "confidence": None if sure is None else round(sure, 4),
        "explanation": outcome.explanation,
        "evidence": _quotes(outcome.evidence),
        "findings": [_finding(one) for one in outcome.findings],
        "score": outcome.score,
        "grade": outcome.grade,
    }


def _quotes(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    return [_quote(one) for one in evidence]


def _quote(one: Evidence) -> dict[str, Any]:
    """``window`` and ``rows`` only where there are such."""
    found: dict[str, Any] = {"field": one.field, "quote": one.quote}
    if one.window:
        found["window"] = {"from": one.window.start, "to": one.window.end}
    if one.rows:
        found["rows"] = asdict(one.rows)
    return found


def _finding(one: Finding) -> dict[str, Any]:
    """``explanation`` only where the model gave one."""
    sure = one.confidence
    found = {
        "rule": one.rule,
        "message": one.message,
        "points": one.points,
        "row": asdict(one.row) if one.row else None,
        "evidence": _quotes(one.evidence),
        "status": one.status.value,
        "confidence": None if sure is None else round(sure, 4),
    }
    return found | ({"explanation": one.explanation} if one.explanation else {})


def write_jsonl(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write all outcomes, in order, to a file only its owner can read. Raises `QcError`."""
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for outcome in outcomes:
            file.write(json.dumps(as_json(outcome), ensure_ascii=False) + "\n")
