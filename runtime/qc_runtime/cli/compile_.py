"""``qc compile``: what a rulebook becomes, stage by stage."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from qc_dsl.lang import tr
from qc_runtime.cli.options import Rulebook


class Stage(StrEnum):
    AST = "ast"
    IR = "ir"
    SQL = "sql"
    PROMPTS = "prompts"
    FULL_PROMPT = "full-prompt"
    JSON = "json"
    DIGEST = "digest"


def compile_(
    rulebook: Rulebook,
    emit: Annotated[Stage, typer.Option(help=tr("要看的阶段", "the stage to show"))] = Stage.JSON,
) -> None:
    from qc_compiler.emit import EMITTERS, digest
    from qc_compiler.pipeline import compile_file

    stages = {**EMITTERS, "digest": digest}
    typer.echo(stages[emit.value](compile_file(rulebook)))
