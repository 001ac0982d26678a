"""``qc run``: a data file in, an outcome for every record out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.lang import tr
from qc_runtime.cli import options
from qc_runtime.cli.bulk_options import NOT_BULK, BulkOptions, with_bulk
from qc_runtime.cli.data import Data, Given, read_cases, read_tables
from qc_runtime.cli.engine import Engine
from qc_runtime.cli.kept import audited, own_answers, shared_cache
from qc_runtime.cli.offpeak import MaxLoad, Windows, at_work, limits_of
from qc_runtime.cli.options import (
    Endpoint,
    EndpointModel,
    Limit,
    Model,
    NoCache,
    NoModel,
    Rulebook,
    connector,
)
from qc_runtime.cli.progress import progress
from qc_runtime.cli.tiers import NO_TIERS, TierOptions, with_tiers

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_runtime.judging.judge import Judged
    from qc_runtime.records import RecordSet
    from qc_runtime.report.summary import RunInfo, TableInfo
    from qc_runtime.tables.load import Loaded


_MANY = 200_000  # records: beyond that, judging part by part is what suits


class Explain(StrEnum):
    ALL = "all"
    FAIL = "fail"
    NONE = "none"


@with_bulk
@with_tiers
def run(
    rulebook: Rulebook,
    data: options.Data,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help=tr("结果文件夹（默认 out/编号）", "default: out/ID")),
    ] = None,
    model: Model = None,
    no_model: NoModel = False,
    endpoint: Endpoint = None,
    endpoint_model: EndpointModel = None,
    engine: Engine = None,
    limit: Limit = None,
    explain: Annotated[
        Explain, typer.Option(help=tr("给哪些结论写说明", "which verdicts get an explanation"))
    ] = Explain.FAIL,
    fresh: Annotated[
        bool, typer.Option("--fresh", help=tr("不用已有回答，从头开始", "forget earlier answers"))
    ] = False,
    no_cache: NoCache = False,
    window: Windows = None,
    max_load: MaxLoad = None,
    better: TierOptions = NO_TIERS,
    parted: BulkOptions = NOT_BULK,
) -> None:
    from rich.console import Console

    from qc_compiler.pipeline import compile_file
    from qc_runtime.cache import Layered
    from qc_runtime.judging.judge import judge
    from qc_runtime.outcome import Status
    from qc_runtime.report.summary import summarise
    from qc_runtime.report.terminal import print_summary

    connect = connector(model, no_model, endpoint, endpoint_model, engine)
    better.check(no_model=no_model, endpoint=endpoint)
    limits = limits_of(window, max_load)
    program = compile_file(rulebook)
    folder = Path(out or Path("out") / program.id)
    if parted.wanted(data, program):
        from qc_runtime.cli.bulk import Asked, run_bulk

        parted.check(limit)
        asked = Asked(
            program=program,
            rulebook=rulebook,
            data=tuple(data),
            out=out or str(folder),
            connect=connect,
            model=model,
            endpoint=endpoint,
            endpoint_model=endpoint_model,
            explain=explain.value,
            fresh=fresh,
            no_cache=no_cache,
            limits=limits,
            better=better,
        )
        raise typer.Exit(run_bulk(asked, parted))
    given = read_cases(program, data, limit)
    _tell_size(given)
    connect = better.routine(connect, endpoint, folder)
    started = datetime.now().astimezone()
    with audited("run", rulebook, program, given) as audit:
        with (
            own_answers(folder) as store,
            shared_cache(no_cache) as cache,
            read_tables(given, folder, "run") as read,
            progress() as tell,
            at_work(program.id, limits, tell) as work,
        ):
            if fresh:
                store.clear()
            watching = work.watching(audit.watching)
            try:
                judged = judge(
                    program,
                    read.records,
                    watching(connect),
                    Layered(store, cache, fresh=fresh),
                    explain=explain.value,
                    progress=tell,
                    database=read.database,
                    tiers=better.tiers(folder, bool(endpoint), watching),
                    pace=work.pace,
                )
            except KeyboardInterrupt:
                _how_to_go_on(len(store), folder)
                raise
            work.ended(judged)
        audit.judged(judged.outcomes)
        named = endpoint_model or (None if judged.usage is None else _model_name(model))
        info = _info(program, read, judged, started, named)
        summary = summarise(judged.outcomes, info)
        files = _write(folder, judged, read.records, summary, info)
        print_summary(Console(), summary, info, files)
    failed = any(outcome.status is Status.ERROR for outcome in judged.outcomes)
    raise typer.Exit(1 if failed or not audit.written else 0)


def _tell_size(given: Given) -> None:
    """All of the records, and then all outcomes, are in memory: about a kilobyte each."""
    if given.records and (count := len(given.records)) > _MANY:
        typer.echo(
            tr(
                f"{count:,} 例全部读入了内存。Parquet 或 CSV 可加 --bulk 分批判断，内存有上限",
                f"{count:,} records are all in memory. With --bulk, Parquet and CSV are judged part"
                " by part, in bounded memory",
            ),
            err=True,
        )


def _how_to_go_on(answers: int, folder: Path) -> None:
    typer.echo(
        tr(
            f"已停止。{answers} 条回答已保存在 {folder}，再运行同一命令即可接着做",
            f"Stopped. {answers} answers are kept in {folder}: run the same command to go on",
        ),
        err=True,
    )


def _model_name(model: str | None) -> str:
    from qc_runtime.models import locate

    return locate(model).name


def _info(
    program: Program, data: Data, judged: Judged, started: datetime, model: str | None
) -> RunInfo:
    from qc_runtime.report.summary import RunInfo

    department = data.records.display.get(program.department) if program.department else None
    return RunInfo(
        title=program.title,
        id=program.id,
        version=program.version,
        basis=program.basis,
        data=str(data.sources),
        records=len(data.records),
        verdicts=tuple((verdict.name, verdict.kind.value) for verdict in program.verdicts),
        rules=tuple(rule.id for rule in program.rules),
        started=started,
        finished=datetime.now().astimezone(),
        model=model,
        usage=judged.usage,
        problems=data.unreadable,
        accounts=judged.accounts,
        departments=department,
        tables=tuple(_table_info(name, one) for name, one in data.tables.items()),
        absent=tuple(one.name for one in program.tables if one.name not in data.tables),
        has_findings=bool(program.obligations),
        has_score=program.score is not None,
        plans=judged.plans,
    )


def _table_info(name: str, one: Loaded) -> TableInfo:
    from qc_runtime.report.summary import TableInfo

    return TableInfo(name, str(one.source), one.rows, one.orphans, one.keyless, one.unreadable)


def _write(
    folder: Path, judged: Judged, records: RecordSet, summary: dict[str, object], info: RunInfo
) -> list[Path]:
    from qc_runtime.report.jsonl import write_jsonl
    from qc_runtime.report.summary import write_summary
    from qc_runtime.report.xlsx import write_xlsx

    write_jsonl(folder / "outcomes.jsonl", judged.outcomes)
    write_xlsx(folder / "outcomes.xlsx", judged.outcomes, records, info)
    write_summary(folder / "summary.json", summary)
    return [folder / name for name in ("outcomes.xlsx", "outcomes.jsonl", "summary.json")]
