"""All parts of a run, or of one shard of it, by this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qc_runtime.bulk.about import About
from qc_runtime.bulk.judging import Job, Worker, judge_part
from qc_runtime.bulk.parts import Part, part_name
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.reports import FOLDER, PartReport, finished, report_place

Told = Callable[[PartReport], None]


def prepare(about: About, out: Place) -> None:
    """Make a folder of results this run's: what another one left there goes."""
    before = About.read(out)
    if before is None or (before.plan, before.modified) != (about.plan, about.modified):
        for found in out.child(FOLDER).files():
            if found.name.startswith("part-"):
                found.place.remove()
    about.write(out)


def forget(out: Place, work: Path, parts: Sequence[Part]) -> None:
    """Have these parts judged from the beginning."""
    for part in parts:
        report_place(out, part.number).remove()
        for end in ("", "-wal", "-shm"):
            path = answers_path(work, part)
            path.with_name(path.name + end).unlink(missing_ok=True)


def sweep(out: Place) -> None:
    """Remove what killed processes have left half written, once no other one is writing."""
    if out.local is not None:
        for torn in out.local.glob(f"{FOLDER}/.part-*.part"):
            torn.unlink(missing_ok=True)


def answers_path(work: Path, part: Part) -> Path:
    """Where the answers of a part are, if it has a store of its own."""
    return work / "answers" / f"{part_name(part.number)}.sqlite"


def left(job: Job, parts: Sequence[Part], told: Told) -> list[Part]:
    """The parts that are to be judged; of those that are done, ``told`` is told.

    A part in which some record ended with an error is judged again: what was answered is kept,
    and what failed may do better this time.
    """
    todo = []
    for part in parts:
        report = finished(job.out, job.plan, part.number)
        if report is None or report.errors:
            todo.append(part)
        else:
            told(report)
    return todo


def judge_parts(job: Job, parts: Sequence[Part], worker: Worker, told: Told) -> None:
    """Judge parts one after the other; ``told`` gets each report as it comes."""
    for part in parts:
        told(judge_part(job, part, worker))
