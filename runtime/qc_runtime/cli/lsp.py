"""``qc lsp``: the language server that editors start."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli.options import usage


def lsp(
    stdio: Annotated[
        bool, typer.Option("--stdio", help=tr("缺省就是；有的编辑器会写", "is so anyway"))
    ] = False,
) -> None:
    if find_spec("pygls") is None:
        zh = "没有安装 pygls：pip install 'qc-rulebook[lsp]'"
        raise QcError(usage(zh, "pygls is not installed: pip install 'qc-rulebook[lsp]'"))
    from qc_runtime.lsp.server import serve

    serve()
