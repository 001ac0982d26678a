"""``qc run``: a data file in, an outcome for every record out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli import options
from qc_runtime.cli.data import Data, read_cases, read_tables
from qc_runtime.cli.options import (
    Endpoint,
    EndpointModel,
    Limit,
    Model,
    NoModel,
    Rulebook,
    connector,
)
from qc_runtime.cli.progress import progress

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_runtime.judge import Judged
    from qc_runtime.records import RecordSet
    from qc_runtime.report.summary import RunInfo, TableInfo
    from qc_runtime.store import AnswerStore
    from qc_runtime.tables.load import Loaded


class Explain(StrEnum):
    ALL = "all"
    FAIL = "fail"
    NONE = "none"


def run(
    rulebook: Rulebook,
    data: options.Data,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=tr("结果文件夹（默认 out/编号）", "default: out/ID")),
    ] = None,
    model: Model = None,
    no_model: NoModel = False,
    endpoint: Endpoint = None,
    endpoint_model: EndpointModel = None,
    limit: Limit = None,
    explain: Annotated[
        Explain, typer.Option(help=tr("给哪些结论写说明", "which verdicts get an explanation"))
    ] = Explain.FAIL,
    fresh: Annotated[
        bool, typer.Option("--fresh", help=tr("不用已有回答，从头开始", "forget earlier answers"))
    ] = False,
) -> None:
    from rich.console import Console

    from qc_compiler.pipeline import compile_file
    from qc_runtime.judge import judge
    from qc_runtime.outcome import Status
    from qc_runtime.report.summary import summarise
    from qc_runtime.report.terminal import print_summary

    connect = connector(model, no_model, endpoint, endpoint_model)
    program = compile_file(rulebook)
    given = read_cases(program, data, limit)
    folder = out or Path("out") / program.id
    started = datetime.now().astimezone()
    with (
        _answers(folder) as store,
        read_tables(given, folder, "run") as read,
        progress() as tell,
    ):
        if fresh:
            store.clear()
        try:
            judged = judge(
                program,
                read.records,
                connect,
                store,
                explain=explain.value,
                progress=tell,
                database=read.database,
            )
        except KeyboardInterrupt:
            _how_to_go_on(len(store), folder)
            raise
    named = endpoint_model or (None if judged.usage is None else _model_name(model))
    info = _info(program, read, judged, started, named)
    summary = summarise(judged.outcomes, info)
    files = _write(folder, judged, read.records, summary, info)
    print_summary(Console(), summary, info, files)
    failed = any(outcome.status is Status.ERROR for outcome in judged.outcomes)
    raise typer.Exit(1 if failed else 0)


@contextmanager
def _answers(folder: Path) -> Iterator[AnswerStore]:
    """The run's store of answers. A run that cannot even begin leaves no folder behind."""
    from qc_runtime.store import FILE_NAME, AnswerStore

    made = [path for path in (folder, *folder.parents) if not path.exists()]
    answers = 0
    try:
        with AnswerStore(folder / FILE_NAME) as store:
            try:
                yield store
            finally:
                answers = len(store)
    except QcError:
        if made and not answers:
            for end in ("", "-wal", "-shm"):
                (folder / f"{FILE_NAME}{end}").unlink(missing_ok=True)
            for path in made:
                path.rmdir()
        raise


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
