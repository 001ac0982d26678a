"""Arithmetic of times that may be whole days: what holds of all, of none, or of some instants.

Everything is in whole microseconds, the grain of a `Moment`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import timedelta

from qc_compiler.ir import Comparison
from qc_compiler.values import Moment

Truth = bool | None
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
DAY = 86_400_000_000


def micros(seconds: float) -> int:
    """Seconds as a whole number of microseconds."""
    return round(seconds * 1_000_000)


def difference(left: Moment, right: Moment) -> tuple[int, int]:
    """The least and the greatest of left minus right."""
    unit = timedelta(microseconds=1)
    return (left.lo - right.hi) // unit, (left.hi - right.lo) // unit


def days_between(left: Moment, right: Moment) -> tuple[int, int]:
    """The same between calendar days, in microseconds."""
    least = (left.lo.date() - right.hi.date()).days
    return least * DAY, (left.hi.date() - right.lo.date()).days * DAY


def distance(span: tuple[int, int]) -> tuple[int, int]:
    """The least and the greatest absolute value within a span."""
    least, greatest = span
    outer = max(abs(least), abs(greatest))
    return (0 if least <= 0 <= greatest else min(abs(least), abs(greatest))), outer


def holds(span: tuple[int, int], op: Comparison, bound: int) -> Truth:
    """Whether every number of the span compares so with the bound, none does, or only some."""
    least, greatest = span
    if op == "=":
        return True if least == greatest == bound else None if least <= bound <= greatest else False
    compare = COMPARE[op]
    at_least, at_most = compare(least, bound), compare(greatest, bound)
    return at_least if at_least == at_most else None


def within(span: tuple[int, int], low: int, high: int) -> Truth:
    """Whether every number of the span lies in [low, high], none does, or only some."""
    least, greatest = span
    if low <= least and greatest <= high:
        return True
    return False if greatest < low or least > high else None
