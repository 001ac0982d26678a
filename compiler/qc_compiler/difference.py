"""What differs between two versions of a rulebook: rules by name, the question, the data read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qc_compiler import ir
from qc_compiler.program import Obligation, Program


@dataclass(frozen=True)
class Difference:
    """Rules that only one version has, and those that mean or say something else."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    otherwise: bool
    questions: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not any((self.added, self.removed, self.changed, self.otherwise, self.questions))


def difference(a: Program, b: Program) -> Difference:
    """What differs in meaning; places, texts of sentences and tests do not count."""
    mine, other = dict(_rules(a)), dict(_rules(b))
    asked, asked_b = ({q.id: q for q in program.questions} for program in (a, b))
    both = [one for one in asked if one in asked_b]
    return Difference(
        added=tuple(rule for rule in other if rule not in mine),
        removed=tuple(rule for rule in mine if rule not in other),
        changed=tuple(rule for rule in mine if rule in other and mine[rule] != other[rule]),
        otherwise=_otherwise(a) != _otherwise(b),
        questions=tuple(one for one in both if asked[one] != asked_b[one]),
    )


def reads_the_same(a: Program, b: Program) -> bool:
    """Whether both versions make the same of a data file."""
    return (a.key, a.fields, a.tables) == (b.key, b.fields, b.tables)


def asks_within_rules(program: Program) -> bool:
    """Whether some rule's condition is for the model."""
    duties = (expr for duty in program.obligations for expr in _exprs(duty))
    arms = (arm.expr for level in program.levels for arm in level.arms)
    return any(ir.asks(expr) for expr in (*arms, *duties))


def _exprs(duty: Obligation) -> Iterator[ir.Expr]:
    yield from (duty.scope, duty.must, *(expr for _, expr in duty.exceptions))


def _otherwise(program: Program) -> object:
    given = program.otherwise
    return program.verdicts[given].name if isinstance(given, int) else given


def _rules(program: Program) -> Iterator[tuple[str, object]]:
    """Each rule's id with all that it means."""
    duties = {duty.rule: replace(duty, rule=0) for duty in program.obligations}
    arms: dict[int, list[object]] = {}
    for level in program.levels:
        for arm in level.arms:
            verdict = program.verdicts[arm.verdict].name
            meant = (level.layer, level.priority, arm.expr, verdict)
            arms.setdefault(arm.rule, []).append(meant)
    for number, rule in enumerate(program.rules):
        yield rule.id, (duties.get(number), arms.get(number))
