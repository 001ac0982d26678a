"""What 须 demands of rows at a time: nobody can be said to have missed a time that is not known.

``存在 病程，记录时间 在 医嘱.开始时间 后 3 天内`` is false wherever there are no notes, even for
an order without a time; beside any note it is unknown then. As a demand it is to be unknown in
both: a finding must be able to name the window that was missed. Elsewhere (当, 除外, gates) no
rows stay no rows, so that what never happened exempts a record whatever times are blank.
"""

from __future__ import annotations

from collections.abc import Iterator

from qc_compiler import ir

_TIMES = (ir.WithinWindow, ir.SameDay, ir.Gap, ir.Before)


def demanded(expr: ir.Expr, positive: bool = True) -> ir.Expr:
    """The expression, unknown instead of false where an existing row's anchor is not written.

    Only where rows are looked for (not where there must be none), and of the same shape but for
    those places. It is true for no other record than before.
    """
    if isinstance(expr, ir.Not):
        return ir.Not(demanded(expr.item, not positive))
    if isinstance(expr, ir.And):
        return ir.And(tuple(demanded(item, positive) for item in expr.items))
    if isinstance(expr, ir.Or):
        return ir.Or(tuple(demanded(item, positive) for item in expr.items))
    if positive and isinstance(expr, (ir.AtLeast, ir.Picked)):
        anchors = dict.fromkeys(_anchors(expr.where, expr.row))
        return ir.Or((expr, *map(_unknown_unless_written, anchors))) if anchors else expr
    return expr


def _anchors(where: ir.Expr, row: str) -> Iterator[ir.Column]:
    """The times outside of the row that each row must be at a certain distance from."""
    if isinstance(where, ir.And):
        for part in where.items:
            yield from _anchors(part, row)
    elif isinstance(where, _TIMES):
        found = ir.columns(where)
        if any(column.row == row for column in found):
            yield from (column for column in found if column.row != row)


def _unknown_unless_written(column: ir.Column) -> ir.Expr:
    """False where the time is written: a time lies on its own day."""
    return ir.Not(ir.SameDay(column, column))
