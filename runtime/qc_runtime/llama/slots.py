"""Slots: what is read from the logits after a prompt, a code or a text."""

from __future__ import annotations

from typing import Any

import numpy as np

Logits = np.ndarray[Any, np.dtype[np.float32]]


def choose(logits: Logits, codes: tuple[int, ...]) -> tuple[float, ...] | None:
    """Choice slot: the probability of each code's first token among the codes alone.

    None when the logits are no numbers, so that a broken computation chooses nothing.
    """
    values = logits[list(codes)].astype(np.float64)
    if not np.isfinite(values).all():
        return None
    weights = np.exp(values - values.max())
    return tuple(float(w) for w in weights / weights.sum())


def greedy(logits: Logits, unwritable: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    """Text slot: the likeliest token that is text or an end. Changes ``logits`` in place."""
    logits[unwritable] = -np.inf
    return int(logits.argmax())
