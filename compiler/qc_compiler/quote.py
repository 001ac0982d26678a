"""From a folded text back to the very characters of the record that it stands for."""

from __future__ import annotations

from qc_dsl.fold import fold

_LONGEST = 4000  # characters of a field that are searched when the text is not there verbatim


def find_quote(raw: str, folded: str) -> str:
    """The shortest piece of ``raw`` that folds to ``folded``; ``folded`` itself if none does."""
    if folded in raw:
        return folded
    raw = raw[:_LONGEST]
    for start, ch in enumerate(raw):
        if ch.isspace() or not folded.startswith(fold(ch)[:1]):
            continue
        for end in range(start + 1, min(len(raw), start + 3 * len(folded) + 8) + 1):
            if fold(raw[start:end]) == folded:
                return raw[start:end]
    return folded
