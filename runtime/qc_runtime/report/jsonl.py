"""Outcomes for other programs: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qc_runtime.outcome import Outcome
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
        "evidence": [{"field": one.field, "quote": one.quote} for one in outcome.evidence],
    }


def write_jsonl(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write all outcomes, in order, to a file only its owner can read. Raises `QcError`."""
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for outcome in outcomes:
            file.write(json.dumps(as_json(outcome), ensure_ascii=False) + "\n")
