"""Contenders that work in turns, so that a change of the machine's load meets all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Protocol

_TURN = 10.0  # seconds


class Contender(Protocol):
    """Some work of ``total`` records. Between two turns it costs nothing and loses nothing."""

    @property
    def total(self) -> int: ...

    @property
    def done(self) -> int: ...

    @property
    def seconds(self) -> float:
        """What all turns took together."""

    def go_on(self, seconds: float) -> None:
        """Work for about so long, or until all is done."""


class Stepwise:
    """Work of this process: an iterator gives something for every record that is done."""

    def __init__(self, total: int, steps: Iterator[object]) -> None:
        self.total, self._steps = total, steps
        self.done, self.seconds = 0, 0.0

    def go_on(self, seconds: float) -> None:
        started = perf_counter()
        for _ in self._steps:
            self.done += 1
            if perf_counter() - started >= seconds:
                break
        else:
            if self.done != self.total:
                raise RuntimeError(f"{self.done} of {self.total} records came back")
        self.seconds += perf_counter() - started


def in_turns(contenders: Sequence[Contender], seconds: float = _TURN) -> None:
    """Work everything off; it is always the turn of the one that has done the least of its own."""
    while waiting := [one for one in contenders if one.done < one.total]:
        min(waiting, key=lambda one: one.done / one.total).go_on(seconds)


def records_per_second(contender: Contender) -> float:
    return contender.done / contender.seconds
