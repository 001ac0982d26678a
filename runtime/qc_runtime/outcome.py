"""What becomes of a record: exactly one outcome, explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from qc_compiler.found import Quote, Searched, Window


class Status(StrEnum):
    DECIDED = "decided"
    DATA_MISSING = "data_missing"
    NEEDS_REVIEW = "needs_review"
    PENDING = "pending"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verbatim piece of the record that a decision rests on, and the field it is in.

    ``quote`` is empty where nothing is written there. ``window`` is the span a time was held
    against; with ``rows`` there is no quote, but what was found of a table's rows.
    """

    field: str
    quote: str
    window: Window | None = None
    rows: Searched | None = None

    @classmethod
    def of(cls, quote: Quote) -> Evidence:
        return cls(quote.field, quote.text, quote.window, quote.rows)


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row of a related table: its key, or its number in the file (header = 1), and its time.

    All as they are written in the data.
    """

    table: str
    key: str
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement that is not met, by the case (``row`` is `None`) or one row of a table.

    ``status`` is decided, or needs_review where the model was not sure enough; ``confidence``
    and ``explanation`` are the model's, `None` where it had no part in it.
    """

    rule: str
    message: str
    points: float
    row: RowPlace | None = None
    evidence: tuple[Evidence, ...] = ()
    status: Status = Status.DECIDED
    confidence: float | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one record under one rulebook.

    ``verdict`` is set only when ``status`` is decided. ``leaning`` is what the model inclined
    to when a person must decide. ``rules`` are the ids of the rules that decided, or that
    disagree. ``confidence`` (0 to 1) is the model's. ``explanation`` is written for a person.
    ``score`` and ``grade`` are there when the rulebook has a score and the findings are known.
    """

    key: str
    status: Status
    verdict: str | None = None
    leaning: str | None = None
    decided_by: Literal["rule", "model"] | None = None
    rules: tuple[str, ...] = ()
    confidence: float | None = None
    explanation: str | None = None
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    score: float | None = None
    grade: str | None = None


@dataclass(frozen=True)
class TierUsage:
    """What one tier was asked, of how many questions its answer was sure, how many failed.

    ``stored`` of the questions had been answered before, in this run's folder or in any run.
    Tokens and ``seconds`` as in `Usage`; ``model`` is its name where it is not the run's.
    """

    name: str
    model: str | None = None
    asked: int = 0
    settled: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    reused_prompt_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    stored: int = 0


@dataclass(frozen=True)
class Usage:
    """What the model was asked for in one run.

    ``requests`` counts records that needed the model, ``unique_requests`` those left after
    identical questions were put together, ``stored`` those of them that the first tier had
    answered before. Tokens and ``seconds`` count answering only:
    ``prompt_tokens`` were computed, ``reused_prompt_tokens`` were needed but taken from a
    shared prefix, ``load_seconds`` is reading the model in. ``second_looks`` are close calls that
    were computed again alone, ``flickers`` those that then came out otherwise. ``tiers`` are in
    their order, the first one asked everything; the figures before are those of all together.
    ``engines`` are the settings in which models on this machine ran, one after another.
    """

    requests: int = 0
    unique_requests: int = 0
    prompt_tokens: int = 0
    reused_prompt_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    load_seconds: float = 0.0
    second_looks: int = 0
    flickers: int = 0
    tiers: tuple[TierUsage, ...] = ()
    engines: tuple[Mapping[str, str | int], ...] = ()
    stored: int = 0
