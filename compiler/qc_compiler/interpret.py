"""The reference interpreter: this is what a rulebook means.

Truth is ``True``, ``False`` or ``None`` (unknown). Every faster path must agree with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import re2

from qc_compiler import intervals, ir
from qc_compiler.intervals import COMPARE
from qc_compiler.intervals import Truth as Truth
from qc_compiler.lines import LINES
from qc_compiler.negation import affirmed
from qc_compiler.sides import sides
from qc_compiler.values import (
    ANSWERS,
    ITEM_MARK,
    ROW,
    FieldType,
    Moment,
    Record,
    RowsOf,
    Value,
)


def evaluate(expr: ir.Expr, record: Record) -> Truth:
    """The truth of an expression for a record."""
    return _EVALUATE[type(expr)](expr, record)


def kleene_and(truths: Iterable[Truth]) -> Truth:
    """False if any is false, else unknown if any is unknown, else true."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        result = result and truth
    return result


def kleene_or(truths: Iterable[Truth]) -> Truth:
    """True if any is true, else unknown if any is unknown, else false."""
    return kleene_not(kleene_and(map(kleene_not, truths)))


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
    value = record[column.key]
    return None if value is None else any(map(test, items(value)))


def _pair(
    column: ir.Column, other: ir.Column, record: Record, test: Callable[[str, str], bool]
) -> Truth:
    right = record[other.key]
    if right is None or record[column.key] is None:
        return None
    return _any_item(column, record, lambda item: any(test(item, r) for r in items(right)))


def _compare(expr: ir.Compare, record: Record) -> Truth:
    left = record[expr.column.key]
    right = record[expr.right.key] if isinstance(expr.right, ir.Column) else expr.right
    if left is None or right is None:
        return None
    assert isinstance(left, float)
    assert isinstance(right, float)
    return COMPARE[expr.op](left, right)


def _moment(side: ir.Column | datetime, record: Record) -> Moment | None:
    if isinstance(side, datetime):
        return Moment(side, side)
    value = record[side.key]
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
    left, right = record[expr.column.key], record[expr.other.key]
    if left is None or right is None:
        return None
    a, b = sides("+".join(items(left))), sides("+".join(items(right)))
    return any(a) and any(b) and a != b


def _terms_differ(expr: ir.TermsDiffer, record: Record) -> Truth:
    left, right = record[expr.column.key], record[expr.other.key]
    if left is None or right is None:
        return None
    a, b = (expr.terms.mentioned(ITEM_MARK.join(items(value))) for value in (left, right))
    return bool(a) and bool(b) and not a & b


def affirmed_items(column: ir.Column, lines: bool, record: Record) -> tuple[str, ...] | None:
    """What a text, or each item of a list, affirms; ``lines``: a text by its lines."""
    value = record[column.key]
    if lines and column.type is FieldType.TEXT:
        value = record.get(column.key + LINES) or value
    return None if value is None else tuple(map(affirmed, items(value)))


def _affirms(expr: ir.Affirms, record: Record) -> Truth:
    said = affirmed_items(expr.column, expr.lines, record)
    return None if said is None else any(map(expr.terms.occur, said))


def _affirms_terms_of(expr: ir.AffirmsTermsOf, record: Record) -> Truth:
    terms, other = expr.terms, record[expr.other.key]
    said = affirmed_items(expr.column, expr.lines, record)
    if said is None or other is None:
        return None
    if terms is None:
        return any(word in text for word in items(other) for text in said)
    meant = affirmed_items(expr.other, expr.lines, record) or ()
    return bool(terms.mentioned(ITEM_MARK.join(said)) & terms.mentioned(ITEM_MARK.join(meant)))


def _counted(
    expr: ir.Long | ir.Items | ir.Lasts, right: float, record: Record, count: Callable[[Any], float]
) -> Truth:
    value = record[expr.column.key]
    return None if value is None else COMPARE[expr.op](count(value), right)


def are_both_dates(column: ir.Column, other: ir.Column | datetime) -> bool:
    """Whether two times are columns of type date, which are compared by day."""
    types = {column.type, other.type} if isinstance(other, ir.Column) else set()
    return types == {FieldType.DATE}


def _gap(expr: ir.Gap, record: Record) -> Truth:
    left, right = _moment(expr.column, record), _moment(expr.other, record)
    if left is None or right is None:
        return None
    by_day = are_both_dates(expr.column, expr.other)
    span = (intervals.days_between if by_day else intervals.difference)(left, right)
    return intervals.holds(intervals.distance(span), expr.op, intervals.micros(expr.seconds))


def _within(expr: ir.WithinWindow, record: Record) -> Truth:
    moment, anchor = _moment(expr.column, record), _moment(expr.anchor, record)
    if moment is None or anchor is None:
        return None
    by_day = expr.calendar or are_both_dates(expr.column, expr.anchor)
    span = (intervals.days_between if by_day else intervals.difference)(moment, anchor)
    low, high = intervals.micros(expr.lo_seconds), intervals.micros(expr.hi_seconds)
    return intervals.within(span, low, high)


def _same_day(expr: ir.SameDay, record: Record) -> Truth:
    left, right = _moment(expr.column, record), _moment(expr.other, record)
    if left is None or right is None:
        return None
    return intervals.within(intervals.days_between(left, right), 0, 0)


def shown(expr: ir.Ask, record: Record) -> tuple[Value, ...] | None:
    """What a question shows of a record; `None` where something of it is missing."""
    values = tuple(record[column.key] for column in expr.columns)
    return None if None in values else values


def _ask(expr: ir.Ask, record: Record) -> Truth:
    answers: Mapping[Any, bool] = record.get(ANSWERS, {})
    return answers.get((expr.question, shown(expr, record)))


def bind(record: Record, row: str, values: Record) -> Record:
    """The record in which the variable ``row`` stands for this row of a table."""
    return {**record, **{f"{row}.{name}": value for name, value in values.items()}}


def rows_of(expr: ir.Rows, record: Record) -> Iterator[Record] | None:
    """The record once for each row a quantifier goes through; `None`: table not extracted."""
    rows = record.get(RowsOf(expr.table))
    if rows is None:
        return None
    mine = expr.other_than
    left_out = record[f"{mine}.{ROW}"] if mine is not None else None
    numbered = ({ROW: number, **row} for number, row in enumerate(rows))
    return (bind(record, expr.row, row) for row in numbered if row[ROW] != left_out)


def _at_least(expr: ir.AtLeast, record: Record) -> Truth:
    rows = rows_of(expr, record)
    if rows is None:
        return None
    return enough([evaluate(expr.where, row) for row in rows], expr.n)


def enough(truths: Sequence[Truth], n: int) -> Truth:
    """Whether at least ``n`` of these are true."""
    if truths.count(True) >= n:
        return True
    return False if len(truths) - truths.count(False) < n else None


Candidates = list[tuple[Record, Truth]]


def candidates(expr: ir.Picked, record: Record) -> Candidates | None:
    """The rows that may be the one picked, each with the truth of ``where`` for it."""
    rows = rows_of(expr, record)
    if rows is None:
        return None
    found = [(row, truth) for row in rows if (truth := evaluate(expr.where, row)) is not False]
    sure = [_moment(expr.time, row) for row, truth in found if truth]
    return [
        (row, truth)
        for row, truth in found
        if not any(_beats(expr.last, other, _moment(expr.time, row)) for other in sure)
    ]


def _beats(last: bool, sure: Moment | None, moment: Moment | None) -> bool:
    """Whether a row at the one time is picked before a row at the other, whatever the instants."""
    if sure is None or moment is None:
        return False
    return sure.lo > moment.hi if last else sure.hi < moment.lo


def _picked(expr: ir.Picked, record: Record) -> Truth:
    found = candidates(expr, record)
    if found is None:
        return None
    possible = {evaluate(expr.then, row) for row, _ in found}
    if not any(truth for _, truth in found):
        possible.add(False)  # there may be no such row
    return possible.pop() if len(possible) == 1 else None


_EVALUATE: dict[type, Callable[[Any, Record], Truth]] = {
    ir.Const: lambda e, r: e.value,
    ir.Not: lambda e, r: kleene_not(evaluate(e.item, r)),
    ir.And: lambda e, r: kleene_and(evaluate(item, r) for item in e.items),
    ir.Or: lambda e, r: kleene_or(evaluate(item, r) for item in e.items),
    ir.Missing: lambda e, r: r[e.column.key] is None,
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
    ir.Affirms: _affirms,
    ir.AffirmsTermsOf: _affirms_terms_of,
    ir.Long: lambda e, r: _counted(e, e.right, r, len),
    ir.Items: lambda e, r: _counted(e, e.right, r, len),
    ir.Lasts: lambda e, r: _counted(e, e.seconds, r, float),
    ir.Gap: _gap,
    ir.WithinWindow: _within,
    ir.SameDay: _same_day,
    ir.Unknown: lambda e, r: None,
    ir.Ask: _ask,
    ir.AtLeast: _at_least,
    ir.Picked: _picked,
}
