"""Expressions of the IR as DuckDB SQL.

`qc_compiler.interpret` is the definition. NULL is unknown throughout: SQL's three-valued logic is
Kleene's for scalars. Built as a tree with sqlglot, so that no text is ever spliced into SQL; a
tree goes into a larger one as it is (``copy=False``), and into a second place as a copy.

Table convention (`qc_runtime.records` makes it): a text column holds folded text; a list is
one text in which U+001F precedes every item and ends the last; a time is the two columns
``<field>.lo`` and ``<field>.hi``; a duration is a DOUBLE of seconds; missing is NULL. The rows of
each related table stand in a table of its name, with the number of their case (``#case``) and
their own (``#row``); `qc_compiler.sql_rows` goes through them. A text of more than one line that
predicates ask about by its lines has a second column, ``<field>#lines`` (`qc_compiler.lines`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp

from qc_compiler import ir, sql_rows, sql_time
from qc_compiler.lines import LINES
from qc_compiler.negation import STEPS
from qc_compiler.sides import LEFT, RIGHT
from qc_compiler.sql_time import COMPARE, Sql, bounds
from qc_compiler.sql_time import call as _call
from qc_compiler.sql_time import name as _name
from qc_compiler.terms import Terms
from qc_compiler.values import ITEM_MARK, FieldType

__all__ = ["Sql", "bounds", "either", "expression", "is_null"]


def _text(value: str) -> Sql:
    return exp.Literal.string(value)


def _column(column: ir.Column) -> Sql:
    return _name(column.name, column.row)


def either(items: Iterable[Sql]) -> Sql:
    return exp.or_(*items, copy=False)


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
    return COMPARE[expr.op](this=_column(expr.column), expression=value)


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
    a, b = (_mentioned(_column(side), expr.terms) for side in (expr.column, expr.other))
    none = exp.Literal.number(0)
    differ = exp.and_(
        exp.GT(this=_call("len", a), expression=none),
        exp.GT(this=_call("len", b), expression=none),
        exp.not_(_call("list_has_any", a, b)),
    )
    missing = either([is_null(expr.column), is_null(expr.other)])
    return exp.Case().when(exp.not_(missing), differ)


def _mentioned(text: Sql, terms: Terms) -> Sql:
    """The words of the list that a text mentions, as an array, synonyms replaced."""
    found = _call("regexp_extract_all", text, _text(terms.pattern))
    if not terms.synonyms:
        return found
    word = exp.column("word")
    main = exp.Case()
    for synonym, meant in terms.synonyms:
        main.when(exp.EQ(this=word.copy(), expression=_text(synonym)), _text(meant), copy=False)
    each = exp.Lambda(this=main.else_(word, copy=False), expressions=[exp.to_identifier("word")])
    return _call("list_transform", found, each)


def _main_words(text: Sql, terms: Terms) -> Sql:
    """The same as `_mentioned`, by position in one array: quicker for lists of hundreds."""
    found = _call("regexp_extract_all", text, _text(terms.pattern))
    if not terms.synonyms:
        return found
    first = dict(reversed(terms.synonyms))
    spelt, main = (exp.Array(expressions=[*map(_text, side)]) for side in (first, first.values()))
    word = exp.column("word")
    place = exp.Bracket(this=main, expressions=[_call("list_position", spelt, word)], offset=1)
    each = exp.func("coalesce", place, word.copy())
    return _call("list_transform", found, exp.Lambda(this=each, expressions=[word.this.copy()]))


def _read(column: ir.Column, lines: bool) -> Sql:
    """A text, by its lines where that is asked for and it has more than one."""
    if not lines or column.type is not FieldType.TEXT:
        return _column(column)
    return exp.func("coalesce", _name(column.name + LINES, column.row), _column(column))


def _affirmed(text: Sql) -> Sql:
    """The text without what it denies; a list's items stay apart, for none is denied past it."""
    for pattern, put in STEPS:
        text = _call("regexp_replace", text, _text(pattern), _text(put), _text("g"))
    return text


def _affirms(expr: ir.Affirms) -> Sql:
    def matches(text: Sql) -> Sql:
        return _call("regexp_matches", text, _text(expr.terms.pattern))

    text = _read(expr.column, expr.lines)
    return _guarded(matches(text), matches(_affirmed(text.copy())))


def _affirms_terms_of(expr: ir.AffirmsTermsOf) -> Sql:
    text, other = _read(expr.column, expr.lines), expr.other
    if expr.terms is not None:
        found = _affirm_the_same(text, _read(other, expr.lines), expr.terms)
        return _known(_known(found, expr.column), other)  # one false guard may hide the other
    sure = _affirmed(text.copy())
    if other.type is not FieldType.LIST:
        raw, sure = (_call("contains", t, _column(other)) for t in (text, sure))
        return _guarded(raw, sure)
    return _known(_any_item(other, lambda item: _call("contains", sure, item)), expr.column)


def _affirm_the_same(left: Sql, right: Sql, terms: Terms) -> Sql:
    """Where no word of one group may hide one of another, the groups found are all there are."""

    def shared(a: Sql, b: Sql) -> Sql:
        return _call("list_has_any", _main_words(a, terms), _main_words(b, terms))

    def any_word(text: Sql) -> Sql:
        return _call("regexp_matches", text, _text(terms.pattern))

    sure = shared(_affirmed(left.copy()), _affirmed(right.copy()))
    if terms.may_hide:
        return _guarded(exp.and_(any_word(left), any_word(right)), sure)
    return _guarded(shared(left, right), sure)


def _guarded(raw: Sql, sure: Sql) -> Sql:
    """Look for what is denied only where the words are there at all (`qc_compiler.negation`)."""
    return exp.Case().when(exp.not_(raw), exp.false()).else_(sure)


def _long(expr: ir.Long) -> Sql:
    return _counted(expr.op, _call("length", _column(expr.column)), expr.right)


def _item_count(expr: ir.Items) -> Sql:
    return _counted(expr.op, _call("len", _items(expr.column)), expr.right)


def _lasts(expr: ir.Lasts) -> Sql:
    return _counted(expr.op, _column(expr.column), expr.seconds)


def _counted(op: ir.Comparison, count: Sql, right: float) -> Sql:
    return COMPARE[op](this=count, expression=exp.cast(_text(repr(float(right))), "DOUBLE"))


def _unknown(expr: ir.Expr) -> Sql:
    return exp.cast(exp.null(), "BOOLEAN")


_LEAVES: dict[type, Callable[[Any], Sql]] = {
    ir.Missing: lambda e: is_null(e.column),
    ir.Among: _among,
    ir.Contains: _contains,
    ir.Matches: _matches,
    ir.SameText: _same_text,
    ir.ContainsText: _contains_text,
    ir.Compare: _compare,
    ir.Before: sql_time.before,
    ir.SidesDiffer: _sides_differ,
    ir.TermsDiffer: _terms_differ,
    ir.Affirms: _affirms,
    ir.AffirmsTermsOf: _affirms_terms_of,
    ir.Long: _long,
    ir.Items: _item_count,
    ir.Lasts: _lasts,
    ir.Gap: sql_time.gap,
    ir.WithinWindow: sql_time.within,
    ir.SameDay: sql_time.same_day,
    ir.Unknown: _unknown,
    ir.Ask: _unknown,
}


def expression(expr: ir.Expr) -> Sql:
    """A three-valued SQL expression for an expression of the IR."""
    if isinstance(expr, ir.Const):
        return exp.true() if expr.value else exp.false()
    if isinstance(expr, ir.Not):
        return exp.not_(expression(expr.item), copy=False)
    if isinstance(expr, ir.And):
        return exp.and_(*map(expression, expr.items), copy=False)
    if isinstance(expr, ir.Or):
        return either(map(expression, expr.items))
    if isinstance(expr, ir.AtLeast):
        return sql_rows.at_least(expr, expression)
    if isinstance(expr, ir.Picked):
        return sql_rows.picked(expr, expression)
    return _LEAVES[type(expr)](expr)
