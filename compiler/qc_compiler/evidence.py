"""What made a condition true or false, what it lacks where unknown, how its rows came out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qc_compiler import ir
from qc_compiler.cited import Display as Display
from qc_compiler.cited import cited, name_of, written
from qc_compiler.found import Quote as Quote
from qc_compiler.interpret import bind, candidates, evaluate, rows_of
from qc_compiler.overlap import outermost
from qc_compiler.values import ROW, Record, RowsOf
from qc_compiler.windows import bounds_in, searched, searched_in
from qc_dsl import ast

_MOST_ROWS = 3  # of those that decide: how many are named and quoted


@dataclass(frozen=True)
class RowCount:
    """How many of a table's rows meet a quantifier's condition, fail it, or are unknown.

    ``deciding`` are the numbers of the rows that decide, at most a few: those that meet it,
    where such are looked for; those that fail it, where all must meet it. ``more`` such rows
    are not among them.
    """

    table: str
    total: int
    true: int
    unknown: int
    deciding: tuple[int, ...] = ()
    more: int = 0


def quotes(expr: ir.Expr, record: Record, display: Display) -> Iterator[Quote]:
    """What of the record made an expression true or false; nothing where it is unknown.

    Only the parts that decide count: all of a true 且, those that are false of a false one.
    """
    truth = evaluate(expr, record)
    if truth is None:
        return
    if parts := [] if isinstance(expr, (ir.AtLeast, ir.Picked)) else ir.children(expr):
        wanted = not truth if isinstance(expr, ir.Not) else truth
        deciding = [part for part in parts if evaluate(part, record) is wanted]
        if truth and isinstance(expr, ir.Or):
            deciding = outermost(deciding, record)
        for part in deciding:
            yield from quotes(part, record, display)
    elif isinstance(expr, (ir.AtLeast, ir.Picked)):
        yield from _in_rows(expr, truth, record, display)
    else:
        yield from cited(expr, truth, record, display)


def _in_rows(expr: ir.Rows, truth: bool, record: Record, display: Display) -> Iterator[Quote]:
    """What the rows that decide say; where they are too few, what was gone through."""
    rows = list(rows_of(expr, record) or ())
    if isinstance(expr, ir.AtLeast):
        part, deciding = expr.where, [row for row in rows if evaluate(expr.where, row)]
        looked = not truth
    else:
        part, deciding = expr.then, [row for row, _ in candidates(expr, record) or ()]
        looked = not deciding
    if looked:
        yield from _looked(expr, rows, record, display)
    for row in deciding[:_MOST_ROWS]:
        shown = _shown_row(expr, row, display)
        if isinstance(expr, ir.Picked):
            yield Quote(name_of(expr.time), written(expr.time, shown))
        yield from quotes(part, row, shown)


def _looked(expr: ir.Rows, rows: list[Record], record: Record, display: Display) -> Iterator[Quote]:
    """The rows gone through, held against the window that bounds them if there is one."""
    truths = [evaluate(expr.where, row) for row in rows]
    bounds = bounds_in(expr.where, expr.row, record)
    if bounds is None:
        yield Quote(expr.table, "", None, searched(rows, truths))
        return
    for anchor in bounds.anchors():
        yield Quote(name_of(anchor), written(anchor, display))
    times = [written(bounds.column, _shown_row(expr, row, display)) for row in rows]
    found = searched_in(bounds, rows, truths, times)
    yield Quote(name_of(bounds.column), "", bounds.window(record), found)


def _shown_row(expr: ir.Rows, row: Record, display: Display) -> Display:
    """The display with the texts of the row that a quantifier is at."""
    rows, number = display.get(RowsOf(expr.table), ()), row[f"{expr.row}.{ROW}"]
    at = next((n for n, r in enumerate(row[RowsOf(expr.table)]) if r.get(ROW, n) == number), -1)
    return bind(display, expr.row, rows[at]) if 0 <= at < len(rows) else display


def missing(expr: ir.Expr, record: Record) -> tuple[str, ...]:
    """The fields without which an unknown expression is unknown; tables not extracted."""
    if ir.is_flat(expr):
        found = {c.key for c in ir.columns(expr) if record[c.key] is None}
        return tuple(sorted(found))
    return tuple(dict.fromkeys(_missing(expr, record)))


def _missing(expr: ir.Expr, record: Record) -> Iterator[str]:
    if evaluate(expr, record) is not None:
        return
    if not isinstance(expr, (ir.AtLeast, ir.Picked)):
        for part in ir.children(expr):
            yield from _missing(part, record)
        if not ir.children(expr):
            yield from sorted(c.key for c in ir.columns(expr) if record[c.key] is None)
        return
    rows = rows_of(expr, record)
    if rows is None:
        yield expr.table
        return
    for row in rows:
        names = [name for part in ir.children(expr) for name in _missing(part, row)]
        yield from (_by_table(name, expr) for name in names)


def _by_table(name: str, expr: ir.Rows) -> str:
    """A column of the second row of a table, ``病程#2.内容``, as people know it."""
    variable, dot, column = name.partition(".")
    return f"{expr.table}.{column}" if dot and variable == expr.row else name


def count_rows(condition: ast.Condition, expr: ir.Expr, record: Record) -> RowCount | None:
    """How the rows of a quantifier came out; `None` for anything else."""
    counted = isinstance(condition, ast.Quantified) or (
        isinstance(condition, ast.Measured) and condition.what == "rows"
    )
    nodes = list(_outermost(expr))
    if not counted or not nodes:
        return None
    node = next((part for part in nodes if part.where != ir.Const(True)), nodes[0])
    if isinstance(node, ir.Picked):
        return _picked(node, record)
    rows = rows_of(node, record)
    if rows is None:
        return None
    fails = isinstance(condition, ast.Quantified) and condition.kind in ("all", "all_or_none")
    return _count(node, list(rows), fails)


def _outermost(expr: ir.Expr) -> Iterator[ir.Rows]:
    if isinstance(expr, (ir.AtLeast, ir.Picked)):
        yield expr
        return
    for part in ir.children(expr):
        yield from _outermost(part)


def _count(node: ir.AtLeast, rows: list[Record], fails: bool) -> RowCount:
    """``fails``: what the node counts are rows that do not meet the condition."""
    truths = [evaluate(node.where, row) for row in rows]
    deciding = [row for row, truth in zip(rows, truths, strict=True) if truth]
    return RowCount(
        node.table,
        len(rows),
        truths.count(not fails),
        truths.count(None),
        tuple(row[f"{node.row}.{ROW}"] for row in deciding[:_MOST_ROWS]),
        max(0, len(deciding) - _MOST_ROWS),
    )


def _picked(node: ir.Picked, record: Record) -> RowCount | None:
    """Among the rows that may be the one picked."""
    rows, found = rows_of(node, record), candidates(node, record)
    if rows is None or found is None:
        return None
    truths = [evaluate(node.then, row) for row, _ in found]
    numbers = tuple(row[f"{node.row}.{ROW}"] for row, _ in found[:_MOST_ROWS])
    more = max(0, len(found) - _MOST_ROWS)
    true, unknown = truths.count(True), truths.count(None)
    return RowCount(node.table, len(list(rows)), true, unknown, numbers, more)
