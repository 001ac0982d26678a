"""Back ends for a worker's process that die, on purpose and for real."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from qc_runtime.backend import Counters, Reply, Request

_PER_STEP = 4  # requests of one computation


class Mortal:
    """Answers a few at a time; kills its own process when it computes certain texts.

    ``poison`` kills every time, ``once`` only while the file ``mark`` is not there. Every step
    appends a line to ``log``.
    """

    identity = "mortal"

    def __init__(self, log: Path, poison: str = "毒", once: str = "偶") -> None:
        self.log, self.poison, self.once = log, poison, once
        self.counters = Counters()
        self.on_step: Callable[[Sequence[int]], None] = lambda begun: None

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        for start in range(0, len(requests), _PER_STEP):
            part = range(start, min(start + _PER_STEP, len(requests)))
            self.on_step(())
            self.on_step(part)
            for index in part:
                self._compute(requests[index].user)
            with self.log.open("a") as log:
                log.write(f"{len(part)}\n")
            for index in part:
                self.counters.prompt_tokens += 1
                yield index, Reply.of((0.75, 0.25))

    def _compute(self, text: str) -> None:
        mark = self.log.with_suffix(".died")
        if self.poison in text or (self.once in text and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        pass


class Stillborn(Mortal):
    """Dies before it begins with anything."""

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        os.kill(os.getpid(), signal.SIGSEGV)
        yield from ()


class LateBorn(Mortal):
    """Dies before it begins with anything, the first time."""

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        mark = self.log.with_suffix(".died")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().answer(requests)
