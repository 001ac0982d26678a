"""A word that is none of the rulebook's or the language's, and what may have been meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qc_dsl import ast
from qc_dsl.complaints import unknown_verdict
from qc_dsl.errors import Diagnostic, did_you_mean, near
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import Text
from qc_dsl.lexicon import THIS, Lexicon
from qc_dsl.number_errors import no_points
from qc_dsl.offers import valid_here
from qc_dsl.printer import quote
from qc_dsl.source import Span

Place = Callable[[int, int], Span]


@dataclass(frozen=True)
class Word:
    """Some characters of a normalised sentence, and what the grammar would take there."""

    start: int
    end: int
    text: str
    accepts: frozenset[str]
    lexicon: Lexicon
    place: Place

    @property
    def span(self) -> Span:
        return self.place(self.start, self.end)

    def __str__(self) -> str:
        word = self.text[self.start : self.end]
        return "…" if "\x01" in word else word

    def with_name_before(self) -> tuple[str, Span] | None:
        """The word together with the name that it is written on to, if it is."""
        lexicon, before = self.lexicon, self.text[: self.start]
        names = (*lexicon.qualified, *lexicon.values, *lexicon.conditions)
        ending = max((n for n in names if before.endswith(n)), key=len, default="")
        return (
            (ending + str(self), self.place(self.start - len(ending), self.end)) if ending else None
        )


def unknown(word: Word) -> Diagnostic:
    """The complaint about an unknown word, by what would fit where it stands."""
    accepts, lexicon = word.accepts, word.lexicon
    if found := _unknown_part(str(word), lexicon, word.span):
        return found
    if "TABLE" in accepts and "FIELD" not in accepts:
        return unknown_table(str(word), lexicon, word.span)
    if _is_value_place(accepts):
        return _bare_value(str(word), accepts, lexicon, word.span)
    if "FIELD" in accepts:
        return _unknown_name(str(word), lexicon, word.span)
    if "VERDICT" in accepts:
        return unknown_verdict(ast.Name(str(word), span=word.span), lexicon.verdicts)
    if "POINTS" in accepts and str(word) in _DEDUCT:
        return no_points(str(word), word.span)
    return _no_word(word)


_DEDUCT = ("扣", "扣除", "减", "deduct")


def _no_word(word: Word) -> Diagnostic:
    """Where a word of the language would stand: a misspelt one, or a name that goes on."""
    fitting = [KEYWORDS[name] for name in word.accepts if name in KEYWORDS]
    forms = [form for keyword in fitting for form in keyword.forms]
    whole = word.with_name_before()
    if whole and not near(str(word), forms, 1):
        return _unknown_part(whole[0], word.lexicon, whole[1]) or _unknown_name(
            whole[0], word.lexicon, whole[1], "EQ" in word.accepts
        )
    close = near(str(word), [keyword.canonical("zh") for keyword in fitting], 1)
    close = close or near(str(word), forms, 1)
    offer = Text(f"您是否想写“{close[0]}”？", f"Did you mean “{close[0]}”?") if close else None
    return Diagnostic(
        "QC102",
        Text(f"看不懂“{word}”", f"“{word}” is not a word of the language"),
        word.span,
        offer or valid_here(set(word.accepts), word.lexicon),
    )


def _unknown_part(word: str, lexicon: Lexicon, span: Span) -> Diagnostic | None:
    """表.列 where the table has no such column, or 词表.组 where the list has no such group."""
    head, dot, name = word.partition(".")
    if not dot:
        return None
    head = lexicon.spelling.get(head, head)
    if head in lexicon.terms:
        groups = [term for term in lexicon.terms if term.startswith(f"{head}.")]
        message = Text(f"词表“{head}”没有分组“{name}”", f"The terms {head} have no group “{name}”")
        nothing = Text("这个词表没有分组", "These terms have no groups")
        return Diagnostic("QC114", message, span, did_you_mean(word, groups) or nothing)
    columns = dict(lexicon.tables).get(head)
    if columns is None and head not in THIS:
        return _unknown_head(head, name, lexicon, span)
    known = lexicon.columns if columns is None else columns
    message = Text(f"表“{head}”没有列“{name}”", f"The table {head} has no column “{name}”")
    if head in THIS:
        message = Text(f"没有列“{name}”", f"There is no column “{name}”")
    return Diagnostic("QC119", message, span, lexicon.instead_of(name, known))


def _unknown_head(head: str, name: str, lexicon: Lexicon, span: Span) -> Diagnostic | None:
    """A misspelt table before its column, or list before its group; `None` where it is neither."""
    place = _first(span, head)
    lists = [term for term in lexicon.terms if "." not in term]
    close = near(head, [*lexicon.table_names, *lists], 1)
    if close and close[0] in lists:
        message = Text(f"没有词表“{head}”", f"There are no terms “{head}”")
        return Diagnostic("QC114", message, place, did_you_mean(head, close))
    if close or name in lexicon.columns:
        return unknown_table(head, lexicon, place)
    return None


def _first(span: Span, part: str) -> Span:
    """The beginning of a span that stands in its file as it is, else all of it."""
    written = span.source.text[span.start : span.start + len(part)]
    return Span(span.source, span.start, span.start + len(part)) if written == part else span


def _unknown_name(word: str, lexicon: Lexicon, span: Span, field_only: bool = False) -> Diagnostic:
    conditions = () if field_only else lexicon.conditions
    kind = ("字段或说法", "field or phrase") if conditions else ("字段", "field")
    message = Text(f"没有{kind[0]}“{word}”", f"There is no {kind[1]} “{word}”")
    help_ = lexicon.instead_of(word, (*lexicon.values, *conditions))
    return Diagnostic("QC101", message, span, help_)


def unknown_table(word: str, lexicon: Lexicon, span: Span) -> Diagnostic:
    none = Text("要用表，请先在“表”里写明它的列", "Declare tables and their columns first")
    message = Text(f"没有表“{word}”", f"There is no table “{word}”")
    return Diagnostic("QC118", message, span, did_you_mean(word, lexicon.table_names) or none)


def _is_value_place(accepts: frozenset[str]) -> bool:
    """Whether what is missing is the value of a predicate, not a new condition."""
    return bool(accepts & {"STRING", "NUMBER"}) and not accepts & {"EQ", "VERDICT"}


def _bare_value(word: str, accepts: frozenset[str], lexicon: Lexicon, span: Span) -> Diagnostic:
    """A value without quotes, or the misspelt name of a term list or another field."""
    named = [*(lexicon.terms if "TERM" in accepts else ()), *lexicon.values]
    message = Text(f"看不懂“{word}”", f"“{word}” is not understood here")
    close = did_you_mean(word, near(word, named))
    if "STRING" not in accepts:
        help_ = close or valid_here(set(accepts), lexicon)
        return Diagnostic("QC114", message, span, help_)
    inner = word.strip("'")
    zh, en = f"如果是文字，请加引号：{quote(inner)}", f"If it is a text, quote it: {quote(inner)}"
    if close:
        zh, en = f"{close.zh}{zh}", f"{close.en} {en}"
    return Diagnostic("QC114", message, span, Text(zh, en))
