"""Options that several commands share, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr
from qc_runtime.cli.engine import Engine, LlamaConnect

if TYPE_CHECKING:
    from qc_runtime.backend import Backend

Rulebook = Annotated[
    Path, typer.Argument(metavar="RULEBOOK", help=tr("规则集文件", "rulebook file"))
]
Data = Annotated[
    list[str],
    typer.Option(
        metavar="[NAME=]FILE",
        help=tr(
            "病例文件；表写作 表名=文件，可重复；也可以是每表一个文件的文件夹，或每表一页的工作簿",
            "the records; NAME=FILE for a table, repeatable; or a folder or workbook of tables",
        ),
    ),
]
Model = Annotated[
    str | None, typer.Option(help=tr("模型名称或 GGUF 文件", "model name or GGUF file"))
]
NoModel = Annotated[
    bool, typer.Option("--no-model", help=tr("只用规则，不用模型", "rules only, no model"))
]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help=tr("OpenAI 兼容接口地址", "OpenAI-compatible service")),
]
EndpointModel = Annotated[
    str | None, typer.Option(metavar="NAME", help=tr("接口上的模型名", "the model's name there"))
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help=tr("不读也不写各次运行共用的回答缓存", "leave the answer cache that runs share alone"),
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help=tr("只取前 N 例", "only the first N records"))
]


def connector(
    model: str | None,
    no_model: bool,
    endpoint: str | None,
    endpoint_model: str | None,
    engine: str | None = None,
) -> Callable[[], Backend] | None:
    """What makes the back end that these options name, or `None` for rules only."""
    if no_model and (model or endpoint):
        raise QcError(
            usage("--no-model 不能与 --model、--endpoint 同用", "--no-model excludes both")
        )
    if endpoint and model:
        raise QcError(usage("--model 与 --endpoint 只能用一个", "Give --model or --endpoint"))
    if bool(endpoint) != bool(endpoint_model):
        zh = "--endpoint 与 --endpoint-model 要一起用"
        raise QcError(usage(zh, "--endpoint and --endpoint-model go together"))
    if engine and (no_model or endpoint):
        zh = "--engine 是本机模型的设置，不能与 --no-model、--endpoint 同用"
        raise QcError(usage(zh, "--engine is for a model here: not with --no-model, --endpoint"))
    if no_model:
        return None
    if endpoint and endpoint_model:
        return lambda: _endpoint(endpoint, endpoint_model)
    return LlamaConnect(model, engine)


Connect = Optional[Callable[[], "Backend"]]  # noqa: UP045 (the name is known to types only)
Command = Callable[..., None]


def with_model(command: Command) -> Command:
    """Give a command the options that name a model; it gets ``connect`` made of them."""

    @wraps(command)
    def called(
        *,
        model: str | None = None,
        no_model: bool = False,
        endpoint: str | None = None,
        endpoint_model: str | None = None,
        engine: str | None = None,
        **rest: Any,
    ) -> None:
        made = connector(model, no_model, endpoint, endpoint_model, engine)
        command(connect=made, **rest)

    added = {
        "no_model": (NoModel, False),
        "model": (Model, None),
        "endpoint": (Endpoint, None),
        "endpoint_model": (EndpointModel, None),
        "engine": (Engine, None),
    }
    return with_options(called, command, "connect", added)


def with_options(
    called: Command, command: Command, instead_of: str, added: Mapping[str, tuple[Any, Any]]
) -> Command:
    """``called`` with the command's signature, but these options instead of one parameter.

    ``added`` are annotations and defaults by name; typer reads both.
    """
    own = signature(command, eval_str=True)
    kept = [one for one in own.parameters.values() if one.name != instead_of]
    kept += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in added.items()
    ]
    called.__signature__ = own.replace(parameters=kept)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in kept}
    return called


def usage(zh: str, en: str) -> Diagnostic:
    return Diagnostic("QC611", Text(zh, en))


def _endpoint(url: str, model: str) -> Backend:
    from qc_runtime.endpoint.backend import EndpointBackend

    return EndpointBackend(url, model)


def safe_name(rulebook_id: str) -> str:
    """A rulebook's id as part of a file name."""
    return "".join(ch if ch.isalnum() or ch in "-_" else "_" for ch in rulebook_id)
