"""``qc check``: every mistake of every rulebook named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError, render
from qc_dsl.lang import tr

if TYPE_CHECKING:
    from qc_compiler.allowed import Allowed
    from qc_compiler.analyse import Hit
    from qc_compiler.program import Program


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


@dataclass(frozen=True)
class Checked:
    """What is wrong with one rulebook, and what would be if it were not allowed at its place."""

    rulebook: Path
    found: tuple[Diagnostic, ...]
    allowed: tuple[Allowed, ...] = ()

    def count(self, severity: str) -> int:
        return sum(diagnostic.severity == severity for diagnostic in self.found)


def check(
    rulebooks: Annotated[
        list[Path], typer.Argument(metavar="RULEBOOK…", help=tr("规则集文件", "rulebook files"))
    ],
    format_: Annotated[
        Format, typer.Option("--format", help=tr("输出格式", "output format"))
    ] = Format.TEXT,
    strict: Annotated[
        bool, typer.Option("--strict", help=tr("有警告也算不通过", "warnings fail too"))
    ] = False,
    data: Annotated[
        list[str],
        typer.Option(
            metavar="[NAME=]FILE",
            help=tr(
                "病例和表：矛盾的规则用其中真实的病例作例子，可重复",
                "records and tables: contradictions are shown by them, repeatable",
            ),
        ),
    ] = [],  # noqa: B006 (the command line's default is never changed)
) -> None:
    checked = [review_file(path, data) for path in rulebooks]
    if format_ is Format.TEXT:
        typer.echo("\n".join(_text(checked)))
    else:
        from qc_runtime.cli import check_formats

        write = {
            Format.JSON: check_formats.as_json,
            Format.SARIF: check_formats.as_sarif,
            Format.JUNIT: lambda found: check_formats.as_junit(found, strict=strict),
            Format.GITHUB: check_formats.as_github,
        }[format_]
        if out := write(checked):
            typer.echo(out)
    failed = sum(one.count("error") + (one.count("warning") if strict else 0) for one in checked)
    raise typer.Exit(1 if failed else 0)


def _text(checked: list[Checked]) -> list[str]:
    lines: list[str] = []
    for one in checked:
        lines += map(render, one.found)
        if not one.found:
            lines.append(f"{one.rulebook}: " + tr("没有错误", "no mistakes"))
        if allowed := len(one.allowed):
            noun = "findings" if allowed > 1 else "finding"
            lines.append(
                f"{one.rulebook}: " + tr(f"另有 {allowed} 处已允许", f"{allowed} {noun} allowed")
            )
    if errors := sum(one.count("error") for one in checked):
        lines.append(tr(f"共 {errors} 处错误", f"{errors} mistake{'s' * (errors > 1)}"))
    return lines


def diagnose(path: Path) -> tuple[Diagnostic, ...]:
    """Everything wrong with one file: its errors, or else the warnings about its rules."""
    return review_file(path).found


def review_file(path: Path, data: Sequence[str] = ()) -> Checked:
    """The same, with what the file allows at its place; contradictions also by some data."""
    from qc_compiler.analyse import review
    from qc_compiler.pipeline import read_and_compile
    from qc_dsl.reader import read_source

    try:
        rulebook, program = read_and_compile(read_source(path))
        reviewed = review(program, rulebook, _seen(program, data) if data else ())
        return Checked(path, reviewed.found, reviewed.allowed)
    except QcError as error:
        return Checked(path, error.diagnostics)


def _seen(program: Program, data: Sequence[str]) -> list[Hit]:
    """The contradictions that records of the data run into. Raises `QcError`."""
    import tempfile

    from qc_runtime.cli.data import read_cases, read_tables
    from qc_runtime.workbench.contradicted import contradicted

    given = read_cases(program, data)
    with (
        tempfile.TemporaryDirectory(prefix="qc-") as folder,
        read_tables(given, Path(folder), "tables") as read,
    ):
        return list(contradicted(program, read.records, read.database))
