"""Many conditions held against each other at a glance: as one against one would find."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qc_compiler import ir
from qc_compiler.covering import NOTHING, Covering
from qc_compiler.interpret import evaluate
from qc_compiler.leaves import Column
from qc_compiler.lower import Lowering
from qc_compiler.meeting import meeting
from qc_compiler.satisfiable import never_true
from qc_compiler.values import FieldType, read_cell
from qc_compiler.ways import Ways
from qc_dsl import ast
from strategies import FIELDS, SCOPE, conditions, rows

VALUES = {field.name: field.values for field in FIELDS}
TEXT, NUMBER = Column("文", FieldType.TEXT), Column("数", FieldType.NUMBER)
SLOW = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def declared(column: Column) -> tuple[str, ...]:
    return VALUES.get(column.name, ())


def lowered(given: list[ast.Condition]) -> list[ir.Expr]:
    return [Lowering(SCOPE).lower(condition) for condition in given]


def test_conditions_that_are_kept_apart_are_never_true_of_one_record() -> None:
    @SLOW
    @given(st.lists(conditions, min_size=2, max_size=6), rows)
    def check(given: list[ast.Condition], raw: dict[str, object]) -> None:
        exprs = lowered(given)
        record = {f.name: read_cell(f, raw.get(f.name)).value for f in FIELDS}  # type: ignore[arg-type]
        true = [at for at, expr in enumerate(exprs) if evaluate(expr, record)]
        pairs = [(one, other) for one in true for other in true if one < other]
        assert set(pairs) <= set(meeting(exprs, range(len(exprs)), Ways(declared)))

    check()


def test_the_first_that_covers_is_the_one_that_comparing_all_finds() -> None:
    @SLOW
    @given(st.lists(conditions, min_size=2, max_size=8))
    def check(given: list[ast.Condition]) -> None:
        *before, last = lowered(given)
        # What is within the others for sure, so that there is something to find.
        for expr in (last, ir.And((before[0], last)), ir.And((before[-1], ir.Not(last)))):
            covering = Covering(Ways(declared))
            for one in before:
                covering.add(one)
            assert covering.first(expr) == one_by_one(before, expr)

    check()


def one_by_one(before: list[ir.Expr], expr: ir.Expr) -> int | None:
    if never_true(expr, declared):
        return NOTHING
    for at, one in enumerate(before):
        within = ir.columns(one) <= ir.columns(expr)
        if within and never_true(ir.And((expr, ir.Not(one))), declared):
            return at
    return None


APART: list[tuple[ir.Expr, ir.Expr]] = [
    (ir.Compare(NUMBER, ">", 5.0), ir.Compare(NUMBER, "<=", 5.0)),
    (ir.Compare(NUMBER, "=", 5.0), ir.Not(ir.Compare(NUMBER, "<", 6.0))),
    (ir.Among(TEXT, ("甲", "乙")), ir.Among(TEXT, ("丙",))),
    (ir.Contains(TEXT, "甲乙"), ir.Not(ir.Contains(TEXT, "乙"))),
    (ir.Contains(TEXT, "甲"), ir.Not(ir.Contains(TEXT, "甲"))),
    (ir.Missing(TEXT), ir.Contains(TEXT, "甲")),
]
TOGETHER: list[tuple[ir.Expr, ir.Expr]] = [
    (ir.Compare(NUMBER, ">=", 5.0), ir.Compare(NUMBER, "<=", 5.0)),
    (ir.Not(ir.Compare(NUMBER, "=", 5.0)), ir.Compare(NUMBER, ">", 4.0)),
    (ir.Among(TEXT, ("甲", "乙")), ir.Among(TEXT, ("乙", "丙"))),
    (ir.Contains(TEXT, "甲"), ir.Not(ir.Contains(TEXT, "甲乙"))),
    (ir.Or((ir.Contains(TEXT, "甲"), ir.Missing(NUMBER))), ir.Not(ir.Contains(TEXT, "甲"))),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_excludes_each_other_does_not_meet(one: ir.Expr, other: ir.Expr) -> None:
    assert list(meeting([one, other], (0, 1), Ways(declared))) == []
    assert list(meeting([other, one], (0, 1), Ways(declared))) == []


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_what_can_both_be_meets_unless_it_is_of_one_kind(one: ir.Expr, other: ir.Expr) -> None:
    assert list(meeting([one, other], (0, 1), Ways(declared))) == [(0, 1)]
    assert list(meeting([one, other], (0, 0), Ways(declared))) == []
