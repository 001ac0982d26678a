"""``qc rule``: what a diagnostic code means, with a bad and a good example."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import current, tr
from qc_runtime.cli.options import usage

if TYPE_CHECKING:
    from qc_dsl.codes import CodeDoc


def rule(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE", help=tr("错误号，如 QC101；不写时列出全部", "such as QC101; else all")
        ),
    ] = None,
) -> None:
    from qc_dsl.codes import codes

    known = codes()
    if code is None:
        for doc in known.values():
            typer.echo(_head(doc))
        return
    if (found := known.get(code.strip().upper())) is None:
        raise QcError(_no_code(code, list(known)))
    typer.echo("\n".join(_lines(found)))


def _head(doc: CodeDoc) -> str:
    kind = tr("（警告）", "(warning) ") if doc.warning else ""
    return f"{doc.code}  {kind}{doc.meaning}"


def _lines(doc: CodeDoc) -> list[str]:
    lines = [_head(doc)]
    for example in doc.examples_in(current()):
        lines += ["", tr("这样写：", "Good:") if example.good else tr("不对：", "Bad:")]
        lines += [f"    {line}".rstrip() for line in example.body.splitlines()]
    if doc.code.startswith("QC3") and doc.code != "QC310":
        lines += [
            "",
            tr(
                "确实要这样写时，在那一行或上一行写：",
                "To allow it at one place, on its line or above:",
            ),
        ]
        lines.append(f"    # qc: {tr('允许', 'allow')} {doc.code} {tr('理由', 'REASON')}")
    return lines


def _no_code(code: str, known: list[str]) -> Diagnostic:
    wrong = usage(f"没有错误号“{code}”", f"There is no code “{code}”")
    return replace(wrong, help=did_you_mean(code.upper(), known))
