"""The reference interpreter: this is what a rulebook means.

Truth is ``True``, ``False`` or ``None`` (unknown). Every faster path must agree with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import re2

from qc_compiler import ir
from qc_compiler.sides import sides
from qc_compiler.values import ITEM_MARK, FieldType, Moment, Record, Value

Truth = bool | None
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(expr: ir.Expr, record: Record) -> Truth:
    """The truth of an expression for a record."""
    return _EVALUATE[type(expr)](expr, record)


def kleene_and(truths: Iterable[Truth]) -> Truth:
    """False if any is false, else unknown if any is unknown, else true."""
    seen = set(truths)
    return False if False in seen else None if None in seen else True


def kleene_or(truths: Iterable[Truth]) -> Truth:
    """True if any is true, else unknown if any is unknown, else false."""
    seen = set(truths)
    return True if True in seen else None if None in seen else False


def kleene_not(truth: Truth) -> Truth:
    return None if truth is None else not truth


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """An RE2 pattern, compiled. Raises ``re2.error``."""
    return re2.compile(pattern, _quiet())


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def items(value: Value) -> tuple[str, ...]:
    """A text as the list of itself; a list as its items."""
    assert isinstance(value, (str, tuple))
    return (value,) if isinstance(value, str) else value


def _any_item(column: ir.Column, record: Record, test: Callable[[str], bool]) -> Truth:
    value = record[column.name]
    return None if value is None else any(map(test, items(value)))


def _pair(
    column: ir.Column, other: ir.Column, record: Record, test: Callable[[str, str], bool]
) -> Truth:
    right = record[other.name]
    if right is None or record[column.name] is None:
        return None
    return _any_item(column, record, lambda item: any(test(item, r) for r in items(right)))


def _compare(expr: ir.Compare, record: Record) -> Truth:
    left = record[expr.column.name]
    right = record[expr.right.name] if isinstance(expr.right, ir.Column) else expr.right
    if left is None or right is None:
        return None
    assert isinstance(left, float)
    assert isinstance(right, float)
    return _COMPARE[expr.op](left, right)


def _moment(side: ir.Column | datetime, record: Record) -> Moment | None:
    if isinstance(side, datetime):
        return Moment(side, side)
    value = record[side.name]
    assert value is None or isinstance(value, Moment)
    return value


def are_calendar_days(expr: ir.Before) -> bool:
    """Whether both sides are fields of type date, which are compared by day."""
    return all(
        isinstance(side, ir.Column) and side.type is FieldType.DATE
        for side in (expr.left, expr.right)
    )


def _before(expr: ir.Before, record: Record) -> Truth:
    left, right = _moment(expr.left, record), _moment(expr.right, record)
    if left is None or right is None:
        return None
    if are_calendar_days(expr):
        return left.lo < right.lo
    return True if left.hi < right.lo else False if left.lo >= right.hi else None


def _sides_differ(expr: ir.SidesDiffer, record: Record) -> Truth:
    left, right = record[expr.column.name], record[expr.other.name]
    if left is None or right is None:
        return None
    a, b = sides("+".join(items(left))), sides("+".join(items(right)))
    return any(a) and any(b) and a != b


def _terms_differ(expr: ir.TermsDiffer, record: Record) -> Truth:
    left, right = record[expr.column.name], record[expr.other.name]
    if left is None or right is None:
        return None
    a, b = (expr.terms.mentioned(ITEM_MARK.join(items(value))) for value in (left, right))
    return bool(a) and bool(b) and not a & b


_EVALUATE: dict[type, Callable[[Any, Record], Truth]] = {
    ir.Const: lambda e, r: e.value,
    ir.Not: lambda e, r: kleene_not(evaluate(e.item, r)),
    ir.And: lambda e, r: kleene_and(evaluate(item, r) for item in e.items),
    ir.Or: lambda e, r: kleene_or(evaluate(item, r) for item in e.items),
    ir.Missing: lambda e, r: r[e.column.name] is None,
    ir.Among: lambda e, r: _any_item(e.column, r, e.values.__contains__),
    ir.Contains: lambda e, r: _any_item(e.column, r, lambda item: e.text in item),
    ir.Matches: lambda e, r: _any_item(
        e.column, r, lambda item: compile_pattern(e.pattern).search(item) is not None
    ),
    ir.SameText: lambda e, r: _pair(e.column, e.other, r, operator.eq),
    ir.ContainsText: lambda e, r: _pair(e.column, e.other, r, operator.contains),
    ir.Compare: _compare,
    ir.Before: _before,
    ir.SidesDiffer: _sides_differ,
    ir.TermsDiffer: _terms_differ,
}
