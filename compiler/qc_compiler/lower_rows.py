"""Quantifiers over rows, and counts, lowered."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import TYPE_CHECKING

from qc_compiler import ir, lower_time
from qc_compiler import type_errors as wrong
from qc_compiler.values import FieldType
from qc_dsl import ast
from qc_dsl.ast import Op
from qc_dsl.errors import QcError

if TYPE_CHECKING:
    from qc_compiler.lower import Lowering

_ANY = ir.Const(True)


def quantified(low: Lowering, condition: ast.Quantified) -> ir.Expr:
    """Everything but 最近一条 and 首条 is a count of rows."""
    table = low.rows.table(condition.table)
    beside = low.rows.same_table(table) if condition.other else None
    if condition.other and beside is None and not low.rows.lenient:
        raise QcError(wrong.no_other(condition.table))
    if condition.kind in ("latest", "first") and table.time is None:
        raise QcError(wrong.no_time(condition.table))
    other = beside.variable if beside else None
    with low.rows.row(table) as row:
        chosen = _ANY if condition.filter is None else low.lower(condition.filter)
        body = _ANY if condition.body is None else low.lower(condition.body)
        if condition.kind in ("latest", "first"):
            time = row.column(table.time or "")
            assert time is not None
            last = condition.kind == "latest"
            return ir.Picked(row.variable, table.name, time, last, chosen, body, other)

    def at_least(where: ir.Expr, n: int) -> ir.Expr:
        return ir.AtLeast(row.variable, table.name, where, n, other)

    if condition.kind in ("all", "all_or_none"):
        return _all(condition.kind == "all", chosen, body, at_least)
    where = body if chosen == _ANY else ir.And((chosen, body))
    return _counted(condition, lambda n: at_least(where, n))


def _all(
    some: bool, chosen: ir.Expr, body: ir.Expr, at_least: Callable[[ir.Expr, int], ir.Expr]
) -> ir.Expr:
    """No row for which it is false; where there must be ``some`` row and is none, unknown."""
    fails = ir.Not(body) if chosen == _ANY else ir.And((chosen, ir.Not(body)))
    every = ir.Not(at_least(fails, 1))
    if not some:
        return every
    present = at_least(chosen, 1)
    return ir.Or((ir.And((present, every)), ir.And((ir.Not(present), ir.Unknown()))))


def _counted(condition: ast.Quantified, at_least: Callable[[int], ir.Expr]) -> ir.Expr:
    n = condition.count
    match condition.kind:
        case "not_exists":
            return ir.Not(at_least(1))
        case "at_least":
            return at_least(n)
        case "at_most":
            return ir.Not(at_least(n + 1))
        case "exactly":
            return ir.And((at_least(n), ir.Not(at_least(n + 1))))
        case _:
            return at_least(1)


def measured(low: Lowering, condition: ast.Measured) -> ir.Expr:
    """A count or a gap, compared."""
    if condition.what == "rows":
        return _rows(low, condition)
    found = lower_time.gap(low, condition) if condition.what == "gap" else _size(low, condition)
    return ir.Not(found) if condition.op is Op.NE else found


def _size(low: Lowering, condition: ast.Measured) -> ir.Expr:
    column = low.rows.column(condition.subject)
    op, bound = lower_time.COMPARISONS[condition.op], _plain(condition)
    if condition.what == "items":
        if column.type is not FieldType.LIST:
            raise QcError(wrong.unfit(condition.subject, column.type, "列表", "a list"))
        return ir.Items(column, op, bound)
    if column.type not in (FieldType.TEXT, FieldType.CATEGORY):
        raise QcError(wrong.unfit(condition.subject, column.type, "文本", "a text"))
    return ir.Long(column, op, bound)


def _plain(condition: ast.Measured) -> float:
    amount = condition.amount
    if isinstance(amount, ast.Amount):
        raise QcError(wrong.unwanted_unit(amount))
    return float(amount.text)


def _rows(low: Lowering, condition: ast.Measured) -> ir.Expr:
    """The number of a table's rows is whole, so any bound comes down to at least so many."""
    table, bound = low.rows.table(condition.subject), _plain(condition)
    with low.rows.row(table) as row:
        variable = row.variable

    def at_least(n: float) -> ir.Expr:
        return ir.AtLeast(variable, table.name, _ANY, max(0, int(n)))

    match condition.op:
        case Op.GT:
            return at_least(floor(bound) + 1)
        case Op.GE:
            return at_least(ceil(bound))
        case Op.LT:
            return ir.Not(at_least(ceil(bound)))
        case Op.LE:
            return ir.Not(at_least(floor(bound) + 1))
    whole = bound >= 0 and bound == floor(bound)
    same = ir.And((at_least(bound), ir.Not(at_least(bound + 1))))
    # No number of rows is 2.5: false where the table was extracted, unknown where not.
    equal = same if whole else ir.Not(at_least(0))
    return ir.Not(equal) if condition.op is Op.NE else equal
