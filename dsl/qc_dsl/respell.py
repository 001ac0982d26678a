"""A sentence in the canonical spelling of its words, its line breaks and quotes as they were.

Only words of the language and the space between words change: names, quoted texts, brackets,
line breaks and whatever stands between lines stay. Where a change of language changes the order
of words (a window of time), the printer writes the sentence instead (`qc_dsl.formatter`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lark import Token

from qc_dsl import ast
from qc_dsl.build_rows import UNIT_OF
from qc_dsl.keywords import KEYWORDS, canonical
from qc_dsl.lang import Lang
from qc_dsl.lexicon import Lexicon
from qc_dsl.numerals import WRITTEN, leading_number, written_in
from qc_dsl.printer import print_amount, print_number, print_points
from qc_dsl.quotes import normalise
from qc_dsl.source import Source, Span
from qc_dsl.stretches import own_text, stretch
from qc_dsl.yaml_reader import Scalar


class WordOrderError(ValueError):
    """The other language puts these words in another order, or lacks one of them."""


@dataclass(frozen=True)
class Piece:
    """The characters ``start`` to ``end`` of a sentence, and what is to stand there."""

    start: int
    end: int
    text: str


_COUNTED = ("AT_LEAST", "AT_MOST", "EXACTLY")
_VALUE_WORDS = {
    "VALUE_OR": ("或", "or"), "VALUE_AND": ("和", "and"), "VALUE_COMMA": ("、", ","),
}  # fmt: skip
_WINDOWS = {"WITHIN", "NOT_WITHIN"}
_FULL = str.maketrans(",;:", "，；：")
_HALF = str.maketrans("，；：。", ",;:.")
_NOT_AT = Span(Source("", " "), 0, 1)


def respell(scalar: Scalar, lexicon: Lexicon, lang: Lang | None) -> list[Piece]:
    """All pieces of a sentence that can be read, in their order.

    Without ``lang`` every word stays in its language. Raises `WordOrderError`.
    """
    tokens = list(lexicon.lex(normalise(scalar.value)))
    main = lang or _language(tokens)
    if lang is not None and any(_own(t) not in (lang, None) for t in tokens):
        _check_order(tokens)
    pieces: list[Piece] = []
    before: Token | None = None
    for token in tokens:
        if before is not None:
            pieces.append(_gap(scalar, before, token, main))
        start, end = token.start_pos or 0, token.end_pos or 0
        said = scalar.value[start:end]
        if "\n" not in own_text(scalar, start, end):
            said = _word(token, before, lexicon, lang or _own(token) or main, said)
        elif lang is not None:
            raise WordOrderError(said)
        pieces.append(Piece(start, end, said))
        before = token
    return pieces


def text_of(scalar: Scalar, pieces: Sequence[Piece]) -> str:
    """A sentence's text with its pieces in place."""
    out, at = [], 0
    for piece in pieces:
        out += [scalar.value[at : piece.start], piece.text]
        at = piece.end
    return "".join((*out, scalar.value[at:]))


def breaks(scalar: Scalar, lexicon: Lexicon) -> tuple[int, ...]:
    """Where an obligation is broken over lines: before what must be, and before what is said."""
    tokens = list(lexicon.lex(normalise(scalar.value)))
    kinds = ("MUST", "MUST_NOT", "ELSE")
    found = [b.start_pos or 0 for _, b in pairwise(tokens) if b.type in kinds]
    return tuple(found) if any(t.type in kinds[:2] for t in tokens) else ()


def is_in(scalar: Scalar, lexicon: Lexicon, lang: Lang) -> bool:
    """Whether every word of a sentence that belongs to one language belongs to this one."""
    return all(_own(t) in (lang, None) for t in lexicon.lex(normalise(scalar.value)))


def _check_order(tokens: list[Token]) -> None:
    if any(token.type in _WINDOWS for token in tokens):
        raise WordOrderError("a window")


def _language(tokens: list[Token]) -> Lang:
    """The language that most words of a sentence belong to."""
    own = [_own(token) for token in tokens]
    return "en" if own.count("en") > own.count("zh") else "zh"


def _own(token: Token) -> Lang | None:
    """The language that a word belongs to, where it belongs to one only."""
    if word := KEYWORDS.get(token.type):
        zh, en = (any(_same(token, form) for form in forms) for forms in (word.zh, word.en))
        return None if zh == en else "zh" if zh else "en"
    if token.type in ("AMOUNT", "COUNT", "POINTS", "VALUE_OR", "VALUE_AND"):
        return "en" if token.isascii() else "zh"
    return None


def _same(token: str, form: str) -> bool:
    return token.split() == form.split()


def _word(token: Token, before: Token | None, lexicon: Lexicon, lang: Lang, said: str) -> str:
    """The canonical spelling of a word."""
    kind = token.type
    if kind in KEYWORDS:
        return _keyword(kind, before, lang)
    if kind in _VALUE_WORDS:
        return _VALUE_WORDS[kind][lang == "en"]
    if kind in ("FIELD", "TABLE", "TERM", "PHRASE", "VERDICT"):
        return lexicon.spelling.get(token, said)
    if kind == "AMOUNT":
        number, unit = leading_number(token)
        amount = ast.Amount(number, UNIT_OF[" ".join(unit.split())], span=_NOT_AT)
        return print_amount(amount, lang)
    if kind == "POINTS":
        return print_points(float(written_in(token)[0]), lang).strip() or said
    if kind in ("COUNT", "NUMBER"):
        return _count(token, before, lang)
    return said.translate(_BRACKETS) if lang == "en" else said


_BRACKETS = {ord("（"): "(", ord("）"): ")"}


def _keyword(kind: str, before: Token | None, lang: Lang) -> str:
    word = KEYWORDS[kind]
    if lang == "en" and not word.en:
        raise WordOrderError(kind)
    if kind == "TOGETHER" and lang == "zh":
        return "与"
    if kind == "OTHER":
        counted = before is not None and before.type in ("NUMBER", "COUNT", "LATEST", "FIRST")
        return (word.zh if lang == "zh" else word.en)[counted]
    return canonical(kind, lang)


def _count(token: Token, before: Token | None, lang: Lang) -> str:
    digits = WRITTEN.match(token)
    number = digits[0] if digits else print_number(leading_number(token)[0])
    rows = token.type == "COUNT" or (before is not None and before.type in _COUNTED)
    return f"{number} 条" if rows and lang == "zh" else number


def _gap(scalar: Scalar, before: Token, after: Token, lang: Lang) -> Piece:
    """What stands between two words: as it is over a line break, else in one form."""
    start, end = before.end_pos or 0, after.start_pos or 0
    raw = scalar.value[start:end]
    if "\n" in stretch(scalar, start, end):
        head = raw.partition("\n")[0] if "\n" in raw and not raw[:1].isspace() else ""
        return Piece(start, start + len(head), _marks(head, lang).rstrip())
    return Piece(start, end, _between(raw, before.type, after.type, lang))


def _between(raw: str, before: str, after: str, lang: Lang) -> str:
    if marks := _marks(raw, lang):
        return marks
    if before == "LPAR" or after == "RPAR" or (before, after) == ("AMOUNT", "INSIDE"):
        return ""
    if after == "VALUE_COMMA" or (lang == "zh" and _joins(before, after)):
        return ""
    if after == "LPAR" or before == "RPAR":
        return " " if raw else ""
    return " "


def _marks(raw: str, lang: Lang) -> str:
    """The punctuation between two words in the form of a language."""
    marks = "".join(raw.split())
    if marks and lang == "en":
        return f"{marks.translate(_HALF)} "
    return marks.translate(_FULL)


def _joins(before: str, after: str) -> bool:
    """Whether one of the two is a Chinese enumeration comma, which has no space around it."""
    return "LISTED" in (before, after) or before == "VALUE_COMMA"


def changed(scalar: Scalar, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces that differ from what stands there."""
    return (p for p in pieces if scalar.value[p.start : p.end] != p.text)
