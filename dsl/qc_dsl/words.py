"""Cutting a sentence into words: always the longest word of the rulebook that fits.

The rulebook's own names and the language's keywords stand in one dictionary; numbers and quoted
texts are matched by one small regular expression; whatever lies between is UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from lark import Token

from qc_dsl.keywords import KEYWORDS, SOFT, UNITS

_LATIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_PLAIN = re.compile(r"[^\s\",;:()、]")  # what a word may be made of
_SPELT = r"(?:[二三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九])"
_BEHIND = r"(?![A-Za-z0-9_])"
_BEFORE_VALUE = re.compile(r"\s*[\"\d-]")
_BEFORE_QUOTE = re.compile(r"[\s:]*\"")
_PART = re.compile(r"\.\w")
_VALUE_JOINERS = {"OR": "VALUE_OR", "AND": "VALUE_AND", "TOGETHER": "VALUE_AND"}


def _units() -> str:
    forms = sorted((form for unit in UNITS.values() for form in unit.forms), key=len, reverse=True)
    bounded = (form + (_BEHIND if form.isascii() else "") for form in forms)
    return "|".join(form.replace(" ", r"\s+") for form in bounded)


_FIXED = re.compile(
    "|".join(
        (
            rf"(?P<AMOUNT>(?:\d{{1,9}}(?:\.\d{{1,9}})?|{_SPELT}|半)\s*(?:{_units()}))",
            r'(?P<STRING>"[^"]*")',
            rf"(?P<COUNT>(?:-?\d+(?:\.\d+)?|{_SPELT})\s*(?:条|次|个|份|例|项|行)(?!月|小时|星期|自然日))",
            r"(?P<POINTS>(?:扣除?|减|(?<![A-Za-z0-9_])deduct)\s*-?\d{1,9}(?:\.\d{1,9})?"
            rf"(?:\s*(?:分|points?{_BEHIND}))?)",
            r"(?P<VALUE_COMMA>[,、](?=\s*[\"\d-]))",
            r"(?P<NUMBER>-?\d+(?:\.\d+)?)",
            r"(?P<LPAR>\()",
            r"(?P<RPAR>\))",
            r"(?P<IGNORED>[\s,;:。.]+)",
        )
    )
)
_HARD = frozenset(form for k in KEYWORDS.values() for form in k.forms if form not in SOFT)


class Words:
    """The words of one rulebook: ``names`` by terminal, normalised, and all keywords.

    ``heads`` are the names of tables and lists that a dot and the name of a part may follow.
    """

    def __init__(self, names: Mapping[str, tuple[str, ...]], heads: Iterable[str]) -> None:
        keywords = {form: kind for kind, word in KEYWORDS.items() for form in word.forms}
        self._names = {word: kind for kind, group in names.items() for word in group if word}
        self._kinds = keywords | self._names
        self._heads = tuple(sorted(heads, key=len, reverse=True))

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, ...]]:
        """How long the words without spaces are that begin with a character, longest first."""
        found: dict[str, set[int]] = {}
        for word in self._kinds:
            if " " not in word:
                found.setdefault(word[0], set()).add(len(word))
        return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in found.items()}

    @cached_property
    def _spaced(self) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
        """The words with spaces that begin with a character, longest first, spaces free."""
        found: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
        for word in sorted((w for w in self._kinds if " " in w), key=len, reverse=True):
            pattern = re.compile(r"\s+".join(map(re.escape, word.split())))
            found.setdefault(word[0], []).append((word, pattern))
        return found

    def longest(self, text: str, at: int) -> tuple[str, int] | None:
        """The longest word that stands at an offset, and where it ends there."""
        first = text[at]
        if first in _LATIN and at and text[at - 1] in _LATIN:
            return None  # in the middle of a Latin word
        best: tuple[str, int] | None = None
        for length in self._lengths.get(first, ()):
            word = text[at : at + length]
            if word in self._kinds and _ends(text, at + len(word)):
                best = (word, at + len(word))
                break
        for word, pattern in self._spaced.get(first, ()):
            if best is not None and len(word) <= len(best[0]):
                break
            if (match := pattern.match(text, at)) and _ends(text, match.end()):
                return word, match.end()
        return best

    def lex(self, text: str) -> Iterator[Token]:
        """The words of a normalised text. Nothing fails here: what is no word is UNKNOWN."""
        at = 0
        while at < len(text):
            kind, end = self._next(text, at)
            if kind != "IGNORED":
                yield Token(kind, text[at:end], start_pos=at, end_pos=end)
            at = end

    def _next(self, text: str, at: int) -> tuple[str, int]:
        found = self.longest(text, at)
        kind, end = self._kind(text, *found) if found else (None, at)
        if kind is not None and found is not None and found[0] in self._names:
            return kind, end
        if fixed := _FIXED.match(text, at):
            return fixed.lastgroup or "", fixed.end()
        return (kind, end) if kind is not None else ("UNKNOWN", self._unknown_end(text, at))

    def _kind(self, text: str, word: str, end: int) -> tuple[str | None, int]:
        """What a word is where it stands; some are words only before or after certain others."""
        kind = self._kinds[word]
        if word in KEYWORDS["DEFECT"].forms:
            defect = _BEFORE_QUOTE.match(text, end) is not None
            return ("DEFECT" if defect else self._names.get(word)), end
        if kind in ("TABLE", "TERM") and _PART.match(text, end):
            return None, end
        if kind in _VALUE_JOINERS and _BEFORE_VALUE.match(text, end):
            return _VALUE_JOINERS[kind], end
        return kind, end

    def _unknown_end(self, text: str, at: int) -> int:
        """An unknown part of a table or list; else what stands before the next word."""
        for head in self._heads:
            if text.startswith(f"{head}.", at):
                start = at + len(head) + 1
                end = self._until(text, start, names=False)
                return max(end, at + 1) if end > start else at + 1
        end = max(self._until(text, at, names=True), at + 1)
        if text[end - 1] == "." and end - 1 > at and text[end : end + 1].isalnum():
            return max(end, self._until(text, end, names=False))  # 表.列 of a table unknown
        return end

    def _until(self, text: str, at: int, *, names: bool) -> int:
        while at < len(text) and _PLAIN.match(text, at):
            found = self.longest(text, at)
            if found and (found[0] in _HARD or (names and found[0] in self._names)):
                return at
            at += 1
        return at

    def word_end(self, text: str, start: int) -> int:
        """Where an unknown word ends that begins at an offset, soft words within it included."""
        return self._until(text, start + 1, names=True)


def _ends(text: str, end: int) -> bool:
    """Latin words end at a boundary; Chinese words need none and have none."""
    return not (text[end - 1] in _LATIN and text[end : end + 1] in _LATIN)
