"""How much of a rulebook's work is the model's, on a sample of real records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qc_compiler.program import Program
from qc_runtime.backend import Reply, Request
from qc_runtime.prefilter import Database
from qc_runtime.records.recordset import RecordSet


@dataclass(frozen=True)
class Workload:
    """Of ``records``, ``decided`` were without a model. ``questions`` are unique ones.

    Questions that hang on an answer are counted as if every answer were the first one.
    """

    records: int
    decided: int
    questions: tuple[Request, ...]

    @property
    def share(self) -> float:
        """Decided without a model."""
        return self.decided / self.records if self.records else 0.0

    @property
    def questions_a_record(self) -> float:
        return len(self.questions) / self.records if self.records else 0.0


def workload(program: Program, records: RecordSet, database: Database) -> Workload:
    """Judge the records, noting what is asked instead of asking it."""
    from qc_runtime.judging.judge import judge
    from qc_runtime.scripted import ScriptedBackend

    noting = ScriptedBackend(lambda request: request.choice.codes[0])
    judged = judge(program, records, lambda: noting, _Forgetful(), database=database)
    needed = judged.usage.requests if judged.usage else 0
    return Workload(len(records), len(records) - needed, tuple(noting.asked))


class _Forgetful:
    """A place for answers that keeps none."""

    def get_many(self, digests: object) -> dict[str, Reply]:
        return {}

    def put(self, digest: str, reply: Reply, identity: str = "") -> None:
        pass


@dataclass(frozen=True)
class Forecast:
    """For a number of records: questions to put, and hours at the speed measured."""

    records: int
    questions: float
    hours: float


def forecast(work: Workload, questions_a_second: float, sizes: Sequence[int]) -> list[Forecast]:
    """As if the records to come were like the sample; repeated questions grow rarer, so at most."""
    counts = ((size, work.questions_a_record * size) for size in sizes)
    return [Forecast(size, n, n / questions_a_second / 3600) for size, n in counts]
