"""A back end that is made once and lent to one part after another: models are slow to load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from typing import Any

from qc_runtime.backend import Backend, Counters, Reply, Request


class Held:
    """Makes the back end when it is first lent, and keeps it until `close`."""

    def __init__(self, connect: Callable[[], Backend]) -> None:
        self._connect = connect
        self._backend: Backend | None = None

    def lend(self) -> Backend:
        """The back end as a run takes it: its counters begin at nothing, closing frees nothing."""
        if self._backend is None:
            self._backend = self._connect()
        return _Lent(self._backend)

    def close(self) -> None:
        """Free what the back end holds."""
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()


class _Lent:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._before = astuple(backend.counters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)  # what some back ends can do besides

    @property
    def identity(self) -> str:
        return self._backend.identity

    @property
    def counters(self) -> Counters:
        pairs = zip(astuple(self._backend.counters), self._before, strict=True)
        return Counters(*(now - before for now, before in pairs))

    @counters.setter
    def counters(self, counters: Counters) -> None:
        raise AttributeError("counters of a back end that is lent")

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        return self._backend.answer(requests)

    def close(self) -> None:
        pass
