"""From a folded text back to the very characters of the record that it stands for."""

from __future__ import annotations

from unicodedata import normalize

from qc_dsl.fold import fold

_LONGEST = 4000  # characters that are searched piece by piece, when going by characters failed
_TRIES = 50


def find_quote(raw: str, folded: str) -> str:
    """The piece of ``raw`` that folds to ``folded``; ``folded`` itself if none is found."""
    if folded in raw:
        return folded
    return _by_characters(raw, folded) or _by_pieces(raw[:_LONGEST], folded) or folded


def _by_characters(raw: str, folded: str) -> str | None:
    """Fold character by character, look there, and go back. Takes time linear in the text."""
    pieces = [fold(ch) for ch in raw]
    places = [at for at, piece in enumerate(pieces) for _ in piece]
    joined, wanted = "".join(pieces), folded.replace(" ", "")
    at = joined.find(wanted)
    for _ in range(_TRIES):
        if at < 0:
            return None
        piece = raw[places[at] : places[at + len(wanted) - 1] + 1]
        if fold(piece) == folded:
            return piece
        at = joined.find(wanted, at + 1)
    return None


def _by_pieces(raw: str, folded: str) -> str | None:
    """Try every piece: an accent apart from its letter folds only together with it."""
    opening = normalize("NFD", folded)[:1]
    for start, ch in enumerate(raw):
        if ch.isspace() or normalize("NFD", fold(ch))[:1] != opening:
            continue
        for end in range(start + 1, min(len(raw), start + 3 * len(folded) + 8) + 1):
            if fold(raw[start:end]) == folded:
                return raw[start:end]
    return None
