"""``qc schema``: the JSON Schema of a rulebook's YAML, for editors."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from qc_dsl.lang import tr


class Keys(StrEnum):
    ZH = "zh"
    EN = "en"
    BOTH = "both"


def schema(
    lang: Annotated[
        Keys, typer.Option(help=tr("键的语言", "the language of the keys"))
    ] = Keys.BOTH,
    part: Annotated[
        bool,
        typer.Option("--part", help=tr("被引用的文件的，不是规则集的", "of an included file")),
    ] = False,
) -> None:
    from qc_dsl.json_schema import json_schema

    content = json_schema(lang.value, part)
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
