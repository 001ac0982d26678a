"""Named word lists: which of their words a text mentions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import re2

from qc_dsl.fold import fold

_REMEMBERED = 4096  # texts of a list


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

    @cached_property
    def may_hide(self) -> bool:
        """Whether a word may stand within, or overlap, one that stands for another word.

        Then `mentioned` may find less in a text than in a part of it.
        """
        main = dict(reversed(self.synonyms))
        beginning: dict[str, list[str]] = {}
        for word in self.words:
            beginning.setdefault(word[:1], []).append(word)
        return any(
            main.get(word, word) != main.get(other, other)
            and (word.startswith(other, at) or other.startswith(word[at:]))
            for word in self.words
            for at, first in enumerate(word)
            for other in beginning.get(first, ())
        )

    def occur(self, text: str) -> bool:
        """Whether any of the words stands in a folded text."""
        return _compiled(self.pattern).search(text) is not None

    def mentioned(self, text: str) -> frozenset[str]:
        """The words that a folded text mentions, synonyms under the word they stand for."""
        seen = self._seen
        if text not in seen:
            if len(seen) >= _REMEMBERED:
                seen.clear()
            found = (match.group(0) for match in _compiled(self.pattern).finditer(text))
            seen[text] = frozenset(self._main.get(word, word) for word in found)
        return seen[text]

    @cached_property
    def _main(self) -> dict[str, str]:
        return dict(reversed(self.synonyms))  # a synonym of two words stands for the first

    @cached_property
    def _seen(self) -> dict[str, frozenset[str]]:
        """What texts have come to: one is held against every row of another table."""
        return {}


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern)
