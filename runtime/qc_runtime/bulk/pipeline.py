"""The ordinary pipeline, with back ends that stay loaded from one part to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from qc_compiler.program import Program
from qc_runtime.backend import Backend
from qc_runtime.bulk.held import Held
from qc_runtime.cache import AnswerBook
from qc_runtime.judging.judge import Judged, judge
from qc_runtime.judging.questions import Explain
from qc_runtime.judging.tiers import ONE_TIER, Tier, Tiers
from qc_runtime.prefilter import Database
from qc_runtime.records.recordset import RecordSet

Connect = Callable[[], Backend]


class Pipeline:
    """A context manager that frees the back ends; its arguments are those of `judge`."""

    def __init__(
        self,
        connect: Connect | None,
        *,
        explain: Explain = "fail",
        tiers: Tiers = ONE_TIER,
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        self._models: dict[str, None] = {}
        self._held: list[Held] = []
        self._connect = connect and self._keeping(connect)
        self._tiers = replace(tiers, better=tuple(map(self._keeping_tier, tiers.better)))
        self._explain, self._pace = explain, pace

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for held in self._held:
            held.close()

    @property
    def models(self) -> tuple[str, ...]:
        """The identities of the back ends that were asked so far."""
        return tuple(self._models)

    def judge(
        self, program: Program, records: RecordSet, database: Database, book: AnswerBook
    ) -> Judged:
        """Judge some cases."""
        return judge(
            program,
            records,
            self._connect,
            book,
            explain=self._explain,
            database=database,
            tiers=self._tiers,
            pace=self._pace,
        )

    def _keeping(self, connect: Connect) -> Connect:
        held = Held(connect)
        self._held.append(held)

        def lend() -> Backend:
            backend = held.lend()
            self._models[backend.identity] = None
            return backend

        return lend

    def _keeping_tier(self, tier: Tier) -> Tier:
        return replace(tier, connect=tier.connect and self._keeping(tier.connect))
