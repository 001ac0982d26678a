"""Evidence: pieces of a record, spans that times were held against, rows gone through."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """The span that a time must lie in, both ends included.

    `None`: open to that side; the other end is then not included (早于, 晚于). Worked out, not
    quoted: ``2025-04-10 09:00``, or a day alone where only days count. From a time that is a
    whole day it reaches as far as any of that day's instants would take it.
    """

    start: str | None
    end: str | None


@dataclass(frozen=True)
class Searched:
    """A table's rows that a quantifier went through.

    Of ``total`` rows ``met`` meet the whole condition and ``unknown`` may. Where there is a
    window, ``inside`` lie in it and ``unclear`` may (no time, or a day that straddles an end);
    ``before`` and ``after`` are the nearest times outside of it, as they are written.
    """

    total: int
    met: int
    unknown: int
    inside: int = 0
    unclear: int = 0
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Quote:
    """A verbatim piece of a field's text, empty where nothing is written there.

    ``window``: what the time was held against. ``rows``: no text but rows of a table; ``field``
    is then their time's column, or the table where no window bounds it.
    """

    field: str
    text: str
    window: Window | None = None
    rows: Searched | None = None
