"""One part judged by the ordinary pipeline, and what it came to put in its place for good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from qc_compiler.program import Program
from qc_runtime.bulk.about import run_info
from qc_runtime.bulk.load import Read, open_part
from qc_runtime.bulk.outcomes import as_parquet
from qc_runtime.bulk.parts import Part
from qc_runtime.bulk.pipeline import Pipeline
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.plan import Plan
from qc_runtime.bulk.reports import PartReport, outcomes_place, write_report
from qc_runtime.bulk.sources import BulkSources
from qc_runtime.bulk.tally import tally
from qc_runtime.cache import AnswerBook
from qc_runtime.judging.accounts import Accounts
from qc_runtime.judging.judge import Judged


@dataclass(frozen=True)
class Job:
    """What a worker needs to know. ``work`` is a local folder for what is transient."""

    program: Program
    sources: BulkSources
    plan: Plan
    out: Place
    work: Path


@dataclass(frozen=True)
class Worker:
    """How a process judges: by what pipeline, and where the answers of a part are kept."""

    pipeline: Pipeline
    book: Callable[[Part], AbstractContextManager[AnswerBook]]


def judge_part(job: Job, part: Part, worker: Worker) -> PartReport:
    """Judge a part and write its outcomes, then its report. Judging it again changes nothing.

    Raises `QcError`, and `AccountingError` where outcomes and records do not match.
    """
    started = datetime.now().astimezone()
    with open_part(job.program, job.plan, job.sources, part, job.work) as read:
        with worker.book(part) as book:
            judged = _judged(job, read, worker.pipeline, book)
        info = run_info(
            job.program, job.sources, read, judged, started, datetime.now().astimezone()
        )
        counts = tally(judged.outcomes, info)
    outcomes = as_parquet(judged.outcomes)
    outcomes_place(job.out, part.number).write(outcomes)
    tiers = judged.usage.tiers if judged.usage else ()
    report = PartReport(
        plan=job.plan.digest,
        modified=job.plan.modified,
        part=part.number,
        rows=part.cases,
        blank=part.cases - info.records,
        size=outcomes.size,
        sha256=hashlib.sha256(outcomes).hexdigest(),
        started=started.isoformat(),
        finished=datetime.now().astimezone().isoformat(),
        counts=counts,
        models=worker.pipeline.models if judged.usage else (),
        tiers={one.name: one.model for one in tiers if one.model},
        engines=judged.usage.engines if judged.usage else (),
    )
    write_report(job.out, report)
    return report


def _judged(job: Job, read: Read, pipeline: Pipeline, book: AnswerBook) -> Judged:
    if read.records is not None:
        return pipeline.judge(job.program, read.records, read.database, book)
    return Judged((), None, Accounts([rule.id for rule in job.program.rules], 0))
