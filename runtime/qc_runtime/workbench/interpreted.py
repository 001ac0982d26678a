"""Tests judged by the interpreter alone: no database, no evidence, a fraction of a millisecond.

What a run makes of a test is the definition (`qc_runtime.workbench.testing`); this must agree with
it. Tools that judge the same tests hundreds of times use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qc_compiler.decide import Decision, Open, decide
from qc_compiler.interpret import evaluate
from qc_compiler.obligations import State, judge_row, rows
from qc_compiler.program import Kind, Obligation, Program, Question
from qc_compiler.residual import open_atoms
from qc_compiler.values import ANSWERS, Record, RowsOf, Value
from qc_runtime.judging.judge import Given
from qc_runtime.judging.levels import levels_of
from qc_runtime.outcome import Finding, Outcome, Status
from qc_runtime.workbench.testing import Posed

Key = tuple[str, "tuple[Value, ...] | None"]
Ends = Sequence[Status | State]  # of an obligation's rows: exempt, met, violated, or why open
_FOR_STATUS = (Status.PENDING, Status.DATA_MISSING)  # the worst first


class Said(Mapping[Key, bool]):
    """Answers by question, whatever is shown, as long as nothing of it is missing."""

    def __init__(self, truths: Mapping[str, bool]) -> None:
        self._truths = truths

    def __getitem__(self, key: Key) -> bool:
        question, shown = key
        if shown is None:
            raise KeyError(key)
        return self._truths[question]

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


def record_of(posed: Posed) -> Record:
    """A test's record with its answers."""
    return {**posed.case.record, ANSWERS: Said(posed.given.truths)}


def ends_of(duty: Obligation, record: Record) -> Ends:
    """What becomes of each row under an obligation; a table not given is missing data."""
    if duty.table is not None and RowsOf(duty.table) not in record:
        return (Status.DATA_MISSING,)
    return tuple(_end(duty, row) for row in rows(duty, record))


def _end(duty: Obligation, row: Record) -> Status | State:
    judged = judge_row(duty, row)
    if judged.state is not State.OPEN:
        return judged.state
    if not judged.atoms(row):
        return Status.DATA_MISSING
    return State.MET if evaluate(duty.must, row) else Status.PENDING


def outcome_of(
    program: Program, record: Record, given: Given, ends: Sequence[Ends] | None = None
) -> Outcome:
    """The outcome of one test, findings by rule only.

    ``ends`` are those of the obligations where they are known already.
    """
    decision = decide(levels_of(program), record)
    if program.obligations and decision.code == Open.UNCOVERED:
        known = ends or [ends_of(duty, record) for duty in program.obligations]
        return _of_duties(program, known, given)
    return _of_levels(program, decision, record, given)


def _of_levels(program: Program, decision: Decision, record: Record, given: Given) -> Outcome:
    rules = tuple(program.rules[rule].id for rule in decision.rules)
    if decision.code >= 0:
        verdict = program.verdicts[decision.code].name
        return Outcome("", Status.DECIDED, verdict=verdict, rules=rules)
    if decision.code == Open.ASK:
        return _asked(program, given)
    if decision.code == Open.DATA_MISSING:
        arms = [arm for level in program.levels for arm in level.arms]
        waits = any(open_atoms(arm.expr, record) for arm in arms if arm.rule in decision.rules)
        status = Status.PENDING if waits else Status.DATA_MISSING
        return Outcome("", status, rules=rules)
    return Outcome("", Status.NEEDS_REVIEW, rules=rules)


def _asked(program: Program, given: Given) -> Outcome:
    question = program.otherwise
    if given.otherwise is None or not isinstance(question, Question):
        return Outcome("", Status.PENDING)
    verdict = program.verdicts[question.answers[given.otherwise][1]].name
    return Outcome("", Status.DECIDED, verdict=verdict)


def _of_duties(program: Program, ends: Sequence[Ends], given: Given) -> Outcome:
    names = [program.rules[duty.rule].id for duty in program.obligations]
    pairs = list(zip(names, ends, strict=True))
    found = tuple(Finding(name, "", 0) for name, of in pairs for end in of if end is State.VIOLATED)
    if found:
        failed = next(v.name for v in program.verdicts if v.kind is Kind.FAIL)
        rules = tuple(dict.fromkeys(one.rule for one in found))
        return Outcome("", Status.DECIDED, verdict=failed, rules=rules, findings=found)
    for status in _FOR_STATUS:
        if rules := tuple(name for name, of in pairs if status in of):
            return Outcome("", status, rules=rules)
    if isinstance(program.otherwise, Question):
        return _asked(program, given)
    passed = next(at for at, v in enumerate(program.verdicts) if v.kind is Kind.PASS)
    fixed = passed if program.otherwise is None else program.otherwise
    return Outcome("", Status.DECIDED, verdict=program.verdicts[fixed].name)
