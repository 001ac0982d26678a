"""``qc check``: every mistake of every rulebook named."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError, render
from qc_dsl.lang import tr


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def check(
    rulebooks: Annotated[
        list[Path], typer.Argument(metavar="RULEBOOK…", help=tr("规则集文件", "rulebook files"))
    ],
    format_: Annotated[
        Format, typer.Option("--format", help=tr("输出格式", "output format"))
    ] = Format.TEXT,
) -> None:
    found = {path: diagnose(path) for path in rulebooks}
    errors = sum(d.severity == "error" for ds in found.values() for d in ds)
    if format_ is Format.JSON:
        listed = [d.as_json() | {"rulebook": str(p)} for p, ds in found.items() for d in ds]
        content = {"rulebooks": len(found), "errors": errors, "diagnostics": listed}
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
    else:
        for path, diagnostics in found.items():
            for diagnostic in diagnostics:
                typer.echo(render(diagnostic))
            if not diagnostics:
                typer.echo(f"{path}: " + tr("没有错误", "no mistakes"))
        if errors:
            typer.echo(tr(f"共 {errors} 处错误", f"{errors} mistake{'s' * (errors > 1)}"))
    raise typer.Exit(1 if errors else 0)


def diagnose(path: Path) -> tuple[Diagnostic, ...]:
    """Everything wrong with one file: its errors, or else the warnings about its rules."""
    from qc_compiler.analyse import analyse
    from qc_compiler.pipeline import read_and_compile
    from qc_dsl.reader import read_source

    try:
        rulebook, program = read_and_compile(read_source(path))
        return analyse(program, rulebook)
    except QcError as error:
        return error.diagnostics
