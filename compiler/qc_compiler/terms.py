"""Named word lists: which of their words a text mentions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import re2

from qc_dsl.fold import fold


@dataclass(frozen=True)
class Terms:
    """Folded words; each group is a word and its synonyms, the one they stand for first."""

    groups: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, written: Iterable[str]) -> Terms:
        """From the words as a rulebook writes them: ``纵隔=纵膈`` gives a synonym."""
        groups = {tuple(fold(word) for word in item.split("=")) for item in written}
        return cls(tuple(sorted(groups)))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every spelling, sorted."""
        return tuple(sorted({word for group in self.groups for word in group}))

    @cached_property
    def synonyms(self) -> tuple[tuple[str, str], ...]:
        """Each spelling that stands for another word, with that word."""
        return tuple((word, group[0]) for group in self.groups for word in group[1:])

    @cached_property
    def pattern(self) -> str:
        """An RE2 pattern that finds the words from left to right, the longest that fits."""
        longest_first = sorted(self.words, key=lambda word: (-len(word), word))
        return "|".join(map(re2.escape, longest_first))

    def occur(self, text: str) -> bool:
        """Whether any of the words stands in a folded text."""
        return _compiled(self.pattern).search(text) is not None

    def mentioned(self, text: str) -> frozenset[str]:
        """The words that a folded text mentions, synonyms under the word they stand for."""
        main = dict(reversed(self.synonyms))  # a synonym of two words stands for the first
        found = (match.group(0) for match in _compiled(self.pattern).finditer(text))
        return frozenset(main.get(word, word) for word in found)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern)
