"""``qc audit``: who ran what, and whether the log of it is as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr
from qc_runtime.cli.misused import Commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qc_runtime.audit import Log
    from qc_runtime.audit.verify import Break

app = typer.Typer(
    cls=Commands,
    help=tr("审计记录：谁用什么规则集、模型、数据运行了什么", "The audit log: who ran what"),
)

_File = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help=tr(
            "审计文件；缺省为 QC_AUDIT 或用户数据目录里的", "the log; by default QC_AUDIT or yours"
        ),
        show_default=False,
    ),
]
_SHOWN = 20  # breaks and notes


@app.command(help=tr("核对校验和链", "Check the hash chain"))
def verify(
    file: _File = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHA256",
            help=tr("另处保存的校验和，必须在其中", "a hash kept elsewhere, which must be in it"),
        ),
    ] = None,
) -> None:
    from qc_runtime.audit import verify as verify_log

    path, log = _read(file)
    found = verify_log(log, expect or ())
    _list(path, found.notes, tr("注意", "note"))
    _list(path, found.breaks, tr("断开", "break"))
    if found.breaks:
        typer.echo(tr("校验和链不成立", "The chain does not hold"))
        raise typer.Exit(1)
    typer.echo(
        tr(
            f"{found.lines} 行，校验和链完好。最后一行的校验和请另处保存：\n{found.last}",
            f"{found.lines} lines, the chain holds. Keep the last line's hash elsewhere:\n"
            f"{found.last}",
        )
    )


def _list(path: Path, places: Sequence[Break], label: str) -> None:
    for one in places[:_SHOWN]:
        typer.echo(f"{path}:{one.line}: {label}: {one.message}")
    if len(places) > _SHOWN:
        typer.echo(tr(f"另有 {len(places) - _SHOWN} 处", f"and {len(places) - _SHOWN} more"))


@app.command(help=tr("列出最近的运行", "Show the latest runs"))
def show(
    file: _File = None,
    last: Annotated[int, typer.Option(min=1, help=tr("最近几行", "how many of the latest"))] = 20,
) -> None:
    from rich.console import Console
    from rich.table import Table

    from qc_runtime.audit.log import parsed

    path, log = _read(file)
    table = Table(tr("行", "line"), tr("时间", "time"), tr("用户", "user"), tr("命令", "command"))
    for head in (tr("规则集", "rulebook"), tr("模型", "model"), tr("结果", "outcomes")):
        table.add_column(head, overflow="fold")
    first = max(0, len(log.lines) - last)
    for number, line in enumerate(log.lines[first:], first + 1):
        table.add_row(str(number), *_cells(parsed(line) or {}))
    Console().print(table)
    typer.echo(str(path))


def _cells(entry: dict[str, Any]) -> list[str]:
    """One line's cells; a line that somebody wrote by hand may lack anything."""
    from qc_runtime.cli.cache import model_name
    from qc_runtime.report.labels import STATUS

    rulebook = entry.get("rulebook")
    status = entry.get("status")
    named = {one.value: str(word) for one, word in STATUS.items()}
    counts = status.items() if isinstance(status, dict) else ()
    models = entry.get("model")
    return [
        str(entry.get("time", "?"))[:16].replace("T", " "),
        f"{entry.get('user', '?')}@{entry.get('host', '?')}",
        str(entry.get("command", "?")),
        str(rulebook.get("id", "?")) if isinstance(rulebook, dict) else "?",
        "\n".join(model_name(str(one)) for one in models) if isinstance(models, list) else "?",
        "，".join(f"{named.get(name, name)} {count}" for name, count in counts)
        or str(entry.get("end", "?")),
    ]


def _read(file: Path | None) -> tuple[Path, Log]:
    from qc_runtime.audit import audit_path, read_log

    path = file or audit_path()
    try:
        return path, read_log(path)
    except OSError as error:
        reason = error.strerror or str(error)
        message = Text(f"读不了审计记录（{reason}）", f"The audit log cannot be read ({reason})")
        place = Text(str(path), str(path))
        raise QcError(Diagnostic("QC624", message, place=place)) from error
