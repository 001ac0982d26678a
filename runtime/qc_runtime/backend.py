"""The small protocol behind which a model answers questions.

A request is a text and a row of *slots* to be filled after it, each with the fixed text that
leads to it: a choice between codes, a line of text, a number, a quotation from the record, a
thought. What follows a choice may depend on the code that was chosen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from qc_dsl.lang import Text

# Names of the slots that the runtime itself asks for
THOUGHT, ANSWER, QUOTE, REASON = "thought", "answer", "quote", "reason"
FLICKER = "flicker"  # beside them: the answer was another one in other company

Value = tuple[float, ...] | str | float | None  # of a slot: probabilities, a text, a number


@dataclass(frozen=True)
class Choice:
    """One of ``codes`` (ASCII, each a different first token), by their probabilities.

    ``weights`` multiply the probabilities before the choice (none: all 1).
    """

    codes: tuple[str, ...]
    weights: tuple[float, ...] = ()

    def weighted(self, probabilities: Sequence[float]) -> tuple[float, ...]:
        """The probabilities of the codes after the weights; they add up to 1."""
        weights = self.weights or (1.0,) * len(probabilities)
        raised = [p * w for p, w in zip(probabilities, weights, strict=True)]
        return tuple(p / sum(raised) for p in raised)

    def chosen(self, probabilities: Sequence[float]) -> int:
        """The number of the code that these probabilities choose: the first of the likeliest."""
        shares = self.weighted(probabilities)
        return shares.index(max(shares))


@dataclass(frozen=True)
class Line:
    """At most ``tokens`` tokens of text, greedily, up to a line end; never empty."""

    tokens: int = 96


@dataclass(frozen=True)
class Number:
    """A number in digits: perhaps a sign, at most ``digits`` digits, perhaps a decimal point."""

    digits: int = 9


@dataclass(frozen=True)
class Quote:
    """A verbatim piece of ``source``, in whole characters, of at most ``tokens`` tokens."""

    source: str
    tokens: int = 48


@dataclass(frozen=True)
class Thought:
    """Free reasoning of at most ``tokens`` tokens, in the model's own way if it has one."""

    tokens: int = 512


Slot = Choice | Line | Number | Quote | Thought


@dataclass(frozen=True)
class Step:
    """A slot, the name of its value, and the fixed text before it.

    ``leads`` is one text, or one for each code of the choice before. ``after`` are the codes of
    that choice after which the slot is filled; `None`: after any. A choice leads on to what
    follows it up to the next choice.
    """

    name: str
    slot: Slot
    leads: tuple[str, ...] = ("",)
    after: tuple[str, ...] | None = None

    def lead(self, chosen: int) -> str:
        """The text before the slot, by the number of the code that was chosen last."""
        return self.leads[chosen] if len(self.leads) > 1 else self.leads[0]


@dataclass(frozen=True)
class Request:
    """One question about one record.

    ``system`` and ``user`` are plain text: nothing in them is ever read as a control token.
    The first step's lead begins the assistant's turn. ``sure_at`` is the probability, after the
    weights, from which the answer is taken as sure: under it a better tier may be asked.
    """

    system: str
    user: str
    steps: tuple[Step, ...]
    sure_at: float = 0.0

    @property
    def choice(self) -> Choice:
        """The answer's slot."""
        return next(s.slot for s in self.steps if isinstance(s.slot, Choice) and s.name == ANSWER)

    def wanted(self, reply: Reply) -> tuple[str, ...]:
        """The names of the slots that these values of choices lead to."""
        names: list[str] = []
        code: str | None = None
        for step in self.steps:
            if step.after is not None and code not in step.after:
                continue
            names.append(step.name)
            shares = reply.values.get(step.name)
            if isinstance(step.slot, Choice) and isinstance(shares, tuple):
                code = step.slot.codes[step.slot.chosen(shares)]
        return tuple(names)

    def digest(self, backend: str) -> str:
        """A stable id of this request put to a back end: the key of the answer cache.

        Weights, and which codes lead on to a slot, change no probability, so they are left out:
        tuning a threshold, or asking for fewer reasons, asks nothing again.
        """
        steps = [(step.name, *_asked(step.slot), step.leads) for step in self.steps]
        parts = json.dumps((backend, self.system, self.user, steps), ensure_ascii=False)
        return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()


def _asked(slot: Slot) -> tuple[object, ...]:
    if isinstance(slot, Choice):
        return ("choice", slot.codes)
    if isinstance(slot, Quote):
        return ("quote", slot.source, slot.tokens)
    size = slot.digits if isinstance(slot, Number) else slot.tokens
    return (type(slot).__name__.lower(), size)


@dataclass(frozen=True)
class Reply:
    """The values of a request's slots by name, or why there are none.

    Probabilities are the model's own, before the weights. A slot that no choice led to has no
    value; one that was reached and could not be filled has `None`.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    error: Text | None = None

    @classmethod
    def of(cls, probabilities: Sequence[float], reason: str | None = None) -> Reply:
        """The reply to a plain question."""
        values: dict[str, Value] = {ANSWER: tuple(probabilities)}
        return cls(values if reason is None else {**values, REASON: reason})

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Those of the answer's codes; none where there is no answer."""
        shares = self.values.get(ANSWER)
        return shares if isinstance(shares, tuple) else ()

    @property
    def flickers(self) -> bool:
        """Whether the answer hangs on what else is computed beside it."""
        return FLICKER in self.values

    def text(self, name: str) -> str | None:
        """What was written in a slot."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None


def dump_reply(reply: Reply) -> str:
    """A reply without an error as JSON. A lone surrogate, which cannot be stored, becomes ?."""
    values = {name: _storable(value) for name, value in reply.values.items()}
    return json.dumps(values, ensure_ascii=False)


def load_reply(text: str) -> Reply:
    """The reply that `dump_reply` wrote. `ValueError` when it is not one."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("not a reply")
    return Reply({n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})


def _storable(value: Value) -> Value:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@dataclass
class Counters:
    """What a back end has done so far; see `qc_runtime.outcome.Usage` for the meanings."""

    prompt_tokens: int = 0
    reused_prompt_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    load_seconds: float = 0.0
    second_looks: int = 0
    flickers: int = 0


class Backend(Protocol):
    """Something that answers requests. Loading is lazy: it happens at the first `answer`."""

    counters: Counters

    @property
    def identity(self) -> str:
        """What answers depend on besides the request: the model's hash and the settings."""

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Answer every request exactly once, as (index, reply), each as soon as it is known.

        A request that cannot be answered gets a reply with ``error``; the others go on.
        """

    def close(self) -> None:
        """Free what the back end holds."""
