"""Reading a chat service's replies: whatever is not as it should be reads as absent."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from qc_runtime.backend import Line, Number, Quote, Slot, Thought, Value
from qc_runtime.explanation import cut_back, first_line

Body = dict[str, Any]

_LEAST_MASS = 0.5  # of the first token, for its codes to count as the answer
_CHARACTERS = 4  # at most, a token: what bounds a text of which the tokens are not known
_THOUGHT = re.compile(r"^\s*<think>(.*?)(?:</think>|\Z)", re.DOTALL)
_FENCED = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_DIGITS = re.compile(r"[+-]?\d+(?:\.\d+)?")
_MARKS = " \n“”\"'‘’「」"  # a model may put around what it quotes


def at(value: Any, *path: str | int) -> Any:
    """A value inside JSON, or None."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def content(reply: Body) -> str:
    """What was written, without a thought that stands before it."""
    return _THOUGHT.sub("", _content(reply))


def thought(reply: Body, slot: Thought) -> str:
    """What was thought: told apart from the answer, or else the whole of what was written."""
    return _thought(reply).strip()[: slot.tokens * _CHARACTERS]


def _thought(reply: Body) -> str:
    message = at(reply, "choices", 0, "message")
    for name in ("reasoning_content", "reasoning"):
        if isinstance(told := at(message, name), str) and told.strip():
            return told
    written = _content(reply)
    marked = _THOUGHT.match(written)
    return marked[1] if marked else written


def was_cut(reply: Body) -> bool:
    return bool(at(reply, "choices", 0, "finish_reason") == "length")


def top_logprobs(reply: Body) -> list[tuple[str, float]]:
    """The likeliest first tokens with the logarithms of their probabilities."""
    top = at(reply, "choices", 0, "logprobs", "content", 0, "top_logprobs")
    rows = top if isinstance(top, list) else []
    pairs = [(at(row, "token"), at(row, "logprob")) for row in rows]
    return [(t, p) for t, p in pairs if isinstance(t, str) and isinstance(p, int | float)]


def shares(top: list[tuple[str, float]], codes: Sequence[str]) -> tuple[float, ...] | None:
    """The codes' probabilities among themselves; None when the token was hardly one of them."""
    mass = [0.0] * len(codes)
    for token, logprob in top:
        start = token.strip()
        fitting = [n for n, code in enumerate(codes) if start and code.startswith(start)]
        if len(fitting) == 1 and logprob <= 1e-6:
            mass[fitting[0]] += math.exp(logprob)
    whole = sum(mass)
    return tuple(m / whole for m in mass) if whole >= _LEAST_MASS else None


def in_json(text: str) -> Body:
    """The object that was written, perhaps within a fence; empty for prose and other JSON."""
    fenced = _FENCED.match(text)
    try:
        found = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def value_of(slot: Slot, given: Any) -> Value:
    """A slot's value from what stands for it in JSON; None where it is not as it must be."""
    if isinstance(slot, Number):
        return _number(given, slot.digits)
    if not isinstance(given, str):
        return None
    if isinstance(slot, Quote):
        return quote(given, slot)
    if isinstance(slot, Line):
        return line(given, slot)
    return given.strip() or None if isinstance(slot, Thought) else None


def quote(given: str, slot: Quote) -> str | None:
    """What was quoted, if it stands in the source to the letter; marks around it do not count."""
    for text in (given, given.strip(), given.strip(_MARKS)):
        if text.strip() and text in slot.source:
            return text[: slot.tokens * _CHARACTERS].strip()
    return None


def line(given: str, slot: Line, *, cut: bool = False) -> str | None:
    """One line, cut back to a whole sentence where it was or must be ``cut``."""
    text, bound = first_line(given), slot.tokens * _CHARACTERS
    return (cut_back(text[:bound]) if text and (cut or len(text) > bound) else text) or None


def _content(reply: Body) -> str:
    written = at(reply, "choices", 0, "message", "content")
    return written if isinstance(written, str) else ""


def _number(given: Any, digits: int) -> float | None:
    if isinstance(given, str) and _DIGITS.fullmatch(given.strip()):
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    if abs(given) >= 10**digits or not math.isfinite(given):
        return None
    return float(given)
