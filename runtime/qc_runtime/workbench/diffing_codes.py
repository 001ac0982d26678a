"""What the levels decide under two versions, the second found from the first where it can be.

Only a record for which some changed rule is not as it was can be decided otherwise. So the old
version is run in full, the changed rules are asked where they differ, and the new version is
run for those records alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qc_compiler.decide import Open, decide
from qc_compiler.difference import reads_the_same
from qc_compiler.program import Arm, Level, Program
from qc_runtime.judging.levels import levels_of
from qc_runtime.prefilter import Database, parts, run_prefilter
from qc_runtime.records.recordset import RecordSet

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

_BY_HAND = 10_000  # records that the interpreter decides sooner than a query is written


@dataclass(frozen=True)
class Side:
    """One version with the data as it reads it."""

    program: Program
    records: RecordSet
    database: Database

    @cached_property
    def arrow(self) -> pa.Table:
        """The records as a query sees them."""
        return self.records.arrow()

    @property
    def absent(self) -> set[str]:
        return {table.name for table in self.program.tables} - set(self.database.tables)


def both_codes(a: Side, b: Side) -> tuple[list[int], list[int]]:
    """The decision of the levels about each record, under the old and the new version."""
    old = _codes(a)
    if not _is_comparable(a, b):
        return old, _codes(b)
    changed = list(_changed_arms(a.program, b.program))
    suspects = _suspects(a, changed) if changed else []  # whose data is the same
    if len(suspects) > _BY_HAND:
        return old, _codes(b)
    new, program = list(old), levels_of(b.program)
    for number, code in _decided(b, program, suspects):
        new[number] = code
    return old, new


def _codes(side: Side) -> list[int]:
    program = levels_of(side.program)
    if not program.levels and program.obligations:
        return [int(Open.UNCOVERED)] * len(side.records)
    return run_prefilter(program, side.arrow, side.database)


def _is_comparable(a: Side, b: Side) -> bool:
    one, other = levels_of(a.program), levels_of(b.program)
    if a.records is not b.records or not reads_the_same(one, other):
        return False
    shown = [getattr(program.otherwise, "fields", program.otherwise) for program in (one, other)]
    return one.verdicts == other.verdicts and shown[0] == shown[1]


Standing = tuple[str, int, int]  # an arm's layer, priority and verdict


def _arms(program: Program) -> dict[str, list[tuple[Standing, Arm]]]:
    found: dict[str, list[tuple[Standing, Arm]]] = {}
    for level in program.levels:
        for arm in level.arms:
            name = program.rules[arm.rule].id
            found.setdefault(name, []).append(_standing(level, arm))
    return found


def _standing(level: Level, arm: Arm) -> tuple[Standing, Arm]:
    return (level.layer, level.priority, arm.verdict), arm


def _changed_arms(a: Program, b: Program) -> Iterator[tuple[Arm | None, Arm | None]]:
    """Arms that stand where they stood and say something else, in pairs; others by themselves."""
    old, new = _arms(a), _arms(b)
    for name in dict.fromkeys([*old, *new]):
        one, other = old.get(name, []), new.get(name, [])
        if [standing for standing, _ in one] == [standing for standing, _ in other]:
            pairs = zip(one, other, strict=True)
            yield from ((x, y) for (_, x), (_, y) in pairs if x.expr != y.expr)
            continue
        yield from ((arm, None) for _, arm in one)
        yield from ((None, arm) for _, arm in other)


def _suspects(side: Side, changed: Sequence[tuple[Arm | None, Arm | None]]) -> list[int]:
    """The records for which a changed rule is not as it was, or is there and may be true."""
    from sqlglot import exp

    from qc_compiler.sql_time import name
    from qc_compiler.values import CASE, CASES

    flags = [_flag(side, old, new) for old, new in changed]
    table = exp.to_identifier(CASES)
    query = exp.select(name(CASE).as_("n")).from_(table).where(exp.or_(*flags))
    text = query.sql(dialect="duckdb")
    found: list[int] = []
    with side.database.opened(side.arrow) as connection:
        for _ in parts(connection, side.database.tables, len(side.records)):
            found += connection.sql(text).to_arrow_table().column("n").to_pylist()
    return sorted(found)


def _flag(side: Side, old: Arm | None, new: Arm | None) -> exp.Expr:
    from sqlglot import exp

    from qc_compiler.simplify import simplify, without_tables
    from qc_compiler.sql import expression

    truths = [
        exp.cast(expression(simplify(without_tables(arm.expr, side.absent))), "BOOLEAN")
        for arm in (old, new)
        if arm is not None
    ]
    if len(truths) == 2:
        return exp.NullSafeNEQ(this=truths[0], expression=truths[1])
    return exp.func("coalesce", truths[0], exp.true())


def _decided(side: Side, program: Program, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    from qc_runtime.tables.rows import Cases

    cases = Cases(program, side.records, side.database.connection, side.database.tables)
    for batch in cases.batches(numbers):
        for case in batch:
            yield case.number, int(decide(program, case.record).code)
