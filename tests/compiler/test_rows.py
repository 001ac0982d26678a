"""Related tables: SQL, simplified forms and residuals agree with the interpreter always."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

import strategies
from qc_compiler import ir, sql
from qc_compiler.decide import decide
from qc_compiler.demanded import demanded
from qc_compiler.interpret import evaluate
from qc_compiler.obligations import State, judge_row, rows
from qc_compiler.prefilter import obligation_query, prefilter
from qc_compiler.program import Arm, Level, Obligation, Program
from qc_compiler.residual import open_atoms
from qc_compiler.simplify import simplify, without_tables
from qc_compiler.terms import Terms
from qc_compiler.values import ANSWERS, CASE, ROW, FieldType, RowsOf, parse_moment
from qc_dsl.fold import fold
from support.rowdraws import TABLES, TERMS, Scope, case, database, expression, quantifier

_FEW = settings(max_examples=20, deadline=None, derandomize=True)
_MANY = settings(max_examples=300, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32)
CASE_ = Scope()


def truths(exprs: list[ir.Expr], cases: list[dict[Any, Any]]) -> list[list[bool | None]]:
    """By expression and case: what DuckDB says."""
    columns = [exp.cast(sql.expression(e), "BOOLEAN").as_(f"t{n}") for n, e in enumerate(exprs)]
    number = exp.column(exp.to_identifier(CASE, quoted=True))
    query = exp.select(number, *columns).from_("records").order_by(number)
    with database(cases) as connection:
        found = connection.sql(query.sql(dialect="duckdb")).fetchall()
    return [[row[n + 1] for row in found] for n in range(len(exprs))]


@_FEW
@given(seeds)
def test_sql_says_what_the_interpreter_says(seed: int) -> None:
    pick = Random(seed)
    exprs: list[ir.Expr] = [quantifier(pick, CASE_) for _ in range(3)]
    cases = [case(pick) for _ in range(8)]
    for expr, found in zip(exprs, truths(exprs, cases), strict=True):
        assert found == [evaluate(expr, record) for record in cases], expr


def duty_of(pick: Random) -> Obligation:
    """An obligation about some table's rows, or about the case."""
    table = pick.choice((None, "医嘱", "病程"))
    scope = Scope(((table, table),)) if table else Scope()
    parts = [expression(pick, scope, 2, rows) for rows in (1, 2, 1, 1)]
    exceptions = tuple((f"除外{n}", part) for n, part in enumerate(parts[2:]))[: pick.randint(0, 2)]
    always = pick.random() < 0.2
    where, must = ir.Const(True) if always else parts[0], demanded(parts[1])
    return Obligation(0, table, table or "", where, must, exceptions, (), 0)


CODES = {State.MET: 1, State.VIOLATED: 0, State.OPEN: None}


def wanted_codes(duty: Obligation, cases: list[dict[Any, Any]]) -> list[tuple[Any, ...]]:
    found = []
    for number, record in enumerate(cases):
        for row in rows(duty, record):
            state = judge_row(duty, row).state
            keys = (number,) if duty.table is None else (number, row[f"{duty.row}.#row"])
            if state is not State.EXEMPT:
                found.append((*keys, CODES[state]))
    return found


@_FEW
@given(seeds)
def test_an_obligations_query_says_of_every_row_what_its_definition_says(seed: int) -> None:
    pick = Random(seed)
    duties = [duty_of(pick) for _ in range(3)]
    program = replace(strategies.program((), None), obligations=tuple(duties))
    cases = [case(pick) for _ in range(8)]
    with database(cases) as connection:
        for index, duty in enumerate(duties):
            query = connection.sql(obligation_query(program, index))
            assert sorted(query.fetchall(), key=lambda row: row[:-1]) == wanted_codes(
                duty, cases
            ), duty


def program_of(pick: Random) -> Program:
    """Two levels of rules, some of which go through rows or ask."""
    levels = tuple(
        Level("rules", -at, tuple(
            Arm(n, simplify(expression(pick, CASE_, 2, 1)), pick.randint(0, 2)) for n in range(2)
        ))
        for at in range(2)
    )  # fmt: skip
    return strategies.program(levels, pick.choice((None, 0, 1)))


@_FEW
@given(seeds)
def test_the_decision_by_sql_is_the_one_by_the_definition(seed: int) -> None:
    pick = Random(seed)
    program, cases = program_of(pick), [case(pick) for _ in range(12)]
    with database(cases) as connection:
        found = connection.sql(prefilter(program))
        codes = (
            dict(found.fetchall())
            if len(found.columns) > 1
            else dict(enumerate(row[0] for row in found.fetchall()))
        )
    assert codes == {at: decide(program, record).code for at, record in enumerate(cases)}


@pytest.mark.parametrize(
    ("said", "of", "wanted"),
    [
        ("予拜复乐", "莫西沙星", True),
        ("予拜复乐", "未用莫西沙星", False),
        ("予拜复乐", "未用莫西沙星，予头孢", False),
        ("予头孢", "未用莫西沙星，予头孢", True),
        ("未用头孢", "头孢", False),
        ("有痛未愈", "痛", True),  # a word that reaches into what is left out
        ("有痛", "痛未愈", True),
    ],
)
def test_the_words_that_a_text_denies_are_not_looked_for(said: str, of: str, wanted: bool) -> None:
    words = Terms((*TERMS[0].groups, ("痛",), ("痛未愈",)))
    expr = ir.AffirmsTermsOf(at("文", TEXT), at("药", TEXT), words)
    record = case(Random(1)) | {"文": fold(said), "药": fold(of)}
    assert evaluate(expr, record) is wanted
    assert truths([expr], [record]) == [[wanted]]


def test_the_last_of_the_other_rows_is_not_the_row_itself() -> None:
    """SQL too, where the row itself comes last, and where no other one is there."""
    row = ("病程#2", "病程", at("时", TIME, "病程#2"), True, ir.Const(True))
    other = ir.Picked(*row, ir.Contains(at("文", TEXT, "病程#2"), "甲"), "病程")
    any_one = replace(other, other_than=None)
    blank = case(Random(1))

    def of(*said: str) -> dict[Any, Any]:
        found = (
            blank | {ROW: n, "文": text, "时": parse_moment(f"2025-01-0{n + 1} 08:00")}
            for n, text in enumerate(said)
        )
        return blank | {RowsOf("病程"): tuple(found)}

    cases = [of("甲", "乙", "甲"), of("乙", "甲"), of("甲")]
    for pick, wanted in ((other, [2, 1, 0]), (any_one, [3, 2, 1])):
        count = [ir.AtLeast("病程", "病程", pick, n) for n in (1, 2, 3)]
        numbers = list(zip(*truths(count, cases), strict=True))
        assert [row.count(True) for row in numbers] == wanted
        assert numbers == [tuple(evaluate(e, record) for e in count) for record in cases]


def test_the_draws_put_it_to_the_test() -> None:
    """Expressions that are nearly never true, or never unknown, would prove little."""
    pick = Random(1)
    drawn = [evaluate(quantifier(pick, CASE_), case(pick)) for _ in range(600)]
    assert all(drawn.count(truth) >= 60 for truth in (True, False, None))


@_MANY
@given(seeds)
def test_an_expression_and_its_simplest_form_agree(seed: int) -> None:
    pick = Random(seed)
    expr, record = expression(pick), case(pick)
    assert evaluate(simplify(expr), record) is evaluate(expr, record)


@_MANY
@given(seeds)
def test_what_is_demanded_is_met_by_the_same_and_violated_by_no_more(seed: int) -> None:
    pick = Random(seed)
    expr, record = quantifier(pick, CASE_), case(pick)
    said, meant = evaluate(expr, record), evaluate(demanded(expr), record)
    assert meant is said or (said is False and meant is None)
    denied = evaluate(demanded(ir.Not(expr)), record)
    assert denied is evaluate(ir.Not(expr), record), (
        "rows that must not be there are not looked for"
    )


@pytest.mark.parametrize("notes", [0, 1])
def test_a_demand_at_a_time_that_is_not_written_is_unknown_beside_any_rows(notes: int) -> None:
    """Missing data never passes either: it is not true without a note, nor with one."""
    order = {"医嘱.时": None, "医嘱.药": "头孢"}
    row = {ROW: 0, "时": parse_moment("2025-01-03 08:00"), "文": "头孢"}
    record = case(Random(1)) | order | {RowsOf("病程"): (row,) * notes}
    for where in (WINDOW, ir.And((WINDOW, SAID))):
        assert evaluate(demanded(ir.AtLeast("病程", "病程", where, 1)), record) is None
    assert evaluate(demanded(ir.AtLeast("病程", "病程", SAID, 1)), record) is bool(notes)


@_MANY
@given(seeds, st.sets(st.sampled_from(TABLES), min_size=1))
def test_a_table_that_was_not_extracted_is_unknown_and_not_empty(
    seed: int, absent: set[str]
) -> None:
    pick = Random(seed)
    expr, record = quantifier(pick, CASE_), case(pick)
    lacking = {k: v for k, v in record.items() if k not in {RowsOf(t) for t in absent}}
    assert evaluate(without_tables(expr, absent), record) is evaluate(expr, lacking)
    if expr.table in absent:
        assert evaluate(expr, lacking) is None


class Told(dict[Any, bool]):
    """An answer to whatever may be asked, fixed by a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def get(self, key: Any, default: object = None) -> Any:
        return None if key[1] is None else Random(f"{self.seed}{key}").random() < 0.5


@_MANY
@given(seeds)
def test_the_open_questions_are_those_on_which_the_truth_hangs(seed: int) -> None:
    pick = Random(seed)
    expr, record = expression(pick), case(pick)
    atoms, told = open_atoms(expr, record), Told(seed)
    if evaluate(expr, record) is not None:
        assert atoms == ()
    answered = record | {ANSWERS: {atom.key: told.get(atom.key) for atom in atoms}}
    assert evaluate(expr, answered) is evaluate(expr, record | {ANSWERS: told})
    assert open_atoms(expr, answered) == (), "no question comes up after the others"


def test_questions_do_come_up() -> None:
    pick = Random(3)
    asked = [len(open_atoms(expression(pick), case(pick))) for _ in range(600)]
    assert sum(count > 0 for count in asked) >= 40
    assert sum(count > 1 for count in asked) >= 10


def at(name: str, type_: FieldType, row: str = "") -> ir.Column:
    return ir.Column(name, type_, row)


TIME, TEXT = FieldType.DATETIME, FieldType.TEXT
WINDOW = ir.WithinWindow(at("时", TIME, "病程"), at("时", TIME, "医嘱"), 0, 72 * 3600.0, False)
SAID = ir.AffirmsTermsOf(at("文", TEXT, "病程"), at("药", TEXT, "医嘱"), TERMS[0])
INNER = ir.AtLeast(
    "医嘱#2", "医嘱", ir.SameDay(at("时", TIME, "医嘱#2"), at("时", TIME, "病程")), 1
)
SHAPES: dict[str, ir.Expr] = {
    "semi-join": ir.AtLeast("病程", "病程", ir.And((WINDOW, SAID)), 1),
    "another row": ir.AtLeast(
        "医嘱#2", "医嘱", ir.SameText(at("药", TEXT, "医嘱#2"), at("药", TEXT, "医嘱")), 1, "医嘱"
    ),
    "row in row": ir.AtLeast("病程", "病程", ir.And((WINDOW, INNER)), 2),
    "last row": ir.Picked("病程", "病程", at("时", TIME, "病程"), True, WINDOW, SAID),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_joined_by_their_case_and_never_crossed(shape: str) -> None:
    """The cost of a query is that of the pairs within a case, not of all pairs."""
    duty = Obligation(0, "医嘱", "医嘱", ir.Const(True), SHAPES[shape], (), (), 0)
    program = replace(strategies.program((), None), obligations=(duty,))
    pick = Random(5)
    with database([case(pick) for _ in range(30)]) as connection:
        found = connection.sql(f"explain {obligation_query(program, 0)}").fetchall()
    plan = found[0][1].upper().replace("_", " ")
    assert "HASH JOIN" in plan
    assert "NESTED LOOP" not in plan
    assert "BLOCKWISE" not in plan
    # The count of no rows is one row of its own, put beside the others for those without a match.
    assert plan.count("CROSS PRODUCT") == plan.count("UNGROUPED AGGREGATE")
