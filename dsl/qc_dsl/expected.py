"""What may stand at a place of a sentence that is not finished yet, as the parser sees it."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token
from lark.exceptions import UnexpectedInput

from qc_dsl.lexicon import Lexicon
from qc_dsl.quotes import UnterminatedQuoteError, normalise
from qc_dsl.sentence import Start, interactive


@dataclass(frozen=True)
class Expected:
    """The kinds of words (terminals) that may come after the first ``start`` characters.

    ``before`` are the words up to there. ``start`` is where the word begins that is being
    written at the end of the text, or the text's end.
    """

    kinds: frozenset[str]
    start: int
    before: tuple[Token, ...]


def open_quote(text: str) -> int | None:
    """Where a quote begins that the text leaves open."""
    try:
        normalise(text)
    except UnterminatedQuoteError as error:
        return error.start
    return None


def words_of(text: str, lexicon: Lexicon) -> tuple[Token, ...]:
    """The words of a text, up to a quote that is left open."""
    start = open_quote(text)
    folded = normalise(text if start is None else text[:start])
    return tuple(lexicon.lex(folded))


def expected(text: str, lexicon: Lexicon, start: Start) -> tuple[Expected, ...]:
    """What may be written at the end of a text: in place of its last word, and after it.

    The last word counts as one in the making where the text ends with it. Nothing is expected
    after words that cannot follow each other, nor in an open quote.
    """
    if open_quote(text) is not None:
        return ()
    words = words_of(text, lexicon)
    ways = [(words, len(text))]
    if words and words[-1].end_pos == len(text):
        ways.insert(0, (words[:-1], words[-1].start_pos or 0))
    if words and words[-1].type == "UNKNOWN" and len(ways) == 2:
        ways.pop()  # nothing follows a word that is not one yet
    return tuple(
        Expected(kinds, at, before)
        for before, at in ways
        if (kinds := _kinds(before, start)) is not None
    )


def _kinds(words: tuple[Token, ...], start: Start) -> frozenset[str] | None:
    """The kinds that may follow these words; `None` where they cannot follow each other.

    A word that is not known yet is taken as the name that may stand there.
    """
    parser = interactive(start)
    try:
        for word in words:
            known = word
            if word.type == "UNKNOWN":
                accepts = parser.accepts()  # type: ignore[no-untyped-call]
                kind = next((name for name in _NAMES if name in accepts), "UNKNOWN")
                known = Token.new_borrow_pos(kind, str(word), word)
            parser.feed_token(known)
    except UnexpectedInput:
        return None
    return frozenset(parser.accepts())  # type: ignore[no-untyped-call]


_NAMES = ("FIELD", "TABLE", "TERM", "VERDICT")
