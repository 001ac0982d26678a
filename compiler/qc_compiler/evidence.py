"""What made a condition true, what it lacks where it is unknown, and how its rows came out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qc_compiler import ir
from qc_compiler.interpret import bind, candidates, compile_pattern, evaluate, items, rows_of
from qc_compiler.negation import affirmed
from qc_compiler.quote import find_quote
from qc_compiler.terms import Terms
from qc_compiler.values import ITEM_MARK, ROW, Record, RowsOf
from qc_dsl import ast

Display = Mapping[Any, Any]  # like a record: under a column's key its text as written, or None
_PLAIN = re.compile(r"#\d+(?=\.)")  # how a table's second row variable differs from its name
_MOST_ROWS = 3  # of those that decide: how many are named and quoted


@dataclass(frozen=True)
class Quote:
    """A verbatim piece of a field's text."""

    field: str
    text: str


@dataclass(frozen=True)
class RowCount:
    """How many of a table's rows meet a quantifier's condition, fail it, or are unknown.

    ``deciding`` are the numbers of the rows that decide, at most a few: those that meet it,
    where such are looked for; those that fail it, where all must meet it.
    """

    table: str
    total: int
    true: int
    unknown: int
    deciding: tuple[int, ...] = ()


def quotes(expr: ir.Expr, record: Record, display: Display) -> Iterator[Quote]:
    """The pieces of text that a true predicate found; none for what it did not find."""
    if isinstance(expr, (ir.And, ir.Or)):
        for part in expr.items:
            if evaluate(part, record):
                yield from quotes(part, record, display)
    elif isinstance(expr, (ir.AtLeast, ir.Picked)):
        yield from _in_rows(expr, record, display)
    elif isinstance(expr, ir.Contains):
        yield _quote(expr.column, expr.text, display)
    elif isinstance(expr, ir.Matches):
        yield from _matched(expr.column, expr.pattern, items(record[expr.column.key]), display)
    elif isinstance(expr, ir.Among):
        said = (text for text in items(record[expr.column.key]) if text in expr.values)
        yield from (_quote(expr.column, text, display) for text in said)
    elif isinstance(expr, ir.Affirms):
        affirms = map(affirmed, items(record[expr.column.key]))
        yield from _matched(expr.column, expr.terms.pattern, affirms, display)
    elif isinstance(expr, ir.AffirmsTermsOf):
        yield from _terms_of(expr, record, display)


def _in_rows(expr: ir.Rows, record: Record, display: Display) -> Iterator[Quote]:
    """What the rows that decide say."""
    if isinstance(expr, ir.AtLeast):
        part, rows = expr.where, _true_rows(expr, record)
    else:
        part, rows = expr.then, [row for row, _ in candidates(expr, record) or ()]
    for row in rows[:_MOST_ROWS]:
        yield from quotes(part, row, _shown_row(expr, row, display))


def _quote(column: ir.Column, text: str, display: Display) -> Quote:
    return Quote(_PLAIN.sub("", column.key), find_quote(display.get(column.key) or "", text))


def _matched(column: ir.Column, pattern: str, texts: Any, display: Display) -> Iterator[Quote]:
    """The first match in each text."""
    for text in texts:
        found = compile_pattern(pattern).search(text)
        if found and found.group():
            yield _quote(column, found.group(), display)


def _terms_of(expr: ir.AffirmsTermsOf, record: Record, display: Display) -> Iterator[Quote]:
    """The words in the one text that stand for what the other one affirms."""
    other = items(record[expr.other.key])
    if expr.terms is None:
        said = list(map(affirmed, items(record[expr.column.key])))
        yield from (_quote(expr.column, w, display) for w in other if any(w in s for s in said))
        return
    meant = expr.terms.mentioned(affirmed(ITEM_MARK.join(other)))
    groups = tuple(group for group in expr.terms.groups if group[0] in meant)
    said = list(map(affirmed, items(record[expr.column.key])))
    yield from _matched(expr.column, Terms(groups).pattern, said, display)


def _true_rows(expr: ir.AtLeast, record: Record) -> list[Record]:
    return [row for row in rows_of(expr, record) or () if evaluate(expr.where, row)]


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
    )


def _picked(node: ir.Picked, record: Record) -> RowCount | None:
    """Among the rows that may be the one picked."""
    rows, found = rows_of(node, record), candidates(node, record)
    if rows is None or found is None:
        return None
    truths = [evaluate(node.then, row) for row, _ in found]
    numbers = tuple(row[f"{node.row}.{ROW}"] for row, _ in found[:_MOST_ROWS])
    return RowCount(node.table, len(list(rows)), truths.count(True), truths.count(None), numbers)
