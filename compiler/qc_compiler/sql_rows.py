"""Quantifiers over a table's rows as DuckDB SQL: correlated counts, which DuckDB turns into joins.

A row variable is the alias of its table, and the case's own columns are those of `CASES`. A row
for which ``where`` is false can count neither as true nor as unknown, so each cheap part of it
that is false leaves the row out before the costlier parts are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from qc_compiler import ir
from qc_compiler.sql_time import Sql, bounds, name
from qc_compiler.values import CASE, CASES, ROW

_TRUE, _THEN, _EDGE = "#true", "#then", "#edge"
Render = Callable[[ir.Expr], Sql]


def qualified(tree: Sql, row: str | None = None) -> Sql:
    """The same expression where several tables are in sight: bare columns are the case's.

    Within a row's table the case's number is the row's, so that a query within it need not
    reach past that table.
    """
    for column in tree.find_all(exp.Column):
        if isinstance(column.this, exp.Star) or not column.this.quoted:
            continue  # all columns of a row, or an item of a lambda
        if not column.table:
            column.set("table", exp.to_identifier(CASES, quoted=True))
        if row and column.table == CASES and column.name == CASE:
            column.set("table", exp.to_identifier(row, quoted=True))
    return tree


def at_least(expr: ir.AtLeast, render: Render) -> Sql:
    """True and unknown rows, counted: `ir.AtLeast`."""
    source = _with_truth(expr, render)
    true, possible = _count(name(_TRUE, expr.row)), _count(may_hold(name(_TRUE, expr.row)))
    number = exp.Literal.number(expr.n)
    truth = exp.Case().when(exp.GTE(this=true, expression=number), exp.true())
    truth = truth.when(exp.LT(this=possible, expression=number), exp.false())
    return exp.Subquery(this=source.select(truth, append=False))


def picked(expr: ir.Picked, render: Render) -> Sql:
    """The truth of ``then`` for the rows that may be the last (first): `ir.Picked`."""
    lo, hi = bounds(expr.time)
    limit, mine = name(_EDGE, expr.row), hi if expr.last else lo
    reaches = (exp.GTE if expr.last else exp.LTE)(this=mine.copy(), expression=limit)
    then = exp.alias_(qualified(render(expr.then), expr.row), _THEN, quoted=True)
    found = (
        exp.select(name(_TRUE, expr.row), then)
        .from_(_named(_with_edge(expr, render), expr.row))
        .where(exp.or_(_is_null(mine), _is_null(limit), reaches))
    )
    then, some_row = name(_THEN, expr.row), _count(name(_TRUE, expr.row))
    every = exp.EQ(this=_count(then), expression=_count())
    none = exp.EQ(this=_count(exp.not_(then.copy())), expression=_count())
    sure = exp.and_(every, exp.GT(this=some_row, expression=exp.Literal.number(0)))
    truth = exp.Case().when(sure, exp.true()).when(none, exp.false())
    return exp.Subquery(this=exp.select(truth).from_(_named(found, expr.row)))


def _with_edge(expr: ir.Picked, render: Render) -> exp.Select:
    """The rows that may be true, each with the bound that a candidate's time must reach."""
    lo, hi = bounds(expr.time)
    edge = exp.func("max", lo) if expr.last else exp.func("min", hi)
    true = name(_TRUE, expr.row)
    sure = exp.Filter(this=edge, expression=exp.Where(this=true))
    column = exp.alias_(exp.Window(this=sure), _EDGE, quoted=True)
    source = _with_truth(expr, render).where(may_hold(true.copy()))
    return source.select(_all_of(expr.row), column, append=False)


def _with_truth(expr: ir.Rows, render: Render) -> exp.Select:
    """A query over the case's rows with the truth of ``where`` beside them, computed once."""
    truth = exp.alias_(qualified(render(expr.where), expr.row), _TRUE, quoted=True)
    rows = _rows(expr, render).select(_all_of(expr.row), truth, append=False)
    return exp.select(exp.Star()).from_(_named(rows, expr.row))


def _rows(expr: ir.Rows, render: Render) -> exp.Select:
    """A query over the case's rows for which no cheap part of ``where`` is false."""
    table = exp.Table(this=exp.to_identifier(expr.table, quoted=True))
    source = exp.alias_(table, exp.to_identifier(expr.row, quoted=True), table=True)
    tests: list[Sql] = [exp.EQ(this=name(CASE, expr.row), expression=name(CASE, CASES))]
    if expr.other_than is not None:
        tests.append(exp.NEQ(this=name(ROW, expr.row), expression=name(ROW, expr.other_than)))
    cheap = (part for part in _parts(expr.where) if is_cheap(part))
    tests += [may_hold(qualified(render(part), expr.row)) for part in cheap]
    return exp.select(exp.Star()).from_(source).where(*tests)


def _named(query: exp.Select, row: str) -> Sql:
    return query.subquery(exp.to_identifier(row, quoted=True))


def _all_of(row: str) -> Sql:
    return exp.column(exp.Star(), table=exp.to_identifier(row, quoted=True))


def _is_null(column: Sql) -> Sql:
    return exp.Is(this=column.copy(), expression=exp.null())


def _count(where: Sql | None = None) -> Sql:
    count = exp.Count(this=exp.Star())
    return count if where is None else exp.Filter(this=count, expression=exp.Where(this=where))


def _parts(where: ir.Expr) -> Iterable[ir.Expr]:
    items = where.items if isinstance(where, ir.And) else (where,)
    return [item for item in items if item != ir.Const(True)]


_COSTLY = (ir.Affirms, ir.AffirmsTermsOf, ir.TermsDiffer, ir.AtLeast, ir.Picked, ir.Ask)


def is_cheap(expr: ir.Expr) -> bool:
    """Whether to test it twice costs little: it goes through no rows and no whole text by regex."""
    return not any(isinstance(part, _COSTLY) for part in ir.walk(expr))


def may_hold(truth: Sql) -> Sql:
    """True or unknown."""
    return exp.func("coalesce", truth, exp.true())
