"""A model as this machine can run it: settings that fit, or a refusal before anything is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qc_dsl.errors import QcError
from qc_runtime.backend import Backend, Counters, Reply, Request
from qc_runtime.llama.probe import probe
from qc_runtime.machine.choice import Asked, Chosen, choose, parse_asked
from qc_runtime.machine.facts import read_machine
from qc_runtime.machine.shape import shape_of

ENGINE = "QC_ENGINE"  # settings that go before the plan's, such as n_ctx=16384,cache=q8_0


def asked_for(engine: str | None = None) -> Asked:
    """The settings that go before the plan: ``engine``, else ``QC_ENGINE``. May raise QC611."""
    return parse_asked(engine or os.environ.get(ENGINE, ""))


def chosen_for(path: Path, engine: str | None) -> Chosen:
    """The settings for a model file here; ``engine`` (else ``QC_ENGINE``) goes before the plan."""
    asked = asked_for(engine)
    probed = probe(path)
    shape = shape_of(probed.metadata, path.stat().st_size)
    return choose(shape, read_machine(), gpu_build=probed.gpu_build, asked=asked)


class FittedBackend:
    """A back end of so chosen settings, which are told before the first question is put.

    Who it is can be asked without loading it; QC542 where it does not fit.
    """

    def __init__(self, inner: Backend, chosen: Chosen, tell: Callable[[Chosen], None]) -> None:
        self._inner, self._chosen, self._tell = inner, chosen, tell
        self._told = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)  # what some back ends can do besides

    @property
    def counters(self) -> Counters:
        return self._inner.counters

    @counters.setter
    def counters(self, now: Counters) -> None:
        self._inner.counters = now

    @property
    def identity(self) -> str:
        return self._inner.identity

    @property
    def engine(self) -> Mapping[str, Any]:
        """The settings, for the summary."""
        return self._chosen.as_json()

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        if not self._told:
            self._told = True
            if self._chosen.refused:
                raise QcError(self._chosen.refused)
            self._tell(self._chosen)
        return self._inner.answer(requests)

    def close(self) -> None:
        self._inner.close()
