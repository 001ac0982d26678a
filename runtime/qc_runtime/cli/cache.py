"""``qc cache``: the answers that all runs share: show, prune, export, import."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr
from qc_runtime.cli.misused import Commands
from qc_runtime.cli.options import usage

if TYPE_CHECKING:
    from qc_runtime.cache import CacheFile
    from qc_runtime.cache.care import Pruned, Share

app = typer.Typer(
    cls=Commands,
    help=tr("各次运行共用的回答缓存", "The answer cache that all runs share"),
)

_File = Annotated[
    Path, typer.Argument(metavar="FILE.jsonl", help=tr("文件", "the file"), show_default=False)
]
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@app.command(help=tr("条数、大小、各模型、最旧、命中", "Entries, size, models, oldest, hits"))
def show(
    json_: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
) -> None:
    from qc_runtime.cache import cache_path
    from qc_runtime.cache.care import shares, size_on_disk

    with _opened() as cache:
        found = shares(cache)
    path = cache_path()
    size = size_on_disk(path)
    if json_:
        content = {
            "path": str(path),
            "size": size,
            "answers": sum(one.answers for one in found),
            "hits": sum(one.hits for one in found),
            "models": [asdict(one) | {"name": model_name(one.identity)} for one in found],
        }
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    _print(found, size, path)


def _print(found: list[Share], size: int, path: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    answers, hits = sum(one.answers for one in found), sum(one.hits for one in found)
    zh = f"{answers} 条回答，{megabytes(size)}，命中 {hits} 次"
    typer.echo(tr(zh, f"{answers} answers, {megabytes(size)}, {hits} hits"))
    if found:
        oldest = min(one.oldest for one in found)
        typer.echo(tr(f"最旧的：{oldest}", f"oldest: {oldest}"))
        table = Table(tr("模型", "model"))
        for head in (tr("条数", "answers"), tr("大小", "size"), tr("命中", "hits")):
            table.add_column(head, justify="right", no_wrap=True)
        table.add_column(tr("最旧", "oldest"), no_wrap=True)
        table.add_column(tr("最近使用", "last used"), no_wrap=True)
        for one in found:
            numbers = (str(one.answers), megabytes(one.size), str(one.hits))
            table.add_row(model_name(one.identity), *numbers, one.oldest[:10], one.used[:10])
        Console().print(table)
    typer.echo(tr(f"文件：{path}", f"file: {path}"))


@app.command(help=tr("清理：久不用的、太多的、某个模型的", "Throw out what is not worth its room"))
def prune(
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help=tr("多久没有用到的，如 90d、12h", "not used for so long, like 90d or 12h"),
        ),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help=tr(
                "最多留多大，如 1GB；最久不用的先清", "keep so much, like 1GB, the latest used"
            ),
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=tr(
                "只清这个模型的；单独写时全清", "only this model's answers; alone: all of them"
            ),
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=tr("只说会清理多少", "only say how much would go"))
    ] = False,
) -> None:
    from qc_runtime.cache.care import Pruning, prune

    if older_than is None and max_size is None and model is None:
        zh = "--older-than、--max-size、--model 至少写一个"
        raise QcError(usage(zh, "Give --older-than, --max-size or --model"))
    age = None if older_than is None else _age(older_than)
    size = None if max_size is None else _size(max_size)
    if age is None and size is None:
        age = timedelta(0)
    with _opened() as cache:
        pruned = prune(cache, Pruning(age, size, _identities(model)), dry_run=dry_run)
    _tell(pruned, dry_run)


def _tell(pruned: Pruned, dry_run: bool) -> None:
    amount = f"{pruned.answers}", megabytes(pruned.size), f"{pruned.left}"
    zh = "会清理" if dry_run else "已清理"
    en = "would go" if dry_run else "went"
    typer.echo(
        tr(
            f"{zh} {amount[0]} 条（{amount[1]}），留下 {amount[2]} 条",
            f"{amount[0]} answers ({amount[1]}) {en}, {amount[2]} left",
        )
    )


@app.command("export", help=tr("写成一个文件，每行一条回答", "Write all answers to a file"))
def export_(file: _File) -> None:
    from qc_runtime.cache.carry import export_to

    with _opened() as cache:
        count = export_to(cache, file)
    typer.echo(tr(f"{count} 条回答写入 {file}", f"{count} answers written to {file}"))


@app.command("import", help=tr("加入一个文件里的回答", "Add the answers of a file"))
def import_(file: _File) -> None:
    from qc_runtime.cache.carry import import_from

    with _opened() as cache:
        taken, total = import_from(cache, file)
    zh = f"加入 {taken} 条，另外 {total - taken} 条这里已有"
    typer.echo(tr(zh, f"{taken} answers added; {total - taken} were here already"))


@contextmanager
def _opened() -> Iterator[CacheFile]:
    from qc_runtime.cache import CacheFile, cache_path
    from qc_runtime.cache.file import speaking

    path = cache_path()
    with speaking(path), CacheFile(path) as cache:
        yield cache


def _identities(model: str | None) -> tuple[str, ...]:
    """What a model's answers' identities have in them: a known model's checksum, or the name."""
    from qc_runtime.models import MODELS

    if model is None:
        return ()
    return (MODELS[model].sha256,) if model in MODELS else (model,)


def model_name(identity: str) -> str:
    """A back end's identity for a person: a known model's name in place of its checksum."""
    from qc_runtime.models import MODELS

    for model in MODELS.values():
        identity = identity.replace(model.sha256, model.name)
    short = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", identity)
    return short or tr("不详", "unknown")


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _age(text: str) -> timedelta:
    """``90d``, ``12h``, ``2w``, ``30m``."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip().lower())
    if not found:
        raise QcError(_unread(text, Text("90d、12h、2w、30m", "90d, 12h, 2w, 30m")))
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _size(text: str) -> int:
    """``1GB``, ``500MB``: powers of a thousand."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT]?)B?", text.strip().upper())
    if not found:
        raise QcError(_unread(text, Text("1GB、500MB", "1GB, 500MB")))
    return int(float(found[1]) * 1000 ** _POWERS[found[2]])


def _unread(text: str, shapes: Text) -> Diagnostic:
    return usage(
        f"看不懂“{text[:20]}”，可以写：{shapes.zh}", f"Cannot read “{text[:20]}”; write {shapes.en}"
    )
