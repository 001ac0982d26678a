"""A back end in a process of its own, which is started again when it dies.

llama.cpp may be killed: by the system when memory runs out, by a fault of a driver, by a record
that it cannot bear. Then only what it was working on is in doubt. Those requests are put again
in halves, down to the single one that kills it, which gets an error; all others go on.

The parent holds the pace: after every batch the worker waits for a word before the next, so a
parent that pauses or stops reading stops the model within one batch.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Backend, Counters, Reply, Request

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Make = Callable[[], Backend]
_MOST_DEATHS = 200  # in one run: a machine that goes on failing like that is not working
_MOST_STARTS = 3  # in a row that end before anything is begun: one may have been killed by chance
_FAREWELL = 5.0  # seconds that a worker has to end by itself
_BEGUN, _DONE, _ERROR, _END = "begun", "done", "error", "end"


class _DiedError(Exception):
    """The worker is gone. ``code`` is its exit code; minus a signal's number if one ended it."""

    def __init__(self, code: int | None) -> None:
        self.code = code


@dataclass
class _Job:
    """Requests that are put together, by index: those unanswered, those that were begun."""

    left: dict[int, None]
    begun: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, indices: Iterable[int]) -> _Job:
        return cls(dict.fromkeys(indices))

    def suspects(self) -> list[int]:
        """What the worker may have died of."""
        return [index for index in self.left if index in self.begun]


class WorkerBackend:
    """Answers as the back end that ``make`` makes, in another process.

    ``make`` must be picklable. Errors: those of the back end, and QC525 when the process dies
    again and again before it can begin with anything, or goes on dying.
    """

    def __init__(self, make: Make) -> None:
        self._make = make
        self._front = make()  # loads nothing: it is only asked who it is
        self._earlier = Counters()  # what workers that are gone have done
        self._worker: tuple[BaseProcess, Connection] | None = None
        self._deaths = 0
        self._starts = 0  # in a row, without anything begun
        self.counters = Counters()

    @property
    def identity(self) -> str:
        return self._front.identity

    @property
    def thinks(self) -> bool:
        """Whether the model has a way of thinking of its own."""
        return bool(getattr(self._front, "thinks", False))

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        jobs = deque([_Job.of(range(len(requests)))] if requests else [])
        try:
            while jobs:
                job = jobs.popleft()
                try:
                    yield from self._put(job, requests)
                except _DiedError as died:
                    yield from self._recover(job, died, jobs)
        except BaseException:  # left early: the worker is in the middle of something
            self._stop(at_once=True)
            raise

    def close(self) -> None:
        self._stop(at_once=False)

    # -- one job -----------------------------------------------------------------------------

    def _put(self, job: _Job, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        indices = list(job.left)
        _, pipe = self._started()
        self._send(pipe, [requests[index] for index in indices])
        while True:
            kind, content = self._receive(pipe)
            if kind == _BEGUN:
                job.begun.update(indices[number] for number in content)
            elif kind == _DONE:
                replies, done = content
                self.counters = _sum(self._earlier, done)
                for number, reply in replies:
                    del job.left[indices[number]]
                    yield indices[number], reply
                self._send(pipe, True)  # go on
            elif kind == _ERROR:
                raise QcError(*content)
            else:
                return

    def _recover(
        self, job: _Job, died: _DiedError, jobs: deque[_Job]
    ) -> Iterator[tuple[int, Reply]]:
        """Put aside what the worker died of: alone an error, together in halves."""
        self._deaths += 1
        self._starts = 0 if job.begun else self._starts + 1
        if self._starts == _MOST_STARTS or self._deaths > _MOST_DEATHS:
            raise QcError(_dead(died.code))
        suspects = job.suspects()
        in_doubt = set(suspects)
        rest = [index for index in job.left if index not in in_doubt]
        if rest:
            jobs.appendleft(_Job.of(rest))
        if len(suspects) == 1 and len(job.left) == 1:
            yield suspects[0], Reply(error=_poison(died.code))
            return
        middle = (len(suspects) + 1) // 2
        for half in (suspects[middle:], suspects[:middle]):
            if half:
                jobs.appendleft(_Job.of(half))

    # -- the process -------------------------------------------------------------------------

    def _started(self) -> tuple[BaseProcess, Connection]:
        if self._worker is None:
            context = multiprocessing.get_context("spawn")  # a fork would copy llama's threads
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._make), daemon=True)
            process.start()
            theirs.close()
            self._worker = process, ours
        return self._worker

    def _send(self, pipe: Connection, message: object) -> None:
        try:
            pipe.send(message)
        except OSError:
            raise self._died() from None

    def _receive(self, pipe: Connection) -> tuple[str, Any]:
        try:
            received: tuple[str, Any] = pipe.recv()
        except (EOFError, OSError):
            raise self._died() from None
        return received

    def _died(self) -> _DiedError:
        code = None
        if self._worker:
            process, _ = self._worker
            process.join(_FAREWELL)
            code = process.exitcode
        self._stop(at_once=True)
        return _DiedError(code)

    def _stop(self, *, at_once: bool) -> None:
        worker, self._worker = self._worker, None
        self._earlier = self.counters
        if worker is None:
            return
        process, pipe = worker
        if not at_once:
            with suppress(OSError, ValueError):
                pipe.send(None)
            process.join(_FAREWELL)
        pipe.close()
        if process.is_alive():
            process.kill()
        process.join()


def _sum(a: Counters, b: Counters) -> Counters:
    return Counters(*(x + y for x, y in zip(astuple(a), astuple(b), strict=True)))


# -- in the worker ---------------------------------------------------------------------------


def _serve(pipe: Connection, make: Make) -> None:
    """Answer jobs until there are no more, or nobody listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this
    backend = make()
    with suppress(EOFError, OSError):
        while (requests := pipe.recv()) is not None:
            try:
                _work(pipe, backend, requests)
            except QcError as error:
                pipe.send((_ERROR, error.diagnostics))
    backend.close()


def _work(pipe: Connection, backend: Backend, requests: Sequence[Request]) -> None:
    """One job: what is begun is told before it is computed, what is done after every batch."""
    done: list[tuple[int, Reply]] = []

    def tell(begun: Sequence[int]) -> None:
        if done:
            pipe.send((_DONE, (list(done), backend.counters)))
            done.clear()
            pipe.recv()
        if begun:
            pipe.send((_BEGUN, list(begun)))

    watched: Any = backend
    if hasattr(backend, "on_step"):
        watched.on_step = tell
    else:
        tell(range(len(requests)))
    for answered in backend.answer(requests):
        done.append(answered)
    tell(())
    pipe.send((_END, None))


# -- what is said ----------------------------------------------------------------------------


def _how(code: int | None) -> Text:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return Text(f"收到信号 {name}", f"signal {name}")
    return Text(f"退出码 {code}", f"exit code {code}")


def _poison(code: int | None) -> Text:
    how = _how(code)
    return Text(
        f"模型进程每次算到这个提问都会终止（{how.zh}）",
        f"The model's process dies whenever it computes this question ({how.en})",
    )


def _dead(code: int | None) -> Diagnostic:
    how = _how(code)
    return Diagnostic(
        "QC525",
        Text(f"模型进程终止（{how.zh}）", f"The model's process died ({how.en})"),
        help=Text(
            "常见原因是内存或显存不足，或 llama.cpp 不是为本机处理器编译的；请用 qc doctor 检查。"
            "已有的回答都已保存",
            "Often memory is short, or llama.cpp was built for another processor: run qc doctor."
            " All answers so far are kept",
        ),
    )
