"""Putting requests to a back end: each unique one once, and none whose answer is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from qc_dsl.lang import Text
from qc_runtime.backend import Backend, Reply, Request
from qc_runtime.outcome import Usage
from qc_runtime.questions import is_complete, is_sound
from qc_runtime.store import AnswerStore

Progress = Callable[[int, int], None]
_BROKEN = Text("模型的回答不完整", "The model's answer is incomplete")


class Answering:
    """A run's way to the model: the back end is made when the first question needs it.

    Every answer is in the store before it counts as done, so a run that is killed goes on from
    there. ``progress`` is told how many of all unique requests so far are answered.
    """

    def __init__(
        self, connect: Callable[[], Backend], store: AnswerStore, progress: Progress
    ) -> None:
        self._connect, self._store, self._progress = connect, store, progress
        self._backend: Backend | None = None
        self._unique = self._done = 0
        self._records: set[int] = set()

    def replies(
        self, requests: Sequence[Request], records: Iterable[int]
    ) -> Iterator[tuple[int, Reply]]:
        """A reply for every request, as (index, reply): stored ones first, others as they come.

        ``records`` are the numbers of those that need the answers.
        """
        if not requests:
            return
        backend = self._backend = self._backend or self._connect()
        self._unique += len(requests)
        self._records.update(records)
        digests = [request.digest(backend.identity) for request in requests]
        known = self._store.get_many(digests)
        ready = {
            at: known[digest]
            for at, digest in enumerate(digests)
            if digest in known and is_complete(requests[at], known[digest])
        }
        self._tell(len(ready))
        yield from ready.items()
        rest = [at for at in range(len(requests)) if at not in ready]
        for index, reply in _answers(backend, [requests[at] for at in rest]):
            at = rest[index]
            if reply.error is None:
                self._store.put(digests[at], reply)
            self._tell(1)
            yield at, reply

    def _tell(self, more: int) -> None:
        self._done += more
        self._progress(self._done, self._unique)

    def usage(self) -> Usage | None:
        """What the model was asked for; `None` when it never was."""
        if self._backend is None:
            return None
        counters = self._backend.counters
        return Usage(
            requests=len(self._records),
            unique_requests=self._unique,
            prompt_tokens=counters.prompt_tokens,
            reused_prompt_tokens=counters.reused_prompt_tokens,
            generated_tokens=counters.generated_tokens,
            seconds=round(counters.seconds, 3),
            load_seconds=round(counters.load_seconds, 3),
        )

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()


def _answers(backend: Backend, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
    """The back end's replies. What is no answer, or left unanswered, becomes an error."""
    left = set(range(len(requests)))
    if not requests:
        return
    for index, reply in backend.answer(requests):
        left.discard(index)
        broken = reply.error is None and not is_sound(requests[index], reply)
        yield index, Reply(error=_BROKEN) if broken else reply
    for index in sorted(left):
        yield index, Reply(error=Text("模型没有回答", "The model gave no answer"))
