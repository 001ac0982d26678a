"""Rewrites that leave the meaning alone: an expression and its simplest form agree always."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from qc_compiler import ir
from qc_compiler.ir import Among, And, Const, Expr, Not, Or


def simplify(expr: Expr) -> Expr:
    """Apply every rule, innermost first."""
    if isinstance(expr, Not):
        return _negate(simplify(expr.item))
    if isinstance(expr, ir.AtLeast):
        return replace(expr, where=simplify(expr.where))
    if isinstance(expr, ir.Picked):
        return replace(expr, where=simplify(expr.where), then=simplify(expr.then))
    if not isinstance(expr, (And, Or)):
        return expr
    kind = type(expr)
    items = _unique(_flatten(kind, tuple(map(simplify, expr.items))))
    for rule in _RULES:
        items = rule(kind, items)
    if not items:
        return Const(kind is And)
    return items[0] if len(items) == 1 else kind(items)


def without_tables(expr: Expr, absent: Collection[str]) -> Expr:
    """The expression for cases of which these tables were not extracted: unknown about them."""
    if isinstance(expr, (ir.AtLeast, ir.Picked)) and expr.table in absent:
        return ir.Unknown()
    if isinstance(expr, Not):
        return Not(without_tables(expr.item, absent))
    if isinstance(expr, (And, Or)):
        return type(expr)(tuple(without_tables(item, absent) for item in expr.items))
    if isinstance(expr, ir.AtLeast):
        return replace(expr, where=without_tables(expr.where, absent))
    if isinstance(expr, ir.Picked):
        where, then = without_tables(expr.where, absent), without_tables(expr.then, absent)
        return replace(expr, where=where, then=then)
    return expr


def _negate(item: Expr) -> Expr:
    if isinstance(item, Const):
        return Const(not item.value)
    return item.item if isinstance(item, Not) else Not(item)


def _flatten(kind: type[And | Or], items: tuple[Expr, ...]) -> tuple[Expr, ...]:
    out: list[Expr] = []
    for item in items:
        out.extend(item.items if isinstance(item, (And, Or)) and type(item) is kind else (item,))
    return tuple(out)


def _unique(items: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return tuple(dict.fromkeys(items))


def _drop_constants(kind: type[And | Or], items: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """True in an And and false in an Or say nothing; the other way round they say it all."""
    neutral = kind is And
    if Const(not neutral) in items:
        return (Const(not neutral),)
    return tuple(item for item in items if item != Const(neutral))


def _merge_values(kind: type[And | Or], items: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """为 “甲” 或 为 “乙” is membership in both lists together, for one column."""
    if kind is And:
        return items
    values: dict[ir.Column, set[str]] = {}
    for item in items:
        if isinstance(item, Among):
            values.setdefault(item.column, set()).update(item.values)
    merged = (
        Among(item.column, tuple(sorted(values[item.column]))) if isinstance(item, Among) else item
        for item in items
    )
    return _unique(tuple(merged))


_Rule = Callable[[type[And | Or], tuple[Expr, ...]], tuple[Expr, ...]]
_RULES: tuple[_Rule, ...] = (_drop_constants, _merge_values)
