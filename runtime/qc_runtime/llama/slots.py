"""Slots: what is read from the logits after a prompt, token by token, until a value is there.

A filler looks at one row of logits at a time and says which tokens to append: the tokens of
the code it chose, one more token of a text, or none where the text has ended.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from qc_runtime.backend import Choice, Line, Number, Quote, Slot, Value
from qc_runtime.explanation import cut_back, decode, first_line
from qc_runtime.llama.close_calls import is_close
from qc_runtime.llama.model import Model, Tokens
from qc_runtime.llama.quoting import Quotable, quotable

Logits = np.ndarray[Any, np.dtype[np.float32]]

_LINE_ENDS = (b"\n", b"\r")
_FIRST_TRIES = 64  # how many ends and blank lines are passed over for the first token of a text
_NUMBER = re.compile(rb"-?[0-9]*\.?[0-9]*")
_QUOTE_ENDS = tuple(end.encode() for end in ("\n", "\r", "”", '"', "」", "』"))


class BrokenLogitsError(Exception):
    """The logits are no numbers: a broken computation, which chooses nothing."""


class Filler(Protocol):
    """Fills one slot."""

    @property
    def done(self) -> bool:
        """Whether nothing more is to be taken."""

    @property
    def written(self) -> int:
        """How many tokens the model has chosen freely."""

    def take(self, logits: Logits) -> Tokens:
        """The tokens to append; may change ``logits`` in place. Raises `BrokenLogitsError`."""

    def value(self) -> Value:
        """What the slot has come to so far; final once ``done``."""


def probabilities(logits: Logits, codes: Sequence[int]) -> tuple[float, ...]:
    """The probability of each code's first token among the codes alone."""
    values = logits[list(codes)].astype(np.float64)
    if not np.isfinite(values).all():
        raise BrokenLogitsError
    weights = np.exp(values - values.max())
    return tuple(float(w) for w in weights / weights.sum())


class ChoiceFiller:
    """A code by its first token; the rest of it follows."""

    written = 0

    def __init__(self, slot: Choice, codes: Sequence[Tokens]) -> None:
        self._slot, self._codes = slot, codes
        self._shares: tuple[float, ...] = ()
        self.chosen = 0
        self.done = False

    def take(self, logits: Logits) -> Tokens:
        self._shares = probabilities(logits, [code[0] for code in self._codes])
        self.chosen = self._slot.chosen(self._shares)
        self.done = True
        return self._codes[self.chosen]

    def is_close(self, sure_at: float) -> bool:
        """Whether the choice might have been another in another batch."""
        return is_close(self._slot, self._shares, sure_at)

    def value(self) -> Value:
        return self._shares


class LineFiller:
    """Greedy text up to a line end; the first token is neither an end nor blank."""

    def __init__(self, model: Model, limit: int) -> None:
        self._model, self._limit = model, limit
        self._text = b""
        self._whole = False
        self.written, self.done = 0, False

    def take(self, logits: Logits) -> Tokens:
        token = self._next(logits)
        if self._model.ends(token):
            return self._end(whole=True)
        piece = self._model.piece(token)
        self.written += 1
        self._text += piece
        if any(end in piece for end in _LINE_ENDS):
            self._end(whole=True)
        elif self.written >= self._limit:
            self._end(whole=False)
        return (token,)

    def _end(self, *, whole: bool) -> Tokens:
        self.done, self._whole = True, whole
        return ()

    def _next(self, logits: Logits) -> int:
        token = greedy(logits, self._model.unwritable)
        for _ in range(0 if self.written else _FIRST_TRIES):
            if not self._model.ends(token) and self._model.piece(token).strip():
                break
            logits[token] = float("-inf")
            token = int(logits.argmax())
        return token

    def value(self) -> Value:
        text = first_line(decode(self._text))
        return text if self._whole else cut_back(text)


class ThoughtFiller:
    """Greedy text over many lines, up to the tokens that close it, an end, or its bound."""

    def __init__(self, model: Model, limit: int, closing: Tokens) -> None:
        self._model, self._limit, self._closing = model, limit, closing
        masked = model.unwritable
        self._masked = masked[~np.isin(masked, closing)]
        self._tokens: list[int] = []
        self.done = False

    @property
    def written(self) -> int:
        return len(self._tokens)

    def take(self, logits: Logits) -> Tokens:
        token = greedy(logits, self._masked)
        if self._model.ends(token) or (token,) == self._closing:
            self.done = True
            return ()
        self._tokens.append(token)
        self.done = len(self._tokens) >= self._limit or self._closed()
        return (token,)

    def _closed(self) -> bool:
        """Whether the thought has come to its end: a blank line where there is no closing token."""
        if self._closing:
            return tuple(self._tokens[-len(self._closing) :]) == self._closing
        return b"\n\n" in b"".join(map(self._model.piece, self._tokens[-3:]))

    def value(self) -> Value:
        return decode(b"".join(map(self._model.piece, self._tokens))).strip()


class NumberFiller:
    """Digits for as long as the model goes on with them, and at least one."""

    def __init__(self, model: Model, digits: int) -> None:
        self._model, self._digits = model, digits
        self._text = b""
        self.written, self.done = 0, False

    def take(self, logits: Logits) -> Tokens:
        token = greedy(logits, self._model.unwritable)
        if not self._fits(token):
            if self._has_digit():
                self.done = True
                return ()
            token = self._best(logits)
        self._text += self._model.piece(token)
        self.written += 1
        self.done = sum(byte in b"0123456789" for byte in self._text) >= self._digits
        return (token,)

    def _fits(self, token: int) -> bool:
        piece = self._model.piece(token)
        return bool(piece) and _NUMBER.fullmatch(self._text + piece) is not None

    def _has_digit(self) -> bool:
        return any(byte in b"0123456789" for byte in self._text)

    def _best(self, logits: Logits) -> int:
        """The likeliest token that goes on with, or begins, a number."""
        numeric = self._model.numeric
        order = numeric[np.argsort(-logits[numeric])]
        return int(next(token for token in order if self._fits(int(token))))

    def value(self) -> Value:
        return float(self._text) if self._has_digit() else None


class QuoteFiller:
    """A verbatim piece of a text, found byte by byte, for tokens may split characters."""

    def __init__(self, model: Model, source: str, limit: int) -> None:
        self._model, self._limit = model, limit
        self._quotable: Quotable = quotable(source)
        self._places = self._quotable.starts
        self._bytes = b""
        self.written, self.done = 0, False

    def take(self, logits: Logits) -> Tokens:
        going_on = self._quotable.continuations(self._places, self._model.by_bytes)
        tokens = np.fromiter(going_on, np.int64, len(going_on))
        best = int(tokens[logits[tokens].argmax()]) if len(tokens) else None
        if best is None or (self._may_end() and self._ends_rather(logits, best)):
            self.done = True
            return ()
        self._places = tuple(going_on[best])
        self._bytes += self._model.piece(best)
        self.written += 1
        self.done = self.written >= self._limit
        return (best,)

    def _may_end(self) -> bool:
        return self._quotable.whole(self._bytes)

    def _ends_rather(self, logits: Logits, token: int) -> bool:
        return bool(logits[self._model.tokens_of(_QUOTE_ENDS)].max() > logits[token])

    def value(self) -> Value:
        return decode(self._bytes).strip() or None


def greedy(logits: Logits, unwritable: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    """The likeliest token that is text or an end. Changes ``logits`` in place."""
    logits[unwritable] = -np.inf
    return int(logits.argmax())


def filler(model: Model, slot: Slot, codes: Sequence[Tokens], closing: Tokens) -> Filler:
    """What fills a slot; ``codes`` are the tokens of a choice, ``closing`` end a thought."""
    if isinstance(slot, Choice):
        return ChoiceFiller(slot, codes)
    if isinstance(slot, Line):
        return LineFiller(model, slot.tokens)
    if isinstance(slot, Number):
        return NumberFiller(model, slot.digits)
    if isinstance(slot, Quote):
        return QuoteFiller(model, slot.source, slot.tokens)
    return ThoughtFiller(model, slot.tokens, closing)
