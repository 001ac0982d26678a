"""The small protocol behind which a model answers questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from qc_dsl.lang import Text


@dataclass(frozen=True)
class Request:
    """One question about one record.

    ``system`` and ``user`` are plain text: nothing in them is ever read as a control token.
    The answer is one of ``codes`` (ASCII, each a different first token), chosen by
    probability directly after ``answer_lead``, with which the assistant's turn begins. When
    the code chosen is in ``explain``, its text of ``explain_leads`` is appended and at most
    ``explain_tokens`` tokens of explanation are generated greedily, up to a line end.
    ``weights`` multiply the codes' probabilities before the choice (none: all 1).
    """

    system: str
    user: str
    codes: tuple[str, ...]
    answer_lead: str = ""
    explain: tuple[str, ...] = ()
    explain_leads: tuple[str, ...] = ()
    explain_tokens: int = 96
    weights: tuple[float, ...] = ()

    def digest(self, backend: str) -> str:
        """A stable id of this request put to a back end: the key of the answer cache.

        Weights and explanations change no probability, so they are left out: tuning a
        threshold asks nothing again.
        """
        reason = (self.explain_leads, self.explain_tokens)
        asked = (backend, self.system, self.user, self.codes, self.answer_lead, reason)
        parts = json.dumps(asked, ensure_ascii=False)
        return hashlib.sha256(parts.encode()).hexdigest()

    def lead(self, number: int) -> str:
        """What stands between a code, by its number, and its explanation."""
        return self.explain_leads[number] if self.explain_leads else ""

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
class Reply:
    """The answer to one request: a probability for each code, or why there is none.

    The probabilities are the model's own, before the request's weights.
    """

    probabilities: tuple[float, ...] = ()
    explanation: str | None = None
    error: Text | None = None


@dataclass
class Counters:
    """What a back end has done so far; see `qc_runtime.outcome.Usage` for the meanings."""

    prompt_tokens: int = 0
    reused_prompt_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    load_seconds: float = 0.0


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
