"""Times of the IR as DuckDB SQL: intervals of two columns, ``<field>.lo`` and ``<field>.hi``."""

from __future__ import annotations

from datetime import datetime

from sqlglot import exp

from qc_compiler import ir
from qc_compiler.interpret import are_both_dates, are_calendar_days
from qc_compiler.intervals import DAY, micros

Sql = exp.Expr
COMPARE: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}


def call(name: str, *args: exp.Expr) -> Sql:
    return exp.Anonymous(this=name, expressions=list(args))


def name(written: str, row: str = "") -> Sql:
    """A column, of the row's alias where there is one."""
    table = exp.to_identifier(row, quoted=True) if row else None
    return exp.column(exp.to_identifier(written, quoted=True), table=table)


def bounds(side: ir.Column | datetime) -> tuple[Sql, Sql]:
    """The first and last instant of one side of a comparison of times."""
    if isinstance(side, datetime):
        instant = exp.cast(exp.Literal.string(side.isoformat(sep=" ")), "TIMESTAMP")
        return instant, instant
    return name(f"{side.name}.lo", side.row), name(f"{side.name}.hi", side.row)


def before(expr: ir.Before) -> Sql:
    (left_lo, left_hi), (right_lo, right_hi) = bounds(expr.left), bounds(expr.right)
    if are_calendar_days(expr):
        return exp.LT(this=left_lo, expression=right_lo)
    return (
        exp.Case()
        .when(exp.LT(this=left_hi, expression=right_lo), exp.true())
        .when(exp.GTE(this=left_lo, expression=right_hi), exp.false())
    )


def _whole(number: int) -> Sql:
    return exp.Literal.number(number)


def _minus(left: Sql, right: Sql) -> Sql:
    """Microseconds from the right instant to the left one."""
    return exp.paren(exp.Sub(this=call("epoch_us", left), expression=call("epoch_us", right)))


def _days_minus(left: Sql, right: Sql) -> Sql:
    """Microseconds between the two instants' days."""
    days = exp.paren(exp.Sub(this=exp.cast(left, "DATE"), expression=exp.cast(right, "DATE")))
    return exp.paren(exp.Mul(this=days, expression=_whole(DAY)))


def _difference(left: ir.Column, right: ir.Column | datetime, by_day: bool) -> tuple[Sql, Sql]:
    """The least and the greatest of left minus right, in microseconds."""
    (left_lo, left_hi), (right_lo, right_hi) = bounds(left), bounds(right)
    minus = _days_minus if by_day else _minus
    return minus(left_lo, right_hi), minus(left_hi, right_lo)


def _settled(sure: Sql, never: Sql) -> Sql:
    """True where it holds of all instants, false where of none, else unknown."""
    return exp.Case().when(sure, exp.true()).when(never, exp.false())


def within(expr: ir.WithinWindow) -> Sql:
    low, high = _whole(micros(expr.lo_seconds)), _whole(micros(expr.hi_seconds))
    by_day = expr.calendar or are_both_dates(expr.column, expr.anchor)
    least, greatest = _difference(expr.column, expr.anchor, by_day)
    sure = exp.and_(exp.GTE(this=least, expression=low), exp.LTE(this=greatest, expression=high))
    never = exp.or_(exp.LT(this=greatest, expression=low), exp.GT(this=least, expression=high))
    return _settled(sure, never)


def gap(expr: ir.Gap) -> Sql:
    by_day = are_both_dates(expr.column, expr.other)
    least, greatest = _difference(expr.column, expr.other, by_day)
    # The distance spans [nearest, farthest]; 0 is in it where the difference changes its sign.
    nearest = call("greatest", _whole(0), least, exp.Neg(this=greatest.copy()))
    farthest = call("greatest", greatest.copy(), exp.Neg(this=least.copy()))
    bound = _whole(micros(expr.seconds))
    if expr.op == "=":
        same = exp.and_(
            exp.EQ(this=nearest, expression=bound), exp.EQ(this=farthest, expression=bound)
        )
        never = exp.or_(
            exp.GT(this=nearest, expression=bound), exp.LT(this=farthest, expression=bound)
        )
        return _settled(same, never)
    compare = COMPARE[expr.op]
    first, last = compare(this=nearest, expression=bound), compare(this=farthest, expression=bound)
    return _settled(exp.and_(first, last), exp.not_(exp.or_(first.copy(), last.copy())))


def same_day(expr: ir.SameDay) -> Sql:
    days = (exp.cast(bounds(side)[0], "DATE") for side in (expr.column, expr.other))
    left, right = days
    return exp.EQ(this=left, expression=right)
