"""Syntax trees back to sentences, in the canonical words of either language.

Reading what is printed gives the same tree again.
"""

from __future__ import annotations

from qc_dsl import ast
from qc_dsl.keywords import canonical
from qc_dsl.lang import Lang
from qc_dsl.lexicon import CLOSERS

_PAIRS = (("“", "”"), ('"', '"'), ("「", "」"), ("『", "』"), ("‘", "’"))


def quote(text: str) -> str:
    """A text in the first pair of quotes that it does not itself end.

    Whatever was read from quotes fits at least the pair that it was read from.
    """
    taken = set(text)
    for opening, closing in _PAIRS:
        if not taken & set(CLOSERS[opening]):
            return f"{opening}{text}{closing}"
    raise ValueError("a literal that holds every kind of quote cannot be printed")


def _operand(operand: ast.Operand) -> str:
    if isinstance(operand, ast.Literal) and operand.kind == "text":
        return quote(operand.text)
    return operand.text


def _joined(predicate: ast.Predicate, lang: Lang) -> str:
    if predicate.op in (ast.Op.EQ, ast.Op.CONTAINS):
        word = canonical("AND" if predicate.join == "all" else "OR", lang)
        word = "和" if word == "且" else word
        return f" {word} ".join(map(_operand, predicate.operands))
    return ("、" if lang == "zh" else ", ").join(map(_operand, predicate.operands))


def _predicate(predicate: ast.Predicate, lang: Lang) -> str:
    subject, word = predicate.subject.text, canonical(predicate.op.value, lang)
    if predicate.op in (ast.Op.SIDES_DIFFER, ast.Op.TERMS_DIFFER):
        together = canonical("TOGETHER", lang) if lang == "en" else "与"
        other, *terms = map(_operand, predicate.operands)
        named = f"{canonical('NAMED', lang)} {terms[0]} " if terms else ""
        return f"{subject} {together} {other} {named}{word}"
    return " ".join(filter(None, (subject, word, _joined(predicate, lang))))


def print_condition(condition: ast.Condition, lang: Lang = "zh") -> str:
    """A condition as a phrase, with brackets wherever and and or meet."""
    if isinstance(condition, ast.Predicate):
        return _predicate(condition, lang)
    if isinstance(condition, ast.Phrase):
        return condition.name.text
    if isinstance(condition, ast.Not):
        return f"{canonical('NOT', lang)} {_inner(condition.item, lang)}"
    word = canonical("AND" if isinstance(condition, ast.And) else "OR", lang)
    return f" {word} ".join(_inner(item, lang) for item in condition.items)


def _inner(condition: ast.Condition, lang: Lang) -> str:
    text = print_condition(condition, lang)
    return f"({text})" if isinstance(condition, (ast.And, ast.Or)) else text


def print_sentence(sentence: ast.Sentence, lang: Lang = "zh") -> str:
    """A sentence in canonical form."""
    comma = "，" if lang == "zh" else ", "
    if isinstance(sentence, ast.Gate):
        head = f"{canonical('IF', lang)} {print_condition(sentence.condition, lang)}"
        return f"{head}{comma}{canonical('MARK_AS', lang)} {sentence.verdict.text}"
    parts = [canonical("WHEN", lang)]
    if sentence.scope is not None:
        parts += [print_condition(sentence.scope, lang), canonical("ARROW", lang)]
    parts += [print_condition(sentence.condition, lang)]
    text = f"{' '.join(parts)} {canonical('COUNTS_AS', lang)} {sentence.verdict.text}"
    if sentence.otherwise is None:
        return text
    return f"{text}{comma}{canonical('ELSE', lang)} {sentence.otherwise.text}"
