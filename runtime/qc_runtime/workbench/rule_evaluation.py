"""How well findings agree with the rules that a person marked, record by record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qc_compiler.program import Kind, Program
from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_runtime.outcome import Outcome, Status
from qc_runtime.records.decode import to_utf8
from qc_runtime.records.faults import SHOWN, fault
from qc_runtime.records.files import read_bytes
from qc_runtime.records.recordset import RecordSet

Labels = Mapping[str, frozenset[str]]  # the marked rules, by the record's key
_SETTLED = (Status.DECIDED, Status.NEEDS_REVIEW)
_SHAPE = Text(
    '每行写 {"key": 主键, "rules": [规则名, …]}。',
    'Each line is {"key": …, "rules": [ids, …]}.',
)


def read_labels(path: Path, program: Program, records: RecordSet) -> Labels:
    """The labels of a file, for the records there are.

    Raises `QcError` (QC614) with the first lines that are wrong: no such object, a rule or a
    key that is not there, a key twice; or when no record is labelled.
    """
    rules = [rule.id for rule in program.rules]
    known = set(records.keys)
    others = set(records.others)
    found: dict[str, frozenset[str]] = {}
    faults: list[Diagnostic] = []
    for number, line in enumerate(to_utf8(path, read_bytes(path)).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            key, marked = _label(line, rules)
            if key in found:
                raise _LineError(
                    Text(f"主键“{key[:40]}”出现了两次", f"“{key[:40]}” is there twice")
                )
            if key not in known and key not in others:
                help_ = did_you_mean(key, records.keys)
                raise _LineError(Text(f"没有病例“{key[:40]}”", f"No record “{key[:40]}”"), help_)
            found[key] = marked
        except _LineError as wrong:
            faults.append(fault("QC614", path, wrong.message, wrong.help, number))
    if faults:
        raise QcError(*faults[:SHOWN])
    labels = {key: marked for key, marked in found.items() if key in known}
    if not labels:
        message = Text("没有一例有标注", "No record is labelled")
        raise QcError(fault("QC614", path, message, _SHAPE))
    return labels


class _LineError(ValueError):
    def __init__(self, message: Text, help_: Text | None = _SHAPE) -> None:
        self.message, self.help = message, help_


def _label(line: bytes, rules: Sequence[str]) -> tuple[str, frozenset[str]]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise _LineError(Text("不是有效的 JSON", "Not valid JSON")) from None
    if not isinstance(value, dict) or "key" not in value or "rules" not in value:
        raise _LineError(Text("缺少 key 或 rules", "“key” or “rules” is missing"))
    key, marked = value["key"], value["rules"]
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        raise _LineError(Text("key 应是文字", "“key” should be a text"))
    if not isinstance(marked, list) or not all(isinstance(rule, str) for rule in marked):
        raise _LineError(Text("rules 应是规则名的列表", "“rules” should be a list of rule ids"))
    if unknown := [rule for rule in marked if rule not in rules]:
        message = Text(f"没有规则“{unknown[0][:40]}”", f"No rule “{unknown[0][:40]}”")
        raise _LineError(message, did_you_mean(unknown[0], rules))
    return str(key), frozenset(marked)


def found_rules(program: Program, outcome: Outcome) -> frozenset[str]:
    """The rules that an outcome speaks of as not met; one under review counts by its leaning."""
    rules = {finding.rule for finding in outcome.findings}
    verdict = program.verdict(outcome.verdict or outcome.leaning or "")
    if verdict is not None and verdict.kind is Kind.FAIL and not rules:
        rules |= set(outcome.rules)
    return frozenset(rules)


def rule_evaluation(
    program: Program, outcomes: Sequence[Outcome], labels: Labels
) -> dict[str, Any]:
    """Precision, recall and F1 for each rule, over all pairs (micro), and their mean (macro).

    Over the labelled records. What was not answered counts as no finding; ``unsettled`` is the
    number of records without a verdict or a leaning. The mean is over the
    rules that are labelled or found at least once.
    """
    hits, found, marked = Counter[str](), Counter[str](), Counter[str]()
    differences, unsettled = [], 0
    for outcome in outcomes:
        if outcome.key not in labels:
            continue
        got, wanted = found_rules(program, outcome), labels[outcome.key]
        hits.update(got & wanted)
        found.update(got)
        marked.update(wanted)
        unsettled += outcome.status not in _SETTLED
        if got != wanted:
            differences.append(_difference(program, outcome, got, wanted))
    names = [rule.id for rule in program.rules if found[rule.id] or marked[rule.id]]
    per_rule = {name: _scores(hits[name], found[name], marked[name]) for name in names}
    return {
        "n": len(labels),
        "exact": len(labels) - len(differences),
        "unsettled": unsettled,
        "micro": _scores(hits.total(), found.total(), marked.total()),
        "macro": _means(list(per_rule.values())),
        "per_rule": per_rule,
        "disagreements": differences,
    }


def _scores(hits: int, found: int, marked: int) -> dict[str, Any]:
    """``precision`` is `None` where nothing was found, ``recall`` where nothing is marked."""
    return {
        "precision": hits / found if found else None,
        "recall": hits / marked if marked else None,
        "f1": 2 * hits / (found + marked) if found + marked else None,
        "support": marked,
        "predicted": found,
        "correct": hits,
    }


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of each figure over the rules, an undefined one counting as 0."""
    means = {
        name: sum(row[name] or 0.0 for row in rows) / len(rows) if rows else None
        for name in ("precision", "recall", "f1")
    }
    return means | {"rules": len(rows)}


def _difference(
    program: Program, outcome: Outcome, got: frozenset[str], wanted: frozenset[str]
) -> dict[str, Any]:
    return {
        "key": outcome.key,
        "status": outcome.status.value,
        "missed": list(_ordered(program, wanted - got)),
        "extra": list(_ordered(program, got - wanted)),
    }


def _ordered(program: Program, rules: frozenset[str]) -> Iterator[str]:
    return (rule.id for rule in program.rules if rule.id in rules)
