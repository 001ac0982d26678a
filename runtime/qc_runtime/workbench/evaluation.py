"""How well outcomes agree with labels that a person gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

from qc_compiler.program import Program
from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.outcome import Outcome, Status

Pair = tuple[Outcome, str]


def wilson(correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of a proportion at 95 % (Wilson, JASA 22(158), 1927)."""
    if n == 0:
        return 0.0, 1.0
    share = correct / n
    middle = share + z * z / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def evaluation(
    program: Program, outcomes: Sequence[Outcome], labels: Sequence[str | None], source: Path
) -> dict[str, Any]:
    """Accuracy and its tables over all labelled records.

    A record under review counts by its leaning; one without any answer counts as wrong.
    Raises `QcError` for labels that are no verdict of the rulebook, or where there is none.
    """
    pairs = _labelled(program, outcomes, labels, source)
    correct = sum(_got(outcome) == label for outcome, label in pairs)
    decided = [(o, label) for o, label in pairs if o.status is Status.DECIDED]
    right = sum(o.verdict == label for o, label in decided)
    return {
        "n": len(pairs),
        "accuracy": correct / len(pairs),
        "accuracy_interval": list(wilson(correct, len(pairs))),
        "coverage": len(decided) / len(pairs),
        "decided_accuracy": right / len(decided) if decided else None,
        "per_verdict": {v.name: _scores(v.name, pairs) for v in program.verdicts},
        "confusion": _confusion(pairs),
        "decided_by": _deciders(pairs),
        "by_status": dict(Counter(o.status.value for o, _ in pairs)),
        "disagreements": [_disagreement(o, e) for o, e in pairs if _got(o) != e],
    }


def _got(outcome: Outcome) -> str | None:
    return outcome.verdict or outcome.leaning


def _labelled(
    program: Program, outcomes: Iterable[Outcome], labels: Iterable[str | None], source: Path
) -> list[Pair]:
    names = {fold(verdict.name): verdict.name for verdict in program.verdicts}
    pairs, strange = [], Counter[str]()
    for outcome, label in zip(outcomes, labels, strict=True):
        if label is None:
            continue
        if fold(label) in names:
            pairs.append((outcome, names[fold(label)]))
        else:
            strange[label] += 1
    place = Text(str(source), str(source))
    if strange:
        label, count = strange.most_common(1)[0]
        message = Text(
            f"标注“{label[:20]}”不是本规则集的结论（{count} 例）",
            f"The label “{label[:20]}” is no verdict of this rulebook ({count} records)",
        )
        help_ = did_you_mean(label, list(names.values()))
        raise QcError(Diagnostic("QC613", message, help=help_, place=place))
    if not pairs:
        message = Text("标注列是空的", "The label column is blank")
        raise QcError(Diagnostic("QC613", message, place=place))
    return pairs


def _scores(name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    hits = sum(_got(o) == label == name for o, label in pairs)
    said = sum(_got(o) == name for o, _ in pairs)
    labelled = sum(label == name for _, label in pairs)
    return {
        "precision": hits / said if said else None,
        "recall": hits / labelled if labelled else None,
        "n": labelled,
    }


def _confusion(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for outcome, label in pairs:
        row = table.setdefault(label, {})
        got = _got(outcome) or outcome.status.value
        row[got] = row.get(got, 0) + 1
    return table


def _deciders(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    """Who decided how many records and how many of them rightly; a person has the rest."""
    table = {who: {"n": 0, "correct": 0} for who in ("rule", "model", "person")}
    for outcome, label in pairs:
        row = table[outcome.decided_by or "person"]
        row["n"] += 1
        row["correct"] += _got(outcome) == label
    return table


def _disagreement(outcome: Outcome, expected: str) -> dict[str, Any]:
    return {
        "key": outcome.key,
        "expected": expected,
        "got": _got(outcome),
        "status": outcome.status.value,
        "decided_by": outcome.decided_by,
        "rules": list(outcome.rules),
        "confidence": outcome.confidence,
    }
