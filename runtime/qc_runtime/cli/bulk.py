"""``qc run`` over more than fits in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from qc_dsl.lang import current, tr
from qc_runtime.bulk.whole import Whole, check_all, whole
from qc_runtime.cli.kept import own_answers, say, shared_cache
from qc_runtime.cli.offpeak import at_work
from qc_runtime.cli.options import safe_name
from qc_runtime.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qc_compiler.program import Program
    from qc_runtime.audit import Audit
    from qc_runtime.backend import Backend
    from qc_runtime.bulk.judging import Job, Worker
    from qc_runtime.bulk.parts import Part
    from qc_runtime.bulk.places import Place
    from qc_runtime.bulk.reports import PartReport
    from qc_runtime.cache import AnswerBook
    from qc_runtime.cli.bulk_options import BulkOptions
    from qc_runtime.cli.tiers import TierOptions
    from qc_runtime.judging.questions import Explain
    from qc_runtime.offpeak.pacing import Limits

Connect = Callable[[], "Backend"]


@dataclass(frozen=True)
class Asked:
    """What ``qc run`` was asked for. Processes elsewhere are sent it."""

    program: Program
    rulebook: Path
    data: tuple[str, ...]
    out: str
    connect: Connect | None
    model: str | None
    endpoint: str | None
    endpoint_model: str | None
    explain: Explain
    fresh: bool
    no_cache: bool
    limits: Limits
    better: TierOptions

    def how(self) -> list[object]:
        """What outcomes depend on besides rulebook and data."""
        named = self.model or os.environ.get("QC_MODEL") or "demo"
        model = self.endpoint_model or (Path(named).name if self.connect else None)
        return [self.explain, current(), model, *map(str, astuple(self.better))]


def run_bulk(asked: Asked, parted: BulkOptions) -> int:
    """Judge part by part; the exit code."""
    from qc_runtime.audit import Audit
    from qc_runtime.bulk.about import About
    from qc_runtime.bulk.judging import Job
    from qc_runtime.bulk.memory import give_back
    from qc_runtime.bulk.places import Place
    from qc_runtime.bulk.plan import forget_work, make_plan
    from qc_runtime.bulk.running import forget, prepare, sweep
    from qc_runtime.bulk.sources import find_bulk_sources

    give_back()
    program, out = asked.program, Place(asked.out)
    sources = find_bulk_sources(asked.data, program)
    work = parted.work or out.local or _private(asked.out)
    number, of = parted.share()
    name = f"-{number}of{of}" if parted.shard else ""
    with Audit("run", asked.rulebook, program, say) as audit, _store(work, name, asked) as store:
        plan = make_plan(program, sources, asked.how(), parted.part_size, work)
        if not parted.shard:
            forget_work(work, plan)
        audit.note(data=[{"path": str(sources), "plan": plan.digest}])
        about = About.of(program, sources, plan, _named(asked))
        prepare(about, out)
        job = Job(program, sources, plan, out, work)
        parts = plan.shard(number, of)
        if asked.fresh:
            forget(out, work, parts)
        reports = _judge(job, parts, asked, parted, store, audit)
        if not reports:
            typer.echo(tr("这一份没有要做的", "There is nothing to do for this share"))
            return 0
        if not parted.shard:
            check_all(about, reports)
        judged = whole(about, reports)
        audit.note(models=judged.models)
        audit.counted(judged.counts["by_status"])
        show(judged, out, f"summary{name}.json", [one.part for one in reports], not parted.shard)
        if not parted.shard:
            forget_work(work)
            sweep(out)
    return 1 if judged.counts["by_status"]["error"] or not audit.written else 0


def _private(out: str) -> Path:
    """A folder on this machine for results that go elsewhere."""
    from qc_dsl.folders import cache_dir

    return cache_dir() / "bulk" / safe_name(out)


def _named(asked: Asked) -> str | None:
    if asked.connect is None or asked.endpoint_model:
        return asked.endpoint_model
    return Path(asked.model or os.environ.get("QC_MODEL") or "demo").name


@contextmanager
def _store(work: Path, name: str, asked: Asked) -> Iterator[AnswerBook]:
    """The run's own answers, which also keep other runs out of the folder."""
    from qc_runtime.cache import Layered

    with (
        own_answers(work, f"answers{name}.sqlite") as store,
        shared_cache(asked.no_cache) as kept,
    ):
        if asked.fresh:
            store.clear()
        yield Layered(store, kept, fresh=asked.fresh)


def _judge(
    job: Job,
    parts: Sequence[Part],
    asked: Asked,
    parted: BulkOptions,
    store: AnswerBook,
    audit: Audit,
) -> list[PartReport]:
    """The reports of all these parts, judged now or before."""
    from qc_runtime.bulk.cluster import judge_on_cluster
    from qc_runtime.bulk.running import judge_parts, left

    reports: dict[int, PartReport] = {}
    rows = sum(part.cases for part in parts)
    with progress() as tell, at_work(job.program.id, asked.limits, tell) as at:

        def told(report: PartReport) -> None:
            reports[report.part] = report
            tell(sum(one.rows for one in reports.values()), rows)

        todo = left(job, parts, told)
        tell.begin(sum(one.rows for one in reports.values()))
        try:
            if cluster := parted.cluster():
                make = partial(_elsewhere, asked, job.work)
                judge_on_cluster(job, todo, make, cluster, told)
            else:
                watching = at.watching(audit.watching)
                with _worker(
                    asked, job.work, watching, at.pace, lambda part: nullcontext(store)
                ) as w:
                    judge_parts(job, todo, w, told)
        except KeyboardInterrupt:
            _how_to_go_on(len(reports), len(parts), job.out)
            raise
        at.counted(rows, sum(one.counts["model"]["requests"] for one in reports.values()))
    return [reports[number] for number in sorted(reports)]


@contextmanager
def _worker(
    asked: Asked,
    work: Path,
    watching: Callable[[Connect | None], Connect | None],
    pace: Callable[[], None],
    book: Callable[[Part], object],
) -> Iterator[Worker]:
    from qc_runtime.bulk.judging import Worker
    from qc_runtime.bulk.pipeline import Pipeline

    connect = asked.better.routine(asked.connect, asked.endpoint, work)
    tiers = asked.better.tiers(work, bool(asked.endpoint), watching)
    with Pipeline(watching(connect), explain=asked.explain, tiers=tiers, pace=pace) as pipeline:
        yield Worker(pipeline, book)  # type: ignore[arg-type]


@contextmanager
def _elsewhere(asked: Asked, work: Path) -> Iterator[Worker]:
    """A worker in a process of a cluster: each part has a store of its own."""
    with progress() as tell, at_work(asked.program.id, asked.limits, tell) as at:
        watching = at.watching(lambda connect: connect)
        book = partial(_book_of_part, asked, work)
        with _worker(asked, work, watching, at.pace, book) as worker:
            yield worker


@contextmanager
def _book_of_part(asked: Asked, work: Path, part: Part) -> Iterator[AnswerBook]:
    from qc_runtime.bulk.running import answers_path
    from qc_runtime.cache import Layered
    from qc_runtime.store import AnswerStore

    with AnswerStore(answers_path(work, part)) as store, shared_cache(asked.no_cache) as cache:
        yield Layered(store, cache, fresh=asked.fresh)


def _how_to_go_on(done: int, parts: int, out: Place) -> None:
    typer.echo(
        tr(
            f"已停止。{parts} 批里做完的 {done} 批在 {out}，再运行同一命令即可接着做",
            f"Stopped. {done} of {parts} parts are in {out}: run the same command to go on",
        ),
        err=True,
    )


def show(judged: Whole, out: Place, summary: str, parts: Sequence[int], workbook: bool) -> None:
    """Write the summary and, for a whole run, the workbook; print what came out."""
    import json

    from rich.console import Console

    from qc_runtime.bulk.reports import FOLDER
    from qc_runtime.bulk.workbook import LINES, NAME, write_workbook
    from qc_runtime.report.terminal import print_summary

    files = [out.child(FOLDER), out.child(summary)]
    text = json.dumps(judged.summary, ensure_ascii=False, indent=2) + "\n"
    all_there = not workbook or write_workbook(out, judged, parts)
    out.child(summary).write(text.encode())
    files += [out.child(NAME)] if workbook else []
    print_summary(Console(), judged.summary, judged.info, files)
    if not all_there:
        typer.echo(
            tr(
                f"{NAME} 每页只有前 {LINES:,} 行；全部结果在 {FOLDER} 里",
                f"{NAME} has only the first {LINES:,} lines a sheet; {FOLDER} has everything",
            )
        )
    if len(routine := {one[0] for one in judged.asked if one}) > 1:
        typer.echo(_several_models(sorted(routine)), err=True)


def _several_models(models: Sequence[str]) -> str:
    listed = "、".join(models)
    return tr(
        f"注意：各批问的模型或设置不同：{listed}",
        f"Note: parts were put to different models or settings: {listed}",
    )
