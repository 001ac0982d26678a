"""Windows that times are held against, as a person reads them, and the rows that lie in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from qc_compiler import ir
from qc_compiler.found import Searched, Window
from qc_compiler.interpret import (
    Truth,
    are_both_dates,
    are_calendar_days,
    evaluate,
    kleene_and,
)
from qc_compiler.values import Moment, Record

Side = ir.Column | datetime
Reach = tuple[datetime | None, datetime | None]  # first and last instant; None: open
_DAY = timedelta(days=1)
_GRAIN = timedelta(microseconds=1)


@dataclass(frozen=True)
class Span:
    """``column`` minus ``anchor`` lies in [lo, hi]; `None`: open to that side."""

    leaf: ir.Leaf
    column: ir.Column
    anchor: Side
    lo: timedelta | None
    hi: timedelta | None
    by_day: bool

    def reach(self, record: Record) -> Reach | None:
        """Its first and last instant, at their widest; `None` where the anchor is missing."""
        anchor = moment_of(self.anchor, record)
        if anchor is None:
            return None
        try:
            first = None if self.lo is None else anchor.lo + self.lo
            last = None if self.hi is None else anchor.hi + self.hi
            if self.by_day:
                first, last = first and _midnight(first), last and _midnight(last) + _DAY - _GRAIN
        except OverflowError:  # past the year 9999
            return None
        return first, last


def moment_of(side: Side, record: Record) -> Moment | None:
    if isinstance(side, datetime):
        return Moment(side, side)
    value = record[side.key]
    assert value is None or isinstance(value, Moment)
    return value


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def written(at: datetime, by_day: bool = False) -> str:
    """An instant to the minute, to the second where it has some."""
    if by_day:
        return f"{at:%Y-%m-%d}"
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second else f"{at:%Y-%m-%d %H:%M}"


def span_of(expr: ir.Expr, row: str | None = None) -> Span | None:
    """What a comparison of times asks of its first column, or of ``row``'s.

    `None` for what is no such comparison, or not one of a time of that row with one outside it.
    """
    try:
        span = _span(expr)
    except OverflowError:  # a window of millions of years
        return None
    if span is None or row is None:
        return span
    mine = span.column.row == row
    other = isinstance(span.anchor, ir.Column) and span.anchor.row == row
    if mine == other:
        return None
    return span if mine else _turned(span)


def _span(expr: ir.Expr) -> Span | None:
    zero = timedelta()
    if isinstance(expr, ir.WithinWindow):
        lo, hi = timedelta(seconds=expr.lo_seconds), timedelta(seconds=expr.hi_seconds)
        by_day = expr.calendar or are_both_dates(expr.column, expr.anchor)
        return Span(expr, expr.column, expr.anchor, lo, hi, by_day)
    if isinstance(expr, ir.SameDay):
        return Span(expr, expr.column, expr.other, zero, zero, True)
    if isinstance(expr, ir.Gap):
        by_day, bound = are_both_dates(expr.column, expr.other), timedelta(seconds=expr.seconds)
        near = expr.op in ("<", "<=")  # what lies farther has no one window
        return Span(expr, expr.column, expr.other, -bound, bound, by_day) if near else None
    if isinstance(expr, ir.Before):
        by_day = are_calendar_days(expr)
        if isinstance(expr.left, ir.Column):
            return Span(expr, expr.left, expr.right, None, zero, by_day)
        if isinstance(expr.right, ir.Column):
            return Span(expr, expr.right, expr.left, zero, None, by_day)
    return None


def _turned(span: Span) -> Span:
    """The same, asked of the anchor."""
    assert isinstance(span.anchor, ir.Column)
    lo, hi = (None if end is None else -end for end in (span.hi, span.lo))
    return Span(span.leaf, span.anchor, span.column, lo, hi, span.by_day)


@dataclass(frozen=True)
class Bounds:
    """All windows that bound one time of a row, together."""

    spans: tuple[Span, ...]

    @property
    def column(self) -> ir.Column:
        return self.spans[0].column

    def anchors(self) -> list[ir.Column]:
        found = (span.anchor for span in self.spans)
        return [anchor for anchor in dict.fromkeys(found) if isinstance(anchor, ir.Column)]

    def lies(self, row: Record) -> Truth:
        """Whether a row's time lies in it."""
        return kleene_and(evaluate(span.leaf, row) for span in self.spans)

    def reach(self, record: Record) -> Reach:
        found = [reach for span in self.spans if (reach := span.reach(record))]
        first = max((first for first, _ in found if first is not None), default=None)
        last = min((last for _, last in found if last is not None), default=None)
        return first, last

    def window(self, record: Record) -> Window:
        by_day = all(span.by_day for span in self.spans)
        start, end = (None if at is None else written(at, by_day) for at in self.reach(record))
        return Window(start, end)


def bounds_in(where: ir.Expr, row: str, record: Record) -> Bounds | None:
    """What bounds the time of every row for which ``where`` holds, in this record.

    Of several columns' the first; `None` without any whose anchor is known.
    """
    spans = [span for span in _spans_in(where, row) if span.reach(record)]
    mine = tuple(span for span in spans if span.column == spans[0].column)
    return Bounds(mine) if mine else None


def _spans_in(where: ir.Expr, row: str) -> Iterator[Span]:
    if isinstance(where, ir.And):
        for part in where.items:
            yield from _spans_in(part, row)
    elif (span := span_of(where, row)) is not None:
        yield span


def searched(rows: Sequence[Record], truths: Sequence[Truth]) -> Searched:
    """Rows without a window; ``truths`` are those of the whole condition."""
    return Searched(len(rows), list(truths).count(True), list(truths).count(None))


def searched_in(
    bounds: Bounds, rows: Sequence[Record], truths: Sequence[Truth], times: Sequence[str | None]
) -> Searched:
    """Rows held against a window; ``times`` are their times as they are written."""
    lies = [bounds.lies(row) for row in rows]
    before: list[tuple[datetime, str | None]] = []
    after: list[tuple[datetime, str | None]] = []
    for row, time, truth in zip(rows, times, lies, strict=True):
        moment = moment_of(bounds.column, row)
        if truth is False and moment is not None:
            first, last = bounds.reach(row)
            if first is not None and moment.lo <= first:
                before.append((moment.hi, time))
            elif last is not None and moment.hi >= last:
                after.append((moment.lo, time))
    return replace(
        searched(rows, truths),
        inside=lies.count(True),
        unclear=lies.count(None),
        before=max(before, key=_at)[1] if before else None,
        after=min(after, key=_at)[1] if after else None,
    )


def _at(one: tuple[datetime, str | None]) -> datetime:
    return one[0]
