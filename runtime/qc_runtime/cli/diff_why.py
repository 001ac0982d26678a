"""Why one record changed between two versions: the clauses that decide in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qc_dsl.lang import tr
from qc_runtime.cli.failing import decided_by

if TYPE_CHECKING:
    from qc_compiler.trace import TracedRule
    from qc_runtime.tables.rows import Case
    from qc_runtime.workbench.diffing_codes import Side

_RULES, _LINES = 3, 2  # shown of one record; of one rule


def why(sides: Sequence[Side], number: int, rule: str | None, row: int | None) -> Iterator[str]:
    """A line for each version and rule that has a part in it, marked − before and + after."""
    cases = [_case(side, number) for side in sides]
    rules = [rule] if rule else _deciding(sides, cases)
    said: dict[str, list[str]] = {"−": [], "+": []}
    for name in rules[:_RULES]:
        for mark, side, case in zip(said, sides, cases, strict=True):
            said[mark] += _lines(side, case, name, row)
    same = set(said["−"]) & set(said["+"])
    for mark, lines in said.items():
        yield from (f"{mark} {line}" for line in lines if line not in same)


def _case(side: Side, number: int) -> Case:
    from qc_runtime.tables.rows import Cases

    database = side.database
    return Cases(side.program, side.records, database.connection, database.tables).one(number)


def _deciding(sides: Sequence[Side], cases: Sequence[Case]) -> list[str]:
    """The rules that decide in either version."""
    from qc_compiler.decide import decide
    from qc_runtime.judging.levels import levels_of

    found: dict[str, None] = {}
    for side, case in zip(sides, cases, strict=True):
        decision = decide(levels_of(side.program), case.record)
        found |= dict.fromkeys(side.program.rules[rule].id for rule in decision.rules)
    return list(found)


def _lines(side: Side, case: Case, name: str, row: int | None) -> list[str]:
    number = next((at for at, rule in enumerate(side.program.rules) if rule.id == name), None)
    if number is None:
        return [tr(f"没有规则“{name}”", f"there is no rule “{name}”")]
    return list(decided_by(_traced(side, case, number, row)))[:_LINES]


def _traced(side: Side, case: Case, number: int, row: int | None) -> TracedRule:
    from qc_compiler.interpret import bind
    from qc_compiler.trace import trace_rule
    from qc_compiler.values import ROW

    record, display = case.record, case.display
    duty = next((one for one in side.program.obligations if one.rule == number), None)
    if duty is not None and duty.table is not None:
        rows = case.rows.get(duty.table, {})
        at = row if row is not None else next(iter(rows), None)
        if at is not None and at in rows:
            record = bind(record, duty.row, {ROW: at, **rows[at].values})
            display = bind(display, duty.row, rows[at].shown)
    return trace_rule(side.program.rules[number], record, display)
