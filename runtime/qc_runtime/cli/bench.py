"""``qc bench``: how fast this machine is, and how long a rulebook's records take it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli import options
from qc_runtime.cli.data import read_cases, read_tables
from qc_runtime.cli.engine import Engine, LlamaConnect

if TYPE_CHECKING:
    from qc_runtime.machine.speed import Speed
    from qc_runtime.machine.workload import Forecast, Workload

_SIZES = (1_000, 20_000, 100_000)


def bench(
    rulebook: Annotated[
        Path | None, typer.Argument(metavar="[RULEBOOK]", help=tr("规则集文件", "rulebook file"))
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]FILE", help=tr("病例文件和表", "the records and tables")),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help=tr("大约用多少秒", "about how long"))
    ] = 60.0,
    model: options.Model = None,
    engine: Engine = None,
    limit: options.Limit = None,
    json_: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
) -> None:
    from qc_runtime.machine.speed import measure
    from qc_runtime.machine.workload import forecast

    if (rulebook is None) != (not data):
        raise QcError(options.usage("规则集和 --data 要一起给", "RULEBOOK and --data go together"))
    work = _workload(rulebook, data, limit) if rulebook and data else None
    backend = LlamaConnect(model, engine).in_this_process()
    try:
        speed = measure(backend, work.questions if work else (), seconds, _tell)
    finally:
        backend.close()
    ahead = forecast(work, speed.questions, (work.records, *_SIZES)) if work else []
    if json_:
        said = _as_json(speed, work, ahead) | {"engine": backend.engine}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
        return
    _print(speed, work, ahead)


def _workload(rulebook: Path, data: list[str], limit: int | None) -> Workload:
    from qc_compiler.pipeline import compile_file
    from qc_runtime.machine.workload import workload

    program = compile_file(rulebook)
    given = read_cases(program, data, limit)
    with (
        tempfile.TemporaryDirectory(prefix="qc-") as folder,
        read_tables(given, Path(folder), "bench") as read,
    ):
        return workload(program, read.records, read.database)


def _tell(stage: str) -> None:
    word, _, width = stage.partition(" ")
    named = {
        "prompt": tr("载入模型，测读取速度 …", "loading, then reading …"),
        "write": tr(f"测生成速度，{width} 路 …", f"writing, {width} at once …"),
        "questions": tr("测提问速度 …", "asking …"),
    }
    typer.echo(named[word], err=True)


def _print(speed: Speed, work: Workload | None, ahead: list[Forecast]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_row(tr("读取提示词", "reading"), _rate(speed.prompt, tr("词元", "tokens")))
    for width, rate in speed.written.items():
        name = tr(f"生成，{width} 路", f"writing, {width} at once")
        table.add_row(name, _rate(rate, tr("词元", "tokens")))
    table.add_row(tr("提问", "questions"), _rate(speed.questions, tr("个", "questions")))
    if work:
        share = tr(f"{work.share:.1%}（{work.decided}/{work.records}）", f"{work.share:.1%}")
        table.add_row(tr("不用模型就定的病例", "decided without a model"), share)
        each = f"{work.questions_a_record:.3f}"
        table.add_row(tr("平均每例提问", "questions a record"), each)
        table.add_row(tr("每小时病例", "records an hour"), _hourly(work, speed))
    for one in ahead:
        name = tr(f"{one.records:,} 例", f"{one.records:,} records")
        table.add_row(name, tr(f"约 {one.hours:.2f} 小时", f"about {one.hours:.2f} hours"))
    Console().print(table)


def _rate(count: float, unit: str) -> str:
    shown = f"{count:.1f}" if count >= 1 else f"{count:.2g}"
    return tr(f"{shown} {unit}/秒", f"{shown} {unit}/s")


def records_an_hour(work: Workload, speed: Speed) -> float | None:
    """`None` where the model is not asked at all: then the data is all there is to read."""
    each = work.questions_a_record
    return speed.questions / each * 3600 if each else None


def _hourly(work: Workload, speed: Speed) -> str:
    count = records_an_hour(work, speed)
    return tr("不用模型", "no model needed") if count is None else f"{count:,.0f}"


def _as_json(speed: Speed, work: Workload | None, ahead: list[Forecast]) -> dict[str, Any]:
    said: dict[str, Any] = {"speed": asdict(speed), "workload": None}
    if work:
        said["workload"] = {
            "records": work.records,
            "decided": work.decided,
            "share": work.share,
            "questions": len(work.questions),
            "questions_a_record": work.questions_a_record,
            "records_an_hour": records_an_hour(work, speed),
        }
    return said | {"forecast": [asdict(one) for one in ahead]}
