"""The rows that an obligation is about, each met, violated or open, as one DuckDB query."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from qc_compiler import ir
from qc_compiler.program import Obligation, Program
from qc_compiler.simplify import simplify, without_tables
from qc_compiler.sql import Sql, expression
from qc_compiler.sql_rows import is_cheap, may_hold, qualified
from qc_compiler.sql_time import name
from qc_compiler.values import CASE, CASES, ROW

MET, VIOLATED = 1, 0
_SCOPE, _MUST, _FREE = "#scope", "#must", "#free"


def obligation_query(program: Program, index: int, absent: Collection[str] = ()) -> str:
    """The query that gives ``code`` for every row that obligation ``index`` may be about.

    1: met, 0: violated, NULL: open. Rows whose scope is false, or for which an exception is
    true, are exempt and not among the answers. Columns: ``#case``, ``#row`` (not where the
    obligation is about the case), ``code``; in any order. The table of 每条 must have been
    extracted; ``absent`` are others that were not. `qc_compiler.obligations` is the definition.
    """
    duty = program.obligations[index]
    scope, must = _ready(duty.scope, absent), _ready(duty.must, absent)
    exempt = _ready(ir.Or(tuple(expr for _, expr in duty.exceptions)), absent)
    keys = [CASE] if duty.table is None else [CASE, ROW]
    judged = _judged(duty, scope, must, exempt)
    code = exp.cast(_code(scope, exempt), "TINYINT").as_("code")
    query = exp.select(*map(name, keys), code).from_(judged.subquery("judged"))
    return query.sql(dialect="duckdb", pretty=True)


def _ready(expr: ir.Expr, absent: Collection[str]) -> ir.Expr:
    return simplify(without_tables(expr, absent))


def _truth(expr: ir.Expr) -> Sql:
    return qualified(expression(expr))


def _code(scope: ir.Expr, exempt: ir.Expr) -> Sql:
    """Met where in scope, violated where also surely not exempt, else open."""
    violated: list[Sql] = [exp.not_(name(_MUST))]
    if exempt != ir.Const(False):
        violated.append(exp.not_(name(_FREE)))
    code = exp.Case().when(name(_MUST), exp.Literal.number(MET))
    code = code.when(exp.and_(*violated), exp.Literal.number(VIOLATED))
    return code if scope == ir.Const(True) else exp.Case().when(name(_SCOPE), code)


def _judged(duty: Obligation, scope: ir.Expr, must: ir.Expr, exempt: ir.Expr) -> exp.Select:
    """The rows that may be in scope and are not surely exempt, with the truth of each part.

    What ``must`` goes through is gone through for these rows only: where to find out costs a
    query of its own, that comes first.
    """
    parts = scope.items if isinstance(scope, ir.And) else (scope,)
    tests = [may_hold(_truth(part)) for part in parts if is_cheap(part) and part != _ALWAYS]
    flags = [
        _named(_truth(expr), flag)
        for flag, expr, idle in ((_SCOPE, scope, _ALWAYS), (_FREE, exempt, ir.Const(False)))
        if expr != idle
    ]
    truth = _named(exp.cast(_truth(must), "BOOLEAN"), _MUST)
    if is_cheap(scope) and is_cheap(exempt):
        if flags and exempt != ir.Const(False):
            tests.append(_is_free(_truth(exempt)))
        return _rows(duty, _source(duty), *flags, truth).where(*tests)
    row = duty.row or CASES
    everything = exp.column(exp.Star(), table=exp.to_identifier(row, quoted=True))
    first = exp.select(everything, *flags).from_(_source(duty))
    first = _beside_case(first, duty).where(*tests)
    known = [name(flag.alias, row) for flag in flags]
    kept = [may_hold(flag) if flag.name == _SCOPE else _is_free(flag) for flag in known]
    source = first.subquery(exp.to_identifier(row, quoted=True))
    return _rows(duty, source, *known, truth).where(*kept)


_ALWAYS = ir.Const(True)


def _is_free(exempt: Sql) -> Sql:
    """Not surely exempt."""
    return exp.not_(exp.func("coalesce", exempt.copy(), exp.false()))


def _named(truth: Sql, flag: str) -> exp.Expr:
    return exp.alias_(truth, flag, quoted=True)


def _source(duty: Obligation) -> exp.Expr:
    if duty.table is None:
        return _table(CASES)
    return exp.alias_(_table(duty.table), exp.to_identifier(duty.row, quoted=True), table=True)


def _table(table: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(table, quoted=True))


def _rows(duty: Obligation, source: exp.Expr, *columns: exp.Expr) -> exp.Select:
    keys = [name(CASE, CASES)] if duty.table is None else [name(CASE, CASES), name(ROW, duty.row)]
    return _beside_case(exp.select(*keys, *columns).from_(source), duty)


def _beside_case(query: exp.Select, duty: Obligation) -> exp.Select:
    """Each row beside its case."""
    if duty.table is None:
        return query
    on = exp.EQ(this=name(CASE, duty.row), expression=name(CASE, CASES))
    return query.join(_table(CASES), on=on)
