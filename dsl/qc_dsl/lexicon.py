"""The words one rulebook's sentences are made of: the language's keywords and its own names.

Chinese is written without spaces, so a word ends only where the next begins. The lexer
therefore knows every word of the rulebook, takes the longest one that fits, and calls whatever
lies between known words UNKNOWN, which the parser turns into "no such field, did you mean …".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

from lark import Lark

from qc_dsl.keywords import KEYWORDS

_ONE_TO_ONE = str.maketrans(
    {
        "（": "(",
        "）": ")",
        "，": ",",
        "；": ";",
        "：": ":",
        "．": ".",
        "＝": "=",
        "＞": ">",
        "＜": "<",
        "　": " ",
        "－": "-",
        "！": "!",
        "\u00a0": " ",
    }
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()}

# How each opening quote ends. Hospital text mixes directions, so either one may close.
CLOSERS = {
    "“": "”“",
    "”": "”“",
    '"': '"＂',
    "＂": '"＂',
    "„": "”“",
    "‟": "”“",
    "「": "」",
    "『": "』",
    "‘": "’‘",
    "’": "’‘",
}


class UnterminatedQuoteError(ValueError):
    """A quote that opens at ``start`` and never closes."""

    def __init__(self, start: int) -> None:
        self.start = start
        super().__init__(f"unterminated quote at {start}")


def normalise(text: str) -> str:
    """The text as the lexer sees it, character for character at the same offsets.

    Full-width letters and punctuation become half width; each quoted text becomes ``"`` +
    filler + ``"`` so that nothing inside a quote can look like a word of the language.
    """
    out: list[str] = []
    at = 0
    while at < len(text):
        closers = CLOSERS.get(text[at])
        if closers is None:
            out.append(text[at])
            at += 1
            continue
        end = next((i for i in range(at + 1, len(text)) if text[i] in closers), None)
        if end is None:
            raise UnterminatedQuoteError(at)
        out.append('"' + "\x01" * (end - at - 1) + '"')
        at = end + 1
    return "".join(out).translate(_ONE_TO_ONE).translate(_FULL_WIDTH)


@dataclass(frozen=True)
class Lexicon:
    """The names a rulebook's sentences may use, by what they name."""

    fields: tuple[str, ...]
    terms: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    @cached_property
    def parser(self) -> Lark:
        """An LALR parser for sentences over these names."""
        return self._build("sentence")

    @cached_property
    def condition_parser(self) -> Lark:
        """The same for a condition that stands alone."""
        return self._build("lone_condition")

    @lru_cache(maxsize=16)  # noqa: B019 - a lexicon is a small value; files in hand share them
    def _build(self, start: str) -> Lark:
        grammar = resources.files("qc_dsl").joinpath("grammar/sentence.lark").read_text("utf-8")
        return Lark(
            grammar + "\n" + "\n".join(self._terminals()),
            start=start,
            parser="lalr",
            lexer="basic",
            propagate_positions=True,
            maybe_placeholders=False,
        )

    def _groups(self) -> dict[str, tuple[str, ...]]:
        names = {
            "FIELD": self.fields,
            "TERM": self.terms,
            "PHRASE": self.phrases,
            "VERDICT": self.verdicts,
        }
        own = {name: tuple(normalise(word) for word in words) for name, words in names.items()}
        return own | {name: keyword.forms for name, keyword in KEYWORDS.items()}

    def _terminals(self) -> list[str]:
        groups = self._groups()
        words = sorted({word for group in groups.values() for word in group}, key=len)
        patterns = {word: _word_pattern(word, words) for word in words}
        lines = [
            f"{name}.{5 if name in _NAMES else 1}: /{_any(group, patterns)}/"
            for name, group in groups.items()
        ]
        for joiner, sources in (("VALUE_OR", ("OR",)), ("VALUE_AND", ("AND", "TOGETHER"))):
            group = tuple(word for source in sources for word in groups[source])
            lines.append(f"{joiner}.3: /(?:{_any(group, patterns)}){_BEFORE_VALUE}/")
        known = "|".join(patterns[word] for word in reversed(words))
        lines.append(rf"UNKNOWN.-1: /(?:(?!{known})[^\s\",;:()])+|[^\s]/")
        return lines


_NAMES = ("FIELD", "TERM", "PHRASE", "VERDICT")
_BEFORE_VALUE = r"(?=\s*[\"\d-])"


def _escape(word: str) -> str:
    """A regular expression for a word, its spaces free, safe inside Lark's slashes."""
    return re.sub(r"(?:\\ )+", r"\\s+", re.escape(word)).replace("/", r"\/")


def _edge(ch: str, boundary: str) -> str:
    """Latin words end at a boundary; Chinese words need none and have none."""
    return boundary if ch.isascii() and (ch.isalnum() or ch == "_") else ""


def _word_pattern(word: str, words: list[str]) -> str:
    """A word, unless it is only the beginning of a longer word of the rulebook."""
    longer = [w for w in words if len(w) > len(word) and w.startswith(word)]
    after = r"(?![A-Za-z0-9_])"
    ahead = "".join(f"(?!{_escape(w[len(word) :])}{_edge(w[-1], after)})" for w in longer)
    before = _edge(word[0], r"(?<![A-Za-z0-9_])")
    return before + _escape(word) + _edge(word[-1], after) + ahead


def _any(group: tuple[str, ...], patterns: dict[str, str]) -> str:
    """A pattern for any word of a group; a group without words matches nothing."""
    ordered = sorted(group, key=len, reverse=True)
    return "|".join(patterns[word] for word in ordered) or r"(?!x)x"
