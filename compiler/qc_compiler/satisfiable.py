"""Whether a condition can be true at all: “never” is certain, anything else is not.

The condition is brought into disjunctive form. A conjunction is impossible where it wants a
predicate both true and false, or where no value of some column does all that it asks of that
column; the interpreter tries every value that could matter. Predicates over two columns, rows
and answers of the model are taken to come out either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, pairwise, product
from math import ceil, floor

from qc_compiler import ir
from qc_compiler.interpret import evaluate
from qc_compiler.values import FieldType, Moment, Value

MOST = 128  # conjunctions looked at; a condition of more is taken to be possible
_LONGEST = 10_000  # characters, or items, of a value that is tried
_SOME_TIME = datetime(2025, 1, 15, 8, 0)
Literal = tuple[ir.Expr, bool]
Declared = Callable[[ir.Column], tuple[str, ...]]  # the values that a category may take


def never_true(expr: ir.Expr, declared: Declared) -> bool:
    """Whether no record at all makes an expression true."""
    found = conjunctions(expr)
    return found is not None and all(_impossible(one, declared) for one in found)


def never_false(expr: ir.Expr, declared: Declared) -> bool:
    """Whether no record at all makes an expression false; it may be unknown."""
    return never_true(ir.Not(expr), declared)


def conjunctions(expr: ir.Expr) -> list[tuple[Literal, ...]] | None:
    """The ways in which an expression comes out true; `None` where there are too many."""
    found = list(islice(_conjunctions(expr, True), MOST + 1))
    return found if len(found) <= MOST else None


def _conjunctions(expr: ir.Expr, wanted: bool) -> Iterator[tuple[Literal, ...]]:
    match expr:
        case ir.Const(value=value):
            yield from [()] if value is wanted else []
        case ir.Unknown():
            return
        case ir.Not(item=item):
            yield from _conjunctions(item, not wanted)
        case ir.And(items=items) | ir.Or(items=items):
            if isinstance(expr, ir.And) is wanted:
                yield from _product(items, wanted)
            else:
                for item in items:
                    yield from _conjunctions(item, wanted)
        case _:
            yield ((expr, wanted),)


def _product(items: Sequence[ir.Expr], wanted: bool) -> Iterator[tuple[Literal, ...]]:
    """One conjunction of each item, put together, in every way."""
    each = [list(islice(_conjunctions(item, wanted), MOST + 1)) for item in items]
    return (tuple(chain.from_iterable(chosen)) for chosen in product(*each))


def _impossible(literals: Sequence[Literal], declared: Declared) -> bool:
    """Whether no record at all makes a conjunction true."""
    unique = dict.fromkeys(literals)
    if any((expr, not wanted) in unique for expr, wanted in unique):
        return True
    if any(wanted and no_rows(expr, declared) for expr, wanted in unique):
        return True
    by_column: dict[ir.Column, list[Literal]] = {}
    for literal in unique:
        if (column := column_of(literal[0])) is not None:
            by_column.setdefault(column, []).append(literal)
    return any(no_value(column, asked, declared) for column, asked in by_column.items())


def column_of(expr: ir.Expr) -> ir.Column | None:
    """The column that alone a literal is about, if it is about one."""
    if isinstance(expr, (ir.AtLeast, ir.Picked, ir.Ask)):
        return None
    about = ir.columns(expr)
    return next(iter(about)) if len(about) == 1 else None


def no_rows(expr: ir.Expr, declared: Declared) -> bool:
    """Whether a condition about rows can be true of none."""
    if isinstance(expr, ir.AtLeast):
        return expr.n > 0 and never_true(expr.where, declared)
    if isinstance(expr, ir.Picked):
        return never_true(expr.where, declared) or never_true(expr.then, declared)
    return False


def no_value(column: ir.Column, asked: Sequence[Literal], declared: Declared) -> bool:
    """Whether nothing that a column can hold, and nothing at all, does all that is asked of it."""
    values = values_for(column, asked, declared)
    if values is None:
        sizes = [one for one in asked if isinstance(one[0], (ir.Long, ir.Items))]
        of_no_size = 0 < len(sizes) < len(asked) and no_value(column, sizes, declared)
        return of_no_size or _texts_clash(asked)
    return not any(
        all(evaluate(expr, {column.key: value}) is wanted for expr, wanted in asked)
        for value in (None, *values)
    )


def values_for(
    column: ir.Column, asked: Sequence[Literal], declared: Declared
) -> Iterable[Value] | None:
    """Values that stand for all that a column can hold, as far as it is asked; else `None`."""
    kinds = {type(expr) for expr, _ in asked}
    if column.type is FieldType.TEXT and ir.Long in kinds <= {ir.Long, ir.Missing}:
        return [
            "某" * n for n in _sizes(e.right for e, _ in asked if isinstance(e, ir.Long))
        ] or None
    if column.type is FieldType.LIST and ir.Items in kinds <= {ir.Items, ir.Missing}:
        counts = _sizes(e.right for e, _ in asked if isinstance(e, ir.Items))
        return [("某",) * n for n in counts] or None
    if column.type in (FieldType.TEXT, FieldType.CATEGORY):
        named = [e.values for e, wanted in asked if wanted and isinstance(e, ir.Among)]
        known = declared(column) if column.type is FieldType.CATEGORY else ()
        return (*named[0],) if named else known or None
    if column.type is FieldType.NUMBER and kinds <= {ir.Compare, ir.Missing}:
        return _numbers(e.right for e, _ in asked if isinstance(e, ir.Compare))
    if column.type is FieldType.DURATION and kinds <= {ir.Lasts, ir.Missing}:
        found = _numbers(e.seconds for e, _ in asked if isinstance(e, ir.Lasts))
        return [value for value in found if value >= 0]
    if column.type.is_temporal and kinds <= {ir.Before, ir.Missing}:
        return _moments(column, [e for e, _ in asked if isinstance(e, ir.Before)])
    return None


def _numbers(bounds: Iterable[float | ir.Column]) -> list[float]:
    """Every bound, a number between each two, and one beyond either end."""
    points = sorted({bound for bound in bounds if isinstance(bound, float)} | {0.0})
    between = [(low + high) / 2 for low, high in pairwise(points)]
    return [*points, *between, points[0] - 1, points[-1] + 1]


def _sizes(bounds: Iterable[float]) -> list[int]:
    """Numbers of characters, or of items, on either side of every bound; none where too many."""
    points = _numbers(bounds)
    sizes = {max(1, size) for point in points for size in (floor(point), ceil(point))}
    return sorted(sizes) if max(sizes) <= _LONGEST else []


def _moments(column: ir.Column, asked: Sequence[ir.Before]) -> list[Value]:
    sides = [side for expr in asked for side in (expr.left, expr.right)]
    points = {side for side in sides if isinstance(side, datetime)} or {_SOME_TIME}
    if column.type is FieldType.DATE:
        days = {p + timedelta(days=n) for p in points for n in (-1, 0, 1)}
        return [Moment.of_day(day.date()) for day in sorted(days)]
    step = timedelta(microseconds=1)
    return [Moment(at, at) for p in sorted(points) for at in (p - step, p, p + step)]


def _texts_clash(asked: Sequence[Literal]) -> bool:
    """Whether a text is to hold a longer text and not a part of it, or nothing and something."""
    held = [expr.text for expr, wanted in asked if wanted and isinstance(expr, ir.Contains)]
    not_held = [e.text for e, wanted in asked if not wanted and isinstance(e, ir.Contains)]
    blank = any(wanted and isinstance(expr, ir.Missing) for expr, wanted in asked)
    others = any(not isinstance(expr, ir.Missing) for expr, _ in asked)
    return (blank and others) or any(part in whole for whole in held for part in not_held)
