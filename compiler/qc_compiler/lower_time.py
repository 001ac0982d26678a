"""Times and durations, lowered: before and after, windows, gaps, how long something lasts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qc_compiler import ir
from qc_compiler import type_errors as wrong
from qc_compiler.durations import SECONDS
from qc_compiler.values import FieldType, Moment, parse_moment
from qc_dsl import ast
from qc_dsl.ast import Op
from qc_dsl.errors import QcError

if TYPE_CHECKING:
    from qc_compiler.lower import Lowering

TEMPORAL = (FieldType.DATE, FieldType.DATETIME)
COMPARISONS: dict[Op, ir.Comparison] = {
    Op.GT: ">", Op.LT: "<", Op.GE: ">=", Op.LE: "<=", Op.EQ: "=", Op.NE: "=",
}  # fmt: skip


def any_of(items: Iterable[ir.Expr]) -> ir.Expr:
    found = tuple(items)
    return found[0] if len(found) == 1 else ir.Or(found)


def same_time(
    low: Lowering, predicate: ast.Predicate, column: ir.Column, other: ast.Name | None
) -> ir.Expr:
    """Neither before nor after; a day is equal to every time within it."""
    if other:
        right = low.beside(column, other, *TEMPORAL)
        return ir.And((ir.Not(ir.Before(column, right)), ir.Not(ir.Before(right, column))))
    return any_of(
        ir.And((ir.Not(ir.Before(column, m.lo)), ir.Not(ir.Before(m.hi, column))))
        for m in (_moment(operand) for operand in predicate.operands)
    )


def _moment(operand: ast.Operand) -> Moment:
    moment = None if isinstance(operand, ast.Amount) else parse_moment(operand.text)
    if moment is None:
        raise QcError(wrong.not_a_moment(operand))
    return moment


def before(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    """A day named in a sentence is before what comes after it ends, after what it begins."""
    column = low.column(predicate, *TEMPORAL)
    earlier = predicate.op in (Op.BEFORE, Op.NOT_BEFORE)
    if other := low.other(predicate):
        bound: ir.Column | Moment = low.beside(column, other, *TEMPORAL)
    else:
        bound = _moment(predicate.operands[0])
    right = bound if isinstance(bound, ir.Column) else bound.lo if earlier else bound.hi
    return ir.Before(column, right) if earlier else ir.Before(right, column)


def same_day(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    (other,) = predicate.operands
    assert isinstance(other, ast.Name)
    column = low.column(predicate, *TEMPORAL)
    return ir.SameDay(column, low.beside(column, other, *TEMPORAL))


def lasts(
    low: Lowering,
    predicate: ast.Predicate,
    column: ir.Column,
    symbol: ir.Comparison,
    operand: ast.Operand,
) -> ir.Expr:
    """A duration against a number with its unit, or another duration."""
    if isinstance(operand, ast.Name):
        return ir.Compare(column, symbol, low.beside(column, operand, FieldType.DURATION))
    if not isinstance(operand, ast.Amount):
        raise QcError(wrong.no_unit(operand, predicate.subject.text))
    if operand.unit == "calendar_day":
        raise QcError(wrong.unwanted_unit(operand))
    return ir.Lasts(column, symbol, operand.number * SECONDS[operand.unit])


def gap(low: Lowering, condition: ast.Measured) -> ir.Expr:
    assert condition.other is not None
    left, right = (time(low, name) for name in (condition.subject, condition.other))
    amount = condition.amount
    if not isinstance(amount, ast.Amount):
        raise QcError(wrong.no_unit(amount, "间隔"))
    if amount.unit == "calendar_day":
        raise QcError(wrong.unwanted_unit(amount))
    seconds = amount.number * SECONDS[amount.unit]
    return ir.Gap(left, right, COMPARISONS[condition.op], seconds)


def time(low: Lowering, name: ast.Name) -> ir.Column:
    """A column that is a date or a time."""
    column = low.rows.column(name)
    if not column.type.is_temporal:
        raise QcError(wrong.unfit(name, column.type, "日期或时间", "a date or time"))
    return column


def within(low: Lowering, condition: ast.Within) -> ir.Expr:
    """A window before, after or around a time; its ends belong to it.

    Days are calendar days where a clock time can be no part of it: between two fields of type
    date, or from a day named in the sentence.
    """
    column, amount = time(low, condition.subject), condition.amount
    seconds = amount.number * SECONDS[amount.unit]
    low_end = 0.0 if condition.direction == "after" else -seconds
    high_end = 0.0 if condition.direction == "before" else seconds
    calendar = amount.unit == "calendar_day"
    if isinstance(condition.anchor, ast.Name):
        anchor = time(low, condition.anchor)
        if anchor == column and "." not in condition.anchor.text:  # 本条.X may be another row's
            raise QcError(wrong.own_anchor(condition.anchor))
        return ir.WithinWindow(column, anchor, low_end, high_end, calendar)
    moment = parse_moment(condition.anchor.text)
    if moment is None:
        raise QcError(wrong.not_a_moment(condition.anchor))
    calendar = calendar or (moment.lo < moment.hi and amount.unit in ("day", "week"))
    return ir.WithinWindow(column, moment.lo, low_end, high_end, calendar)
