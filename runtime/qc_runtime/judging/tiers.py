"""Tiers (分层调度): a model's quick answer, then thinking, then a better model, then a person.

What a model is sure of (`Request.sure_at`) is settled. Of the rest, the least sure first, each
better tier takes as many as its share of the run's questions allows, and its answer replaces the
one before. What no tier is sure of, a person settles, as without tiers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

from qc_dsl.lang import Text
from qc_runtime.backend import THOUGHT, Backend, Counters, Reply, Request, Step, Thought
from qc_runtime.judging.questions import is_complete, is_sound, read_reply
from qc_runtime.outcome import TierUsage

if TYPE_CHECKING:
    from qc_runtime.cache import AnswerBook

ROUTINE, THINKING, HEAVY = "routine", "thinking", "heavy"
_BROKEN = Text("模型的回答不完整", "The model's answer is incomplete")
_SILENT = Text("模型没有回答", "The model gave no answer")
_LEADS = {True: "分析：", False: "Analysis: "}  # of a thought, where a model has no way of its own


@dataclass(frozen=True)
class Tier:
    """Who is asked, and how much.

    ``share`` is the most it may take of the run's unique questions, rounded up. ``connect``
    makes its back end; `None`: the routine model's. ``thought`` is how many tokens it may think
    before it answers; ``thinkers``: only if the model has a way of thinking of its own.
    ``model`` is its name, where that is not the run's.
    """

    name: str
    share: float = 1.0
    connect: Callable[[], Backend] | None = None
    thought: int = 0
    thinkers: bool = False
    model: str | None = None

    def request(self, request: Request) -> Request:
        """What is put to this tier for a request."""
        return with_thought(request, self.thought) if self.thought else request

    def left(self, questions: int, asked: int) -> int:
        """How many more it may take, of so many questions in the run, having taken some."""
        return max(0, math.ceil(self.share * questions - 1e-9) - asked)


@dataclass(frozen=True)
class Tiers:
    """The first tier, which is asked everything, and the better ones, in their order."""

    routine: Tier = Tier(ROUTINE)
    better: tuple[Tier, ...] = ()


ONE_TIER = Tiers()


def with_thought(request: Request, tokens: int) -> Request:
    """The request with room to think before everything else."""
    if isinstance(request.steps[0].slot, Thought):
        return request
    lead = _LEADS[not request.steps[0].leads[0].isascii()]
    return replace(request, steps=(Step(THOUGHT, Thought(tokens), (lead,)), *request.steps))


def thinks(backend: Backend) -> bool:
    """Whether a back end's model has a way of thinking of its own."""
    return bool(getattr(backend, "thinks", False))


def confidence(request: Request, reply: Reply) -> float:
    """How sure a sound reply is of its answer."""
    return read_reply(request, reply).confidence


def is_settled(request: Request, reply: Reply) -> bool:
    """Whether nobody better is to be asked: the answer is sure, or there is none."""
    if reply.error is not None:
        return True
    return confidence(request, reply) >= request.sure_at and not reply.flickers


@dataclass(frozen=True)
class Batch:
    """Requests, as they are put to a tier, their digests, and the replies that are stored."""

    requests: Sequence[Request]
    put: Sequence[Request]
    digests: Sequence[str]
    ready: Mapping[int, Reply]


class Desk:
    """One tier at work: stored answers first, others as they come, all of them counted.

    ``backend`` gives the back end, made when the first question comes.
    """

    def __init__(
        self,
        tier: Tier,
        backend: Callable[[], Backend],
        book: AnswerBook,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        self.tier, self._backend, self._book, self._pace = tier, backend, book, pace
        self._asked = self._stored = self._settled = self._failed = 0
        self._work = Counters()

    @property
    def asked(self) -> int:
        return self._asked

    def open(self) -> bool:
        """Whether this tier is one for the model there is."""
        return not self.tier.thinkers or thinks(self._backend())

    def begin(self, requests: Sequence[Request]) -> Batch:
        """Look up which of these are answered already."""
        identity = self._backend().identity
        put = [self.tier.request(request) for request in requests]
        digests = [request.digest(identity) for request in put]
        known = self._book.get_many(digests)
        ready = {
            at: known[digest]
            for at, digest in enumerate(digests)
            if digest in known and is_complete(put[at], known[digest])
        }
        self._asked += len(requests)
        self._stored += len(ready)
        for at, reply in ready.items():
            self._note(requests[at], reply)
        return Batch(requests, put, digests, ready)

    def rest(self, batch: Batch) -> Iterator[tuple[int, Reply]]:
        """The replies that were not stored, as (index, reply), stored before they are given."""
        rest = [at for at in range(len(batch.requests)) if at not in batch.ready]
        if not rest:
            return
        backend = self._backend()
        before = _snapshot(backend)
        try:
            for number, reply in answers(backend, [batch.put[at] for at in rest], self._pace):
                at = rest[number]
                if reply.error is None:
                    self._book.put(batch.digests[at], reply, backend.identity)
                self._note(batch.requests[at], reply)
                yield at, reply
        finally:
            self._work = _sum(self._work, _sum(_snapshot(backend), before, -1))

    def _note(self, request: Request, reply: Reply) -> None:
        self._failed += reply.error is not None
        self._settled += reply.error is None and is_settled(request, reply)

    def usage(self) -> TierUsage:
        """What this tier was asked, and what that took."""
        return TierUsage(
            name=self.tier.name,
            model=self.tier.model,
            asked=self._asked,
            settled=self._settled,
            failed=self._failed,
            stored=self._stored,
            prompt_tokens=self._work.prompt_tokens,
            reused_prompt_tokens=self._work.reused_prompt_tokens,
            generated_tokens=self._work.generated_tokens,
            seconds=round(self._work.seconds, 3),
        )


def answers(
    backend: Backend, requests: Sequence[Request], pace: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Reply]]:
    """The back end's replies. What is no answer, or left unanswered, becomes an error.

    ``pace`` is called before each is waited for, and may take its time.
    """
    left = set(range(len(requests)))
    if not requests:
        return
    pace()
    for index, reply in backend.answer(requests):
        left.discard(index)
        broken = reply.error is None and not is_sound(requests[index], reply)
        yield index, Reply(error=_BROKEN) if broken else reply
        if left:
            pace()
    for index in sorted(left):
        yield index, Reply(error=_SILENT)


def escalate(
    desk: Desk, requests: Sequence[Request], held: Mapping[int, Reply], questions: int
) -> dict[int, Reply]:
    """The replies ``held`` (by index) with the tier's in place of those it takes on.

    It takes the least sure ones, as many as it may of the run's ``questions`` so far. Where it
    fails, the reply before stands.
    """
    unsettled = [at for at, reply in held.items() if not is_settled(requests[at], reply)]
    room = desk.tier.left(questions, desk.asked) if unsettled else 0
    if not room or not desk.open():
        return dict(held)
    unsettled.sort(key=lambda at: (confidence(requests[at], held[at]), at))
    taken = unsettled[:room]
    better = dict(held)
    batch = desk.begin([requests[at] for at in taken])
    for number, reply in (*batch.ready.items(), *desk.rest(batch)):
        if reply.error is None:
            better[taken[number]] = reply
    return better


def _snapshot(backend: Backend) -> Counters:
    return replace(backend.counters)


def _sum(a: Counters, b: Counters, sign: int = 1) -> Counters:
    return Counters(*(x + sign * y for x, y in zip(astuple(a), astuple(b), strict=True)))
