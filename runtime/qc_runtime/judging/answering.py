"""Putting requests to a back end: each unique one once, and none whose answer is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from qc_runtime.backend import Backend, Reply, Request
from qc_runtime.judging.tiers import ONE_TIER, Desk, Tier, Tiers, escalate, is_settled
from qc_runtime.outcome import Usage

if TYPE_CHECKING:
    from qc_runtime.cache import AnswerBook

Progress = Callable[[int, int], None]


class Answering:
    """A run's way to the model: the back end is made when the first question needs it.

    Every answer is in the store before it counts as done, so a run that is killed goes on from
    there. ``progress`` is told how many of all unique requests so far are answered. ``tiers``
    say who is asked about what the model is unsure of. ``pace`` is called before each reply
    that is computed: while it does not return, no further batch is begun.
    """

    def __init__(
        self,
        connect: Callable[[], Backend],
        store: AnswerBook,
        progress: Progress,
        tiers: Tiers = ONE_TIER,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        self._connect, self._progress = connect, progress
        self._backends: dict[str, Backend] = {}
        self._routine = Desk(tiers.routine, self._own, store, pace)
        self._better = [Desk(tier, self._backend_of(tier), store, pace) for tier in tiers.better]
        self._unique = self._done = 0
        self._records: set[int] = set()

    def replies(
        self, requests: Sequence[Request], records: Iterable[int]
    ) -> Iterator[tuple[int, Reply]]:
        """A reply for every request, as (index, reply): stored ones first, others as they come.

        ``records`` are the numbers of those that need the answers. What a better tier may have
        to be asked about comes last.
        """
        if not requests:
            return
        self._unique += len(requests)
        self._records.update(records)
        batch = self._routine.begin(requests)
        held = {at: reply for at, reply in batch.ready.items() if self._holds(requests[at], reply)}
        self._tell(len(batch.ready) - len(held))
        yield from ((at, reply) for at, reply in batch.ready.items() if at not in held)
        for at, reply in self._routine.rest(batch):
            if self._holds(requests[at], reply):
                held[at] = reply
                continue
            self._tell(1)
            yield at, reply
        for desk in self._better:
            held = escalate(desk, requests, held, self._unique)
        if held:
            self._tell(len(held))
            yield from held.items()

    def _holds(self, request: Request, reply: Reply) -> bool:
        """Whether a better tier may have to be asked."""
        return bool(self._better) and not is_settled(request, reply)

    def _tell(self, more: int) -> None:
        self._done += more
        self._progress(self._done, self._unique)

    def _own(self) -> Backend:
        return self._made("", self._connect)

    def _backend_of(self, tier: Tier) -> Callable[[], Backend]:
        connect = tier.connect
        return self._own if connect is None else lambda: self._made(tier.name, connect)

    def _made(self, name: str, connect: Callable[[], Backend]) -> Backend:
        if name not in self._backends:
            self._backends[name] = connect()
        return self._backends[name]

    def usage(self) -> Usage | None:
        """What the models were asked for; `None` when none ever was."""
        if not self._backends:
            return None
        counters = [backend.counters for backend in self._backends.values()]
        tiers = tuple(desk.usage() for desk in (self._routine, *self._better))
        return Usage(
            requests=len(self._records),
            unique_requests=self._unique,
            stored=tiers[0].stored,
            prompt_tokens=sum(one.prompt_tokens for one in counters),
            reused_prompt_tokens=sum(one.reused_prompt_tokens for one in counters),
            generated_tokens=sum(one.generated_tokens for one in counters),
            seconds=round(sum(one.seconds for one in counters), 3),
            load_seconds=round(sum(one.load_seconds for one in counters), 3),
            second_looks=sum(one.second_looks for one in counters),
            flickers=sum(one.flickers for one in counters),
            tiers=tiers,
            engines=tuple(filter(None, map(_engine, self._backends.values()))),
        )

    def close(self) -> None:
        for backend in self._backends.values():
            backend.close()


def _engine(backend: Backend) -> Mapping[str, str | int] | None:
    """The settings of a model that runs here."""
    return getattr(backend, "engine", None)
