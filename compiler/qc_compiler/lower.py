"""Syntax trees to typed expressions; every type mistake at its place.

The expression of a compound condition has the same shape as its tree, so that an explanation
can walk the two side by side. `qc_compiler.simplify` makes it small afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import re2

from qc_compiler import ir
from qc_compiler import type_errors as wrong
from qc_compiler.interpret import compile_pattern
from qc_compiler.resolve import Scope
from qc_compiler.values import FieldType, parse_moment
from qc_dsl import ast
from qc_dsl.ast import Op
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold


class Lowering:
    """Lowers conditions within one scope, collecting mistakes in ``errors``."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.errors: list[Diagnostic] = []

    def lower(self, condition: ast.Condition) -> ir.Expr:
        """The expression of a condition; a placeholder where ``errors`` has grown."""
        if isinstance(condition, ast.And):
            return ir.And(tuple(map(self.lower, condition.items)))
        if isinstance(condition, ast.Or):
            return ir.Or(tuple(map(self.lower, condition.items)))
        if isinstance(condition, ast.Not):
            return ir.Not(self.lower(condition.item))
        if isinstance(condition, ast.Phrase):
            meaning = self.scope.phrases.get(condition.name.text)
            return ir.Const(False) if meaning is None else self.lower(meaning)
        try:
            return _LOWER[condition.op](self, condition)
        except QcError as error:
            self.errors.extend(error.diagnostics)
            return ir.Const(False)

    def column(self, predicate: ast.Predicate, *types: FieldType) -> ir.Column:
        """The subject, which must have one of these types."""
        column = self.scope.column(predicate.subject)
        if types and column.type not in types:
            raise QcError(wrong.wrong_type(predicate, column.type, types))
        return column

    def beside(self, left: ir.Column, name: ast.Name, *types: FieldType) -> ir.Column:
        """The field that another one is compared with, which must have one of these types."""
        column = self.scope.column(name)
        if column.type not in types:
            raise QcError(wrong.not_comparable(left, name, column.type))
        return column

    def texts(self, predicate: ast.Predicate, column: ir.Column) -> tuple[str, ...]:
        """The folded values a textual predicate names, of a term list or one by one."""
        first = predicate.operands[0]
        if isinstance(first, ast.Name):
            return self.scope.terms[first.text].words
        found = tuple(fold(operand.text) for operand in predicate.operands)
        for operand, text in zip(predicate.operands, found, strict=True):
            if not text:
                raise QcError(wrong.empty_text(operand))
        return found

    def declared(self, predicate: ast.Predicate, column: ir.Column) -> None:
        """A category is only ever one of its declared values."""
        values = self.scope.fields[column.name].values
        for operand in predicate.operands:
            known = isinstance(operand, ast.Name) or fold(operand.text) in values
            if values and not known:
                raise QcError(wrong.undeclared_value(operand, column.name, values))

    def other(self, predicate: ast.Predicate) -> ast.Name | None:
        """The field on the right, where the predicate compares two fields."""
        first = predicate.operands[0] if predicate.operands else None
        is_field = isinstance(first, ast.Name) and first.text in self.scope.fields
        return first if is_field and isinstance(first, ast.Name) else None


_TEXTUAL = (FieldType.TEXT, FieldType.CATEGORY, FieldType.LIST)
_TEMPORAL = (FieldType.DATE, FieldType.DATETIME)


def _any_of(items: Iterable[ir.Expr]) -> ir.Expr:
    found = tuple(items)
    return found[0] if len(found) == 1 else ir.Or(found)


def _equal(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    column = low.column(predicate)
    other = low.other(predicate)
    if column.type is FieldType.NUMBER:
        if other:
            return ir.Compare(column, "=", low.beside(column, other, FieldType.NUMBER))
        return _any_of(
            ir.Compare(column, "=", _number(operand, column)) for operand in predicate.operands
        )
    if column.type.is_temporal:
        return _same_time(low, predicate, column, other)
    if other:
        return ir.SameText(column, low.beside(column, other, *_TEXTUAL))
    low.declared(predicate, column)
    return ir.Among(column, tuple(sorted(set(low.texts(predicate, column)))))


def _same_time(
    low: Lowering, predicate: ast.Predicate, column: ir.Column, other: ast.Name | None
) -> ir.Expr:
    """Neither before nor after; a day is equal to every time within it."""
    if other:
        right = low.beside(column, other, *_TEMPORAL)
        return ir.And((ir.Not(ir.Before(column, right)), ir.Not(ir.Before(right, column))))
    return _any_of(
        ir.And((ir.Not(ir.Before(column, m.lo)), ir.Not(ir.Before(m.hi, column))))
        for m in (_moment(operand) for operand in predicate.operands)
    )


def _number(operand: ast.Operand, column: ir.Column) -> float:
    if isinstance(operand, ast.Literal) and operand.kind == "number":
        return float(operand.text)
    raise QcError(wrong.not_a_number(operand, column.name))


def _moment(operand: ast.Operand) -> wrong.Moment:
    moment = parse_moment(operand.text)
    if moment is None:
        raise QcError(wrong.not_a_moment(operand))
    return moment


def _member(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    column = low.column(predicate)
    if not column.type.is_textual or low.other(predicate):
        return _equal(low, predicate)
    low.declared(predicate, column)
    return ir.Among(column, tuple(sorted(set(low.texts(predicate, column)))))


def _contains(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    column = low.column(predicate, *_TEXTUAL)
    if other := low.other(predicate):
        return ir.ContainsText(column, low.beside(column, other, *_TEXTUAL))
    items = tuple(ir.Contains(column, text) for text in low.texts(predicate, column))
    if len(items) == 1:
        return items[0]
    every = predicate.op is Op.CONTAINS_ALL or predicate.join == "all"
    return ir.And(items) if every else ir.Or(items)


def _matches(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    column = low.column(predicate, *_TEXTUAL)
    (operand,) = predicate.operands
    try:
        compile_pattern(operand.text)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise QcError(wrong.bad_pattern(operand, reason)) from None
    if bad := [ch for ch in operand.text if not ch.isspace() and fold(ch) not in (ch, "")]:
        raise QcError(wrong.unfolded_pattern(operand, bad[0], fold(bad[0])))
    return ir.Matches(column, operand.text)


def _compare(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    column = low.column(predicate, FieldType.NUMBER)
    symbol = {Op.GT: ">", Op.LT: "<", Op.GE: ">=", Op.LE: "<="}[predicate.op]
    if other := low.other(predicate):
        right = low.beside(column, other, FieldType.NUMBER)
        return ir.Compare(column, symbol, right)  # type: ignore[arg-type]
    return ir.Compare(column, symbol, _number(predicate.operands[0], column))  # type: ignore[arg-type]


def _before(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    """A day named in a sentence is before what comes after it ends, after what it begins."""
    column = low.column(predicate, *_TEMPORAL)
    earlier = predicate.op in (Op.BEFORE, Op.NOT_BEFORE)
    if other := low.other(predicate):
        bound: ir.Column | wrong.Moment = low.beside(column, other, *_TEMPORAL)
    else:
        bound = _moment(predicate.operands[0])
    right = bound if isinstance(bound, ir.Column) else bound.lo if earlier else bound.hi
    return ir.Before(column, right) if earlier else ir.Before(right, column)


def _sides(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    (other,) = predicate.operands
    assert isinstance(other, ast.Name)
    column = low.column(predicate, *_TEXTUAL)
    return ir.SidesDiffer(column, low.beside(column, other, *_TEXTUAL))


def _terms(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    other, terms = predicate.operands
    assert isinstance(other, ast.Name)
    column = low.column(predicate, *_TEXTUAL)
    beside = low.beside(column, other, *_TEXTUAL)
    return ir.TermsDiffer(column, beside, low.scope.terms[terms.text])


def _blank(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    return ir.Missing(low.column(predicate))


_Rule = Callable[[Lowering, ast.Predicate], ir.Expr]


def _negated(rule: _Rule) -> _Rule:
    return lambda low, predicate: ir.Not(rule(low, predicate))


_LOWER: dict[Op, _Rule] = {
    Op.EQ: _equal,
    Op.NE: _negated(_equal),
    Op.IN: _member,
    Op.NOT_IN: _negated(_member),
    Op.CONTAINS: _contains,
    Op.NOT_CONTAINS: _negated(_contains),
    Op.CONTAINS_ANY: _contains,
    Op.CONTAINS_ALL: _contains,
    Op.MATCHES: _matches,
    Op.IS_BLANK: _blank,
    Op.NOT_BLANK: _negated(_blank),
    Op.GT: _compare,
    Op.LT: _compare,
    Op.GE: _compare,
    Op.LE: _compare,
    Op.BEFORE: _before,
    Op.AFTER: _before,
    Op.NOT_BEFORE: _negated(_before),
    Op.NOT_AFTER: _negated(_before),
    Op.SIDES_DIFFER: _sides,
    Op.TERMS_DIFFER: _terms,
}
