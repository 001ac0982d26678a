"""A sentence as the lexer sees it: its quotes covered, its punctuation in one form."""

from __future__ import annotations

import re

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
    while opening := _OPENING.search(text, at):
        start = opening.start()
        closing = _CLOSING[opening[0]].search(text, start + 1)
        if closing is None:
            raise UnterminatedQuoteError(start)
        out += (text[at:start], '"', "\x01" * (closing.start() - start - 1), '"')
        at = closing.end()
    return "".join((*out, text[at:])).translate(_NORMAL)


def has_quote(text: str) -> bool:
    return _OPENING.search(text) is not None


_OPENING = re.compile(f"[{''.join(CLOSERS)}]")
_CLOSING = {opening: re.compile(f"[{closers}]") for opening, closers in CLOSERS.items()}
_NORMAL = _ONE_TO_ONE | _FULL_WIDTH
