"""Options that several commands share, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr

if TYPE_CHECKING:
    from qc_runtime.backend import Backend

Rulebook = Annotated[
    Path, typer.Argument(metavar="RULEBOOK", help=tr("规则集文件", "rulebook file"))
]
Data = Annotated[
    Path,
    typer.Option(help=tr("病历数据：CSV、XLSX、Parquet、JSONL", "CSV, XLSX, Parquet or JSONL")),
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
Limit = Annotated[
    int | None, typer.Option(min=1, help=tr("只取前 N 例", "only the first N records"))
]


def connector(
    model: str | None, no_model: bool, endpoint: str | None, endpoint_model: str | None
) -> Callable[[], Backend] | None:
    """What makes the back end that these options name, or `None` for rules only."""
    if no_model and (model or endpoint):
        raise QcError(
            _usage("--no-model 不能与 --model、--endpoint 同用", "--no-model excludes both")
        )
    if endpoint and model:
        raise QcError(_usage("--model 与 --endpoint 只能用一个", "Give --model or --endpoint"))
    if bool(endpoint) != bool(endpoint_model):
        zh = "--endpoint 与 --endpoint-model 要一起用"
        raise QcError(_usage(zh, "--endpoint and --endpoint-model go together"))
    if no_model:
        return None
    if endpoint and endpoint_model:
        return lambda: _endpoint(endpoint, endpoint_model)
    return lambda: _llama(model)


def _usage(zh: str, en: str) -> Diagnostic:
    return Diagnostic("QC611", Text(zh, en))


def _endpoint(url: str, model: str) -> Backend:
    from qc_runtime.endpoint import EndpointBackend

    return EndpointBackend(url, model)


def _llama(model: str | None) -> Backend:
    from qc_runtime.llama.backend import LlamaBackend
    from qc_runtime.models import fingerprint, locate

    path = locate(model)
    return LlamaBackend(path, fingerprint=fingerprint(path))


def answers_path(rulebook_id: str) -> Path:
    """Where answers are kept when a command has no output folder: in the user's cache."""
    from qc_runtime.models import cache_dir

    safe = "".join(ch if ch.isalnum() or ch in "-_" else "_" for ch in rulebook_id)
    return cache_dir() / "answers" / f"{safe}.sqlite"
