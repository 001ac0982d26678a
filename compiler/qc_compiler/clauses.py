"""Conditions and their expressions walked side by side, into quantifiers and phrases too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qc_compiler import ir
from qc_compiler.interpret import candidates, rows_of
from qc_compiler.values import Record
from qc_dsl import ast


@dataclass(frozen=True)
class Part:
    """A condition within another, its expression, and the rows that it is asked about.

    ``rows`` is the quantifier whose rows it is about; ``picked``: only of those it may pick.
    """

    condition: ast.Condition
    expr: ir.Expr
    rows: ir.Rows | None = None
    picked: bool = False

    def records(self, record: Record) -> Iterator[Record]:
        """The record once for each row that the part is asked about; once where there are none."""
        if self.rows is None:
            yield record
        elif self.picked and isinstance(self.rows, ir.Picked):
            yield from (row for row, _ in candidates(self.rows, record) or ())
        else:
            yield from rows_of(self.rows, record) or ()


def parts(condition: ast.Condition, expr: ir.Expr) -> tuple[Part, ...]:
    """What a condition is made of, in the order of `qc_dsl.ast.children`."""
    if isinstance(condition, ast.Not) and isinstance(expr, ir.Not):
        return (Part(condition.item, expr.item),)
    if isinstance(condition, (ast.And, ast.Or)) and isinstance(expr, (ir.And, ir.Or)):
        pairs = zip(condition.items, expr.items, strict=True)
        return tuple(Part(item, meant) for item, meant in pairs)
    if isinstance(condition, ast.Quantified):
        return tuple(_of_rows(condition, expr))
    return ()


def quantifier(condition: ast.Quantified, expr: ir.Expr) -> ir.Rows | None:
    """The node in which the body stands; `None` where any row will do."""
    found = [node for node in _outermost(expr) if node.where != ir.Const(True)]
    if condition.kind in ("latest", "first"):
        found = list(_outermost(expr))
    if not found:
        return None
    return found[-1] if condition.kind == "all" else found[0]


def _outermost(expr: ir.Expr) -> Iterator[ir.Rows]:
    if isinstance(expr, (ir.AtLeast, ir.Picked)):
        yield expr
        return
    for child in ir.children(expr):
        yield from _outermost(child)


def _of_rows(condition: ast.Quantified, expr: ir.Expr) -> Iterator[Part]:
    node = quantifier(condition, expr)
    if node is None:
        return
    if isinstance(node, ir.Picked):
        if condition.filter is not None:
            yield Part(condition.filter, node.where, node)
        if condition.body is not None:
            yield Part(condition.body, node.then, node, picked=True)
        return
    chosen, body = _split(condition, node.where)
    if condition.filter is not None and chosen is not None:
        yield Part(condition.filter, chosen, node)
    if condition.body is not None and body is not None:
        yield Part(condition.body, body, node)


def _split(condition: ast.Quantified, where: ir.Expr) -> tuple[ir.Expr | None, ir.Expr | None]:
    """The filter's and the body's expression within what a count is about."""
    chosen: ir.Expr | None = None
    if condition.filter is not None and isinstance(where, ir.And):
        chosen, where = where.items
    if condition.kind in ("all", "all_or_none") and isinstance(where, ir.Not):
        where = where.item
    return chosen, where


def phrases_of(conditions: Sequence[ast.Condition]) -> Iterator[str]:
    """The phrases (and questions of one's own) that conditions use themselves."""
    for condition in conditions:
        for part in ast.walk(condition):
            if isinstance(part, ast.Phrase):
                yield part.name.text
