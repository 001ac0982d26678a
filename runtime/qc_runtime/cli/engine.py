"""The model on this machine: what makes its back end, and what is said of how it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.lang import tr

if TYPE_CHECKING:
    from pathlib import Path

    from qc_runtime.backend import Backend
    from qc_runtime.machine.choice import Chosen
    from qc_runtime.machine.fitting import FittedBackend

Engine = Annotated[
    str | None,
    typer.Option(
        metavar="n_ctx=16384,cache=q8_0",
        help=tr(
            "引擎设置，不写的由本机配置决定（也可用 QC_ENGINE）",
            "engine settings; others suit this machine (also QC_ENGINE)",
        ),
    ),
]


@dataclass(frozen=True)
class LlamaConnect:
    """Makes the back end of a model, in settings that fit this machine. Others are sent it."""

    model: str | None = None
    engine: str | None = None

    def __call__(self) -> Backend:
        from functools import partial

        from qc_runtime.llama.backend import LlamaBackend
        from qc_runtime.llama.worker import WorkerBackend
        from qc_runtime.machine.fitting import FittedBackend
        from qc_runtime.models import fingerprint, locate

        path = locate(self.model)
        chosen = _chosen(path, self.engine)
        make = partial(LlamaBackend, path, settings=chosen.settings, fingerprint=fingerprint(path))
        return FittedBackend(WorkerBackend(make), chosen, tell_engine)

    def in_this_process(self) -> FittedBackend:
        """The same without a process of its own, for measuring. QC542 where it does not fit."""
        from qc_runtime.llama.backend import LlamaBackend
        from qc_runtime.machine.fitting import FittedBackend
        from qc_runtime.models import locate

        path = locate(self.model)
        chosen = _chosen(path, self.engine)
        return FittedBackend(LlamaBackend(path, settings=chosen.settings), chosen, tell_engine)


def _chosen(path: Path, engine: str | None) -> Chosen:
    from qc_runtime.machine.fitting import chosen_for

    return chosen_for(path, engine)


def tell_engine(chosen: Chosen) -> None:
    """A line of how the model runs, and what of that is not as it should be."""
    from qc_dsl.errors import render

    said = chosen.as_json()
    layers = said["n_gpu_layers"]
    on_card = tr("全部", "all") if layers < 0 else str(layers)
    cache = said["cache_type_k"]
    typer.echo(
        tr(
            f"模型设置：n_ctx {said['n_ctx']}，{said['n_threads']} 线程，"
            f"缓存 {cache}，GPU 层数 {on_card}",
            f"Model settings: n_ctx {said['n_ctx']}, {said['n_threads']} threads, "
            f"cache {cache}, GPU layers {on_card}",
        ),
        err=True,
    )
    for note in chosen.notes:
        typer.echo(render(note), err=True)
