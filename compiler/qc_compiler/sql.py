"""Expressions of the IR as DuckDB SQL.

`qc_compiler.interpret` is the definition. NULL is unknown throughout: SQL's three-valued logic is
Kleene's for scalars. Built as a tree with sqlglot, so that no text is ever spliced into SQL.

Table convention (`qc_runtime.records` makes it): a text column holds folded text; a list is
one text in which U+001F precedes every item and ends the last; a time is the two columns
``<field>.lo`` and ``<field>.hi``; missing is NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlglot import exp

from qc_compiler import ir
from qc_compiler.interpret import are_calendar_days
from qc_compiler.sides import LEFT, RIGHT
from qc_compiler.terms import Terms
from qc_compiler.values import ITEM_MARK, FieldType

Sql = exp.Expr

_COMPARE: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}


def _call(name: str, *args: exp.Expr) -> Sql:
    return exp.Anonymous(this=name, expressions=list(args))


def _text(value: str) -> Sql:
    return exp.Literal.string(value)


def _name(name: str) -> Sql:
    return exp.column(exp.to_identifier(name, quoted=True))


def _column(column: ir.Column) -> Sql:
    return _name(column.name)


def bounds(side: ir.Column | datetime) -> tuple[Sql, Sql]:
    """The first and last instant of one side of a comparison of times."""
    if isinstance(side, datetime):
        instant = exp.cast(_text(side.isoformat(sep=" ")), "TIMESTAMP")
        return instant, instant
    return _name(f"{side.name}.lo"), _name(f"{side.name}.hi")


def either(items: Iterable[Sql]) -> Sql:
    return exp.or_(*items)


def is_null(column: ir.Column) -> Sql:
    name = bounds(column)[0] if column.type.is_temporal else _column(column)
    return exp.Is(this=name, expression=exp.null())


def _items(column: ir.Column) -> Sql:
    """The items of a list column, or a text as the only one, as an array."""
    trimmed = _call("trim", _column(column), _text(ITEM_MARK))
    return _call("string_split", trimmed, _text(ITEM_MARK))


def _marked(value: Sql) -> Sql:
    mark = _text(ITEM_MARK)
    return exp.DPipe(this=exp.DPipe(this=mark, expression=value), expression=mark.copy())


def _any_item(column: ir.Column, test: Callable[[Sql], Sql]) -> Sql:
    """Whether a test holds for some item, by a lambda over the array of items."""
    each = exp.Lambda(this=test(exp.column("item")), expressions=[exp.to_identifier("item")])
    found = _call("list_filter", _items(column), each)
    return exp.GT(this=_call("len", found), expression=exp.Literal.number(0))


def _among(expr: ir.Among) -> Sql:
    if expr.column.type is FieldType.LIST:
        whole = (f"{ITEM_MARK}{value}{ITEM_MARK}" for value in expr.values)
        return either(_call("contains", _column(expr.column), _text(v)) for v in whole)
    return exp.In(this=_column(expr.column), expressions=[_text(v) for v in expr.values])


def _contains(expr: ir.Contains) -> Sql:
    return _call("contains", _column(expr.column), _text(expr.text))


def _matches(expr: ir.Matches) -> Sql:
    pattern = _text(expr.pattern)
    if expr.column.type is FieldType.LIST:
        return _any_item(expr.column, lambda item: _call("regexp_matches", item, pattern))
    return _call("regexp_matches", _column(expr.column), pattern)


def _same_text(expr: ir.SameText) -> Sql:
    left, right = expr.column, expr.other
    if FieldType.LIST not in (left.type, right.type):
        return exp.EQ(this=_column(left), expression=_column(right))
    if right.type is not FieldType.LIST:
        return _call("contains", _column(left), _marked(_column(right)))
    return _call("list_has_any", _items(left), _items(right))


def _contains_text(expr: ir.ContainsText) -> Sql:
    left, right = _column(expr.column), expr.other
    if right.type is not FieldType.LIST:
        return _call("contains", left, _column(right))
    found = _any_item(right, lambda item: _call("contains", left, item))
    return _known(found, expr.column)


def _known(test: Sql, column: ir.Column) -> Sql:
    """A test whose lambda would read a missing column as “no item” instead of unknown."""
    missing = exp.Is(this=_column(column), expression=exp.null())
    return exp.Case().when(missing, exp.null()).else_(test)


def _compare(expr: ir.Compare) -> Sql:
    right = expr.right
    value = (
        _column(right) if isinstance(right, ir.Column) else exp.cast(_text(repr(right)), "DOUBLE")
    )
    return _COMPARE[expr.op](this=_column(expr.column), expression=value)


def _before(expr: ir.Before) -> Sql:
    (left_lo, left_hi), (right_lo, right_hi) = bounds(expr.left), bounds(expr.right)
    if are_calendar_days(expr):
        return exp.LT(this=left_lo, expression=right_lo)
    return (
        exp.Case()
        .when(exp.LT(this=left_hi, expression=right_lo), exp.true())
        .when(exp.GTE(this=left_lo, expression=right_hi), exp.false())
    )


def _sides_differ(expr: ir.SidesDiffer) -> Sql:
    def has(column: ir.Column, pattern: str) -> Sql:
        return _call("regexp_matches", _column(column), _text(pattern))

    a, b = expr.column, expr.other
    named = exp.and_(exp.or_(has(a, LEFT), has(a, RIGHT)), exp.or_(has(b, LEFT), has(b, RIGHT)))
    differ = exp.or_(
        exp.NEQ(this=has(a, LEFT), expression=has(b, LEFT)),
        exp.NEQ(this=has(a, RIGHT), expression=has(b, RIGHT)),
    )
    both = either([is_null(a), is_null(b)])
    return exp.Case().when(exp.not_(both), exp.and_(named, differ))


def _terms_differ(expr: ir.TermsDiffer) -> Sql:
    a, b = _mentioned(expr.column, expr.terms), _mentioned(expr.other, expr.terms)
    none = exp.Literal.number(0)
    differ = exp.and_(
        exp.GT(this=_call("len", a), expression=none),
        exp.GT(this=_call("len", b), expression=none),
        exp.not_(_call("list_has_any", a, b)),
    )
    missing = either([is_null(expr.column), is_null(expr.other)])
    return exp.Case().when(exp.not_(missing), differ)


def _mentioned(column: ir.Column, terms: Terms) -> Sql:
    """The words of the list that a text mentions, as an array, synonyms replaced."""
    found = _call("regexp_extract_all", _column(column), _text(terms.pattern))
    if not terms.synonyms:
        return found
    word = exp.column("word")
    main = exp.Case()
    for synonym, meant in terms.synonyms:
        main = main.when(exp.EQ(this=word, expression=_text(synonym)), _text(meant))
    each = exp.Lambda(this=main.else_(word), expressions=[exp.to_identifier("word")])
    return _call("list_transform", found, each)


_LEAVES: dict[type, Callable[[Any], Sql]] = {
    ir.Missing: lambda e: is_null(e.column),
    ir.Among: _among,
    ir.Contains: _contains,
    ir.Matches: _matches,
    ir.SameText: _same_text,
    ir.ContainsText: _contains_text,
    ir.Compare: _compare,
    ir.Before: _before,
    ir.SidesDiffer: _sides_differ,
    ir.TermsDiffer: _terms_differ,
}


def expression(expr: ir.Expr) -> Sql:
    """A three-valued SQL expression for an expression of the IR."""
    if isinstance(expr, ir.Const):
        return exp.true() if expr.value else exp.false()
    if isinstance(expr, ir.Not):
        return exp.not_(expression(expr.item))
    if isinstance(expr, ir.And):
        return exp.and_(*map(expression, expr.items))
    if isinstance(expr, ir.Or):
        return exp.or_(*map(expression, expr.items))
    return _LEAVES[type(expr)](expr)
