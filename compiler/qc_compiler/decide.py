"""From the truth of every rule to the decision about a record, by the interpreter.

Levels are asked in order. A level with a true rule decides, unless its rules disagree or an
unknown one could. A level with only unknown rules decides when being false would lead to the
same verdict. Whatever could still go either way is missing data: never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from qc_compiler.interpret import Truth, evaluate
from qc_compiler.program import Arm, Program, Question
from qc_compiler.values import Record


class Open(IntEnum):
    """Decisions that are no verdict. Verdicts are their index, 0 and up."""

    ASK = -1
    DATA_MISSING = -2
    CONFLICT = -3
    UNCOVERED = -4


@dataclass(frozen=True)
class Decision:
    """A verdict's index or an `Open`, and the rules it comes from.

    For missing data ``rules`` are those that cannot be judged.
    """

    code: int
    rules: tuple[int, ...] = ()


def decide(program: Program, record: Record) -> Decision:
    """What the rules alone say about a record."""
    return _from_level(program, 0, record)


def _from_level(program: Program, index: int, record: Record) -> Decision:
    if index == len(program.levels):
        return _otherwise(program, record)
    level = program.levels[index]
    truths = [(arm, evaluate(arm.expr, record)) for arm in level.arms]
    true, unknown = _verdicts(truths, True), _verdicts(truths, None)
    if len(true) > 1:
        return Decision(Open.CONFLICT, _rules(truths, True))
    if true and unknown <= true:
        return Decision(next(iter(true)), _rules(truths, True))
    if true:
        return Decision(Open.DATA_MISSING, _rules(truths, None))
    rest = _from_level(program, index + 1, record)
    if not unknown or unknown == {rest.code}:
        return rest
    return Decision(Open.DATA_MISSING, _rules(truths, None))


_Truths = list[tuple[Arm, Truth]]


def _verdicts(truths: _Truths, wanted: Truth) -> set[int]:
    return {arm.verdict for arm, truth in truths if truth is wanted}


def _rules(truths: _Truths, wanted: Truth) -> tuple[int, ...]:
    return tuple(dict.fromkeys(arm.rule for arm, truth in truths if truth is wanted))


def _otherwise(program: Program, record: Record) -> Decision:
    if isinstance(program.otherwise, int):
        return Decision(program.otherwise)
    if not isinstance(program.otherwise, Question):
        return Decision(Open.UNCOVERED)
    missing = any(record[name] is None for name in program.otherwise.fields)
    return Decision(Open.DATA_MISSING if missing else Open.ASK)
