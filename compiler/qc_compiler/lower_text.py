"""What a text mentions, and what only a reader can tell, lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qc_compiler import ir
from qc_compiler import type_errors as wrong
from qc_compiler.terms import Terms
from qc_compiler.values import FieldType
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.source import Span

if TYPE_CHECKING:
    from qc_compiler.lower import Lowering

_TEXTUAL = (FieldType.TEXT, FieldType.CATEGORY, FieldType.LIST)


def literally_mentions(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    """Some word, or every word joined by 和, stands in the text where nothing denies it."""
    return _mentions(low, predicate, ask=False)


def mentions(low: Lowering, predicate: ast.Predicate) -> ir.Expr:
    """The same; where the words are not there, what the model says."""
    return _mentions(low, predicate, ask=True)


def _mentions(low: Lowering, predicate: ast.Predicate, ask: bool) -> ir.Expr:
    column = low.column(predicate, *_TEXTUAL)
    if other := low.other(predicate):
        return _mentions_field(low, predicate, column, other, ask)
    if isinstance(first := predicate.operands[0], ast.Name):
        sure: ir.Expr = ir.Affirms(low.by_lines(column), low.scope.terms[first.text], lines=True)
        return _or_ask(low, sure, predicate, column, (first.text,)) if ask else sure
    words = low.texts(predicate, column)
    if predicate.join == "all" and len(words) > 1:
        parts = (_word(low, predicate, column, (word,), ask) for word in words)
        return ir.And(tuple(parts))
    return _word(low, predicate, column, words, ask)


def _word(
    low: Lowering,
    predicate: ast.Predicate,
    column: ir.Column,
    words: tuple[str, ...],
    ask: bool,
) -> ir.Expr:
    terms = Terms(tuple(sorted({(word,) for word in words})))
    sure = ir.Affirms(low.by_lines(column), terms, lines=True)
    return _or_ask(low, sure, predicate, column, words) if ask else sure


def _or_ask(
    low: Lowering,
    sure: ir.Expr,
    predicate: ast.Predicate,
    column: ir.Column,
    words: tuple[str, ...],
) -> ir.Expr:
    asked = low.questions.mentions(low.rows, predicate.subject, column, words)
    return ir.Or((sure, asked))


def _mentions_field(
    low: Lowering, predicate: ast.Predicate, column: ir.Column, name: ast.Name, ask: bool
) -> ir.Expr:
    other = low.beside(column, name, *_TEXTUAL)
    named = predicate.operands[1:]
    terms = low.scope.terms[wrong.said(named[0])] if named else None
    sure = ir.AffirmsTermsOf(low.by_lines(column), low.by_lines(other), terms, lines=True)
    if not ask:
        return sure
    asked = low.questions.mentions_field(low.rows, (predicate.subject, name), (column, other))
    return ir.Or((sure, asked))


def asked(low: Lowering, condition: ast.Ask) -> ir.Expr:
    """A semantic predicate of the language's own."""
    names = condition.fields or tuple(
        ast.Name(name, span=condition.span) for name in _texts_of_case(low)
    )
    if not names:
        raise QcError(_nothing_to_show(condition.span))
    columns = tuple(low.rows.column(name) for name in names)
    text = fold(condition.text.text) if condition.text else ""
    if condition.text is not None and not text:
        raise QcError(wrong.empty_text(condition.text))
    shown = condition.text.text.strip() if condition.text else ""
    found = low.questions.built_in(low.rows, condition.kind, names, columns, shown)
    return ir.Not(found) if condition.negated else found


def own_question(low: Lowering, name: ast.Name) -> ir.Expr:
    """A question that the rulebook declares (问题)."""
    decl = low.scope.questions[name.text]
    shown = decl.show or tuple(_texts_of_case(low))
    if not shown:
        raise QcError(_nothing_to_show(name.span))
    columns = tuple(low.rows.column(ast.Name(text, span=name.span)) for text in shown)
    return low.questions.own(low.rows, decl, columns)


def _texts_of_case(low: Lowering) -> list[str]:
    """All texts of the case but its key and those that others are sections of."""
    fields = low.scope.fields.values()
    left_out = {low.scope.key} | {field.source for field in fields}
    return [f.name for f in fields if f.type is FieldType.TEXT and f.name not in left_out]


def _nothing_to_show(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC221",
        Text("没有可以给模型看的文本字段", "There is no text field that the model could be shown"),
        span,
        Text("请写明看哪些字段，例如 主诉、现病史 判断 “…”", "Name the fields before “judged”"),
    )
