"""Where a verbatim quotation can go on: byte positions in a text, and the tokens that fit there.

A token is a few bytes, which in Chinese need not be whole characters. So a quotation is followed
by bytes: after each token it holds all places of the text where what is written so far may end.
It begins at a letter, digit or ideograph, and may end between characters only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_LONGEST = 48  # bytes of a token that are looked up: 16 ideographs
_SHORTEST = 2  # characters of a quotation, where the text has as many


@dataclass(frozen=True)
class Quotable:
    """A text to be quoted from: its bytes, and where a quotation may begin."""

    data: bytes
    starts: tuple[int, ...]
    shortest: int

    def continuations(
        self, places: Iterable[int], by_bytes: Mapping[bytes, int]
    ) -> dict[int, list[int]]:
        """The tokens that stand in the text at one of the places, with the places after them."""
        found: dict[int, list[int]] = {}
        for place in places:
            for end in range(place + 1, min(place + _LONGEST, len(self.data)) + 1):
                token = by_bytes.get(self.data[place:end])
                if token is not None:
                    found.setdefault(token, []).append(end)
        return found

    def whole(self, quoted: bytes) -> bool:
        """Whether a quotation may end here: whole characters, and enough of them."""
        try:
            return len(quoted.decode()) >= self.shortest
        except UnicodeDecodeError:
            return False


@lru_cache(maxsize=8)  # several questions quote from one record
def quotable(source: str) -> Quotable:
    """A text prepared for quoting from."""
    starts, at = [], 0
    for character in source:
        if character.isalnum():
            starts.append(at)
        at += len(character.encode("utf-8", "replace"))
    letters = sum(character.isalnum() for character in source)
    return Quotable(
        source.encode("utf-8", "replace"), tuple(starts), min(_SHORTEST, max(1, letters))
    )
