"""How far a run is: what was stored before, what was computed since, how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_FEWEST = 3  # computed answers from which a rate says something


@dataclass(frozen=True)
class Standing:
    """Counts of unique questions, or of records judged part by part.

    ``stored`` of the ``done`` were so in earlier runs. ``rate`` is those a second of this session,
    pauses left out; ``left`` the seconds for the rest at that rate. Both are `None` while nothing
    can be said.
    """

    done: int = 0
    total: int = 0
    stored: int = 0
    rate: float | None = None
    left: float | None = None


class Session:
    """Counts of one session. ``computing`` is called before each answer that is computed.

    What is counted is answers, unless `begin` says how many of something else are done already.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._rested = 0.0
        self._asked = 0
        self._before: int | None = None
        self.standing = Standing()

    def begin(self, before: int) -> None:
        """Not answers are counted, and so many were done before this session."""
        self._before, self._begun = before, self._clock()

    def computing(self, rested: float = 0.0) -> None:
        """The next answer is about to be computed; ``rested`` seconds were paused so far."""
        if self._begun is None:
            self._begun = self._clock() - rested
        self._asked += 1
        self._rested = rested

    def told(self, done: int, total: int) -> Standing:
        """The counts after another answer."""
        computed = min(self._asked, done) if self._before is None else done - self._before
        rate = self._rate(computed)
        left = (total - done) / rate if rate else None
        self.standing = Standing(done, total, done - computed, rate, left)
        return self.standing

    def _rate(self, computed: int) -> float | None:
        if self._begun is None or computed < _FEWEST:
            return None
        worked = self._clock() - self._begun - self._rested
        return computed / worked if worked > 0 else None
