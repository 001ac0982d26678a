"""Syntax trees to typed expressions; every type mistake at its place.

The expression of a compound condition has the same shape as its tree, so that an explanation
can walk the two side by side. `qc_compiler.simplify` makes it small afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

import re2

from qc_compiler import ir, lower_rows, lower_text, lower_time
from qc_compiler import type_errors as wrong
from qc_compiler.asked import Questions
from qc_compiler.bindings import Bindings
from qc_compiler.interpret import compile_pattern
from qc_compiler.lower_time import any_of
from qc_compiler.resolve import Scope
from qc_compiler.values import FieldType
from qc_dsl import ast
from qc_dsl.ast import Op
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold


class Lowering:
    """Lowers conditions within one scope, collecting mistakes in ``errors``.

    ``rows`` are the rows in sight; ``questions`` collects what the conditions ask the model.
    """

    def __init__(self, scope: Scope, lenient: bool = False) -> None:
        self.scope = scope
        self.rows = Bindings(scope, lenient)
        self.questions = Questions(scope)
        self.errors: list[Diagnostic] = []
        self.lined: set[tuple[str | None, str]] = set()  # table and name of texts read by lines

    def lower(self, condition: ast.Condition) -> ir.Expr:
        """The expression of a condition; a placeholder where ``errors`` has grown."""
        try:
            return self._lower(condition)
        except QcError as error:
            self.errors.extend(error.diagnostics)
            return ir.Const(False)

    def _lower(self, condition: ast.Condition) -> ir.Expr:
        match condition:
            case ast.And(items=items):
                return ir.And(tuple(map(self.lower, items)))
            case ast.Or(items=items):
                return ir.Or(tuple(map(self.lower, items)))
            case ast.Not(item=item):
                return ir.Not(self.lower(item))
            case ast.Phrase(name=name):
                return self._phrase(name)
            case ast.Quantified():
                return lower_rows.quantified(self, condition)
            case ast.Measured():
                return lower_rows.measured(self, condition)
            case ast.Within():
                return lower_time.within(self, condition)
            case ast.Ask():
                return lower_text.asked(self, condition)
        return _LOWER[condition.op](self, condition)

    def _phrase(self, name: ast.Name) -> ir.Expr:
        """What a phrase means here, or the question of that name."""
        if name.text in self.scope.questions:
            return lower_text.own_question(self, name)
        meaning = self.scope.phrases.get(name.text)
        return ir.Const(False) if meaning is None else self.lower(meaning)

    def column(self, predicate: ast.Predicate, *types: FieldType) -> ir.Column:
        """The subject, which must have one of these types."""
        column = self.rows.column(predicate.subject)
        if types and column.type not in types:
            raise QcError(wrong.wrong_type(predicate, column.type, types))
        return column

    def by_lines(self, column: ir.Column) -> ir.Column:
        """A column that is asked about by its lines (`qc_compiler.lines`)."""
        if column.type is FieldType.TEXT:
            self.lined.add((self.rows.table_of(column), column.name))
        return column

    def beside(self, left: ir.Column, name: ast.Name, *types: FieldType) -> ir.Column:
        """The field that another one is compared with, which must have one of these types."""
        column = self.rows.column(name)
        if column.type not in types:
            raise QcError(wrong.not_comparable(left, name, column.type))
        return column

    def texts(self, predicate: ast.Predicate, column: ir.Column) -> tuple[str, ...]:
        """The folded values a textual predicate names, of a term list or one by one."""
        first = predicate.operands[0]
        if isinstance(first, ast.Name):
            return self.scope.terms[first.text].words
        if amount := next((o for o in predicate.operands if isinstance(o, ast.Amount)), None):
            raise QcError(wrong.unwanted_unit(amount))
        found = tuple(fold(wrong.said(operand)) for operand in predicate.operands)
        for operand, text in zip(predicate.operands, found, strict=True):
            if not text:
                raise QcError(wrong.empty_text(operand))
        return found

    def declared(self, predicate: ast.Predicate, column: ir.Column) -> None:
        """A category is only ever one of its declared values."""
        values = self.rows.field(column).values
        for operand in predicate.operands:
            known = isinstance(operand, ast.Name) or fold(wrong.said(operand)) in values
            if values and not known:
                raise QcError(wrong.undeclared_value(operand, column.name, values))

    def other(self, predicate: ast.Predicate) -> ast.Name | None:
        """The field on the right, where the predicate compares two fields."""
        first = predicate.operands[0] if predicate.operands else None
        is_field = isinstance(first, ast.Name) and first.text not in self.scope.terms
        return first if is_field and isinstance(first, ast.Name) else None


_TEXTUAL = (FieldType.TEXT, FieldType.CATEGORY, FieldType.LIST)
_MOST_WORDS = 100  # of a list that 包含 tests one by one


def _equal(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    column = low.column(predicate)
    other = low.other(predicate)
    if column.type is FieldType.NUMBER:
        if other:
            return ir.Compare(column, "=", low.beside(column, other, FieldType.NUMBER))
        return any_of(
            ir.Compare(column, "=", _number(operand, column)) for operand in predicate.operands
        )
    if column.type.is_temporal:
        return lower_time.same_time(low, predicate, column, other)
    if column.type is FieldType.DURATION:
        return any_of(lower_time.lasts(low, predicate, column, "=", o) for o in predicate.operands)
    if other:
        return ir.SameText(column, low.beside(column, other, *_TEXTUAL))
    low.declared(predicate, column)
    return ir.Among(column, tuple(sorted(set(low.texts(predicate, column)))))


def _number(operand: ast.Operand, column: ir.Column) -> float:
    if isinstance(operand, ast.Literal) and operand.kind == "number":
        return float(operand.text)
    if isinstance(operand, ast.Amount):
        raise QcError(wrong.unwanted_unit(operand))
    raise QcError(wrong.not_a_number(operand, column.name))


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
    texts = low.texts(predicate, column)
    first = predicate.operands[0]
    if len(texts) > _MOST_WORDS and isinstance(first, ast.Name) and not _wants_all(predicate):
        return ir.Matches(column, low.scope.terms[first.text].pattern)
    items = tuple(ir.Contains(column, text) for text in texts)
    if len(items) == 1:
        return items[0]
    return ir.And(items) if _wants_all(predicate) else ir.Or(items)


def _wants_all(predicate: ast.Predicate) -> bool:
    return predicate.op is Op.CONTAINS_ALL or predicate.join == "all"


def _matches(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    column = low.column(predicate, *_TEXTUAL)
    (operand,) = predicate.operands
    try:
        compile_pattern(pattern := wrong.said(operand))
    except re2.error as error:
        raise QcError(wrong.bad_pattern(operand, wrong.said_by_re2(error))) from None
    if bad := [ch for ch in pattern if not ch.isspace() and fold(ch) not in (ch, "")]:
        raise QcError(wrong.unfolded_pattern(operand, bad[0], fold(bad[0])))
    return ir.Matches(column, pattern)


def _compare(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    symbol, operand = lower_time.COMPARISONS[predicate.op], predicate.operands[0]
    if low.column(predicate).type is FieldType.DURATION:
        return lower_time.lasts(low, predicate, low.column(predicate), symbol, operand)
    column = low.column(predicate, FieldType.NUMBER)
    if other := low.other(predicate):
        return ir.Compare(column, symbol, low.beside(column, other, FieldType.NUMBER))
    return ir.Compare(column, symbol, _number(operand, column))


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
    return ir.TermsDiffer(column, beside, low.scope.terms[wrong.said(terms)])


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
    Op.BEFORE: lower_time.before,
    Op.AFTER: lower_time.before,
    Op.NOT_BEFORE: _negated(lower_time.before),
    Op.NOT_AFTER: _negated(lower_time.before),
    Op.SIDES_DIFFER: _sides,
    Op.TERMS_DIFFER: _terms,
    Op.SAME_DAY: lower_time.same_day,
    Op.MENTIONS: lower_text.mentions,
    Op.NOT_MENTIONS: _negated(lower_text.mentions),
    Op.LITERAL_MENTIONS: lower_text.literally_mentions,
    Op.NOT_LITERAL_MENTIONS: _negated(lower_text.literally_mentions),
}
