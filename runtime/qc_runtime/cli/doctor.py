"""``qc doctor``: what this machine is, what fits on it, what to mend."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import Diagnostic, QcError, render
from qc_dsl.lang import tr
from qc_runtime.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from qc_runtime.llama.settings import LlamaSettings
    from qc_runtime.machine.checks import Findings
    from qc_runtime.machine.choice import Chosen
    from qc_runtime.machine.facts import Machine
    from qc_runtime.machine.plan import Plan
    from qc_runtime.machine.shape import Shape

_GB = 1e9
_SETTINGS = ("n_ctx", "n_batch", "n_ubatch", "n_seq", "n_threads")


def doctor(
    model: options.Model = None,
    gpu_memory: Annotated[
        str | None,
        typer.Option(metavar="24GB", help=tr("按这么大的显存计算", "plan for such a card")),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(min=256, help=tr("要多大的上下文（词元）", "tokens of context wanted")),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
) -> None:
    from qc_runtime.machine.checks import check

    room = _gpu_memory(gpu_memory)
    found = examine(model, room, context)
    warnings = check(found)
    if json_:
        typer.echo(json.dumps(_as_json(found, warnings), ensure_ascii=False, indent=2))
        return
    _print(found)
    for warning in warnings:
        typer.echo(render(warning))
    if not warnings:
        typer.echo(tr("没有发现问题", "Nothing is wrong"))


def _gpu_memory(text: str | None) -> int | None:
    from qc_runtime.machine.plan import parse_size

    if text is None:
        return None
    if not (size := parse_size(text)):
        zh = f"看不懂 --gpu-memory {text[:20]}，例如 24GB"
        raise QcError(options.usage(zh, f"--gpu-memory {text[:20]} cannot be read; such as 24GB"))
    return size


def examine(model: str | None, gpu_memory: int | None, context: int | None) -> Findings:
    """Look at everything. A model that is known by name need not be here.

    The settings are those that a run would have, on a card of ``gpu_memory`` bytes if given.
    """
    from qc_runtime.llama.probe import probe
    from qc_runtime.machine.checks import Findings
    from qc_runtime.machine.environment import folders, packages
    from qc_runtime.machine.facts import read_machine
    from qc_runtime.machine.shape import known_shape, shape_of

    path, name = _file_of(model)
    machine, probed = read_machine(), probe(path)
    read = shape_of(probed.metadata, path.stat().st_size) if path else None
    shape = read or known_shape(name)
    chosen = _chosen(shape, machine, gpu_memory, probed.gpu_build, context)
    return Findings(machine, probed, shape, chosen, packages(), tuple(folders()))


def _file_of(model: str | None) -> tuple[Path | None, str]:
    """The model's file if it is here, and its name. QC501 for what is neither file nor name."""
    import os

    from qc_runtime.models import DEFAULT, MODELS, locate

    name = model or os.environ.get("QC_MODEL") or DEFAULT
    if name in MODELS:
        with suppress(QcError):
            return locate(name), name
        return None, name
    return locate(name), name


def _chosen(
    shape: Shape | None,
    machine: Machine,
    gpu_memory: int | None,
    gpu_build: bool,
    context: int | None,
) -> Chosen:
    from qc_runtime.machine.choice import choose
    from qc_runtime.machine.facts import Gpu
    from qc_runtime.machine.fitting import asked_for

    asked = {**asked_for(), **({"n_ctx": context} if context else {})}
    if gpu_memory:  # a card that is not here, or is here and empty
        machine = replace(machine, gpus=(Gpu("--gpu-memory", gpu_memory, gpu_memory),))
    return choose(shape, machine, gpu_build=gpu_build or bool(gpu_memory), asked=asked)


def _print(found: Findings) -> None:
    from rich.console import Console

    console = Console()
    console.print(_machine_table(found))
    if found.shape and found.chosen and found.chosen.plan:
        console.print(_plan_table(found.shape, found.chosen.plan, found.chosen.settings))


def _machine_table(found: Findings) -> Table:
    machine, probed = found.machine, found.probed
    cards = "，".join(f"{g.name} {_gb(g.total)}" for g in machine.gpus) or tr("没有", "none")
    build = probed.system_info.strip(" |") or tr("不可用", "not usable")
    memory = tr(
        f"{_gb(machine.memory)}，可用 {_gb(machine.usable)}",
        f"{_gb(machine.memory)}, {_gb(machine.usable)} usable",
    )
    cores = tr(
        f"{machine.cores} 核（{machine.threads} 线程）",
        f"{machine.cores} cores ({machine.threads} threads)",
    )
    return _rows(
        tr("机器", "machine"),
        (tr("处理器", "processor"), f"{machine.processor}，{cores}"),
        (tr("内存", "memory"), memory),
        ("GPU", cards),
        ("llama.cpp", build + (" | GPU" if probed.gpu_build else "")),
        ("Python", sys.version.split()[0]),
    )


def _plan_table(shape: Shape, plan: Plan, settings: LlamaSettings) -> Table:
    where = tr("显存", "card") if plan.on_gpu else tr("内存", "memory")
    each = "，".join(f"{kind} {shape.cache_bytes(kind) / 1024:.0f} KiB" for kind in plan.most)
    most = "，".join(f"{kind} {count:,}" for kind, count in plan.most.items())
    kind = settings.cache_type_k
    taken = plan.weights + plan.work + int(settings.n_ctx * shape.cache_bytes(kind))
    fits = tr("装得下", "it fits") if plan.fits else tr("装不下", "it does not fit")
    on_card = settings.n_gpu_layers
    layers = tr("全部", "all") if on_card < 0 else str(on_card)
    return _rows(
        f"{shape.name}：{fits}",
        (where, _gb(plan.room)),
        (tr("权重", "weights"), _gb(plan.weights)),
        (tr("计算用", "work space"), _gb(plan.work)),
        (tr("每词元缓存", "cache a token"), each),
        (tr("最多词元", "most tokens"), most),
        (tr("训练的上下文", "trained context"), f"{shape.context:,}"),
        (tr("设置", "settings"), f"n_ctx {settings.n_ctx}，n_seq {settings.n_seq}"),
        ("", f"n_batch {settings.n_batch or plan.n_batch}，n_ubatch {settings.n_ubatch}"),
        ("", f"n_threads {settings.threads()}"),
        ("", tr(f"缓存类型 {kind}，GPU 层数 {layers}", f"cache type {kind}, GPU layers {layers}")),
        (tr("合计", "in all"), _gb(taken)),
    )


def _rows(title: str, *rows: tuple[str, str]) -> Table:
    from rich.table import Table
    from rich.text import Text as Cell

    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for name, value in rows:
        table.add_row(name, Cell(value))
    return table


def _gb(count: int | None) -> str:
    return "?" if count is None else f"{count / _GB:.2f} GB"


def _as_json(found: Findings, warnings: tuple[Diagnostic, ...]) -> dict[str, Any]:
    machine = asdict(found.machine) | {"flags": sorted(found.machine.flags)}
    return {
        "machine": machine,
        "llama_cpp": {
            "installed": found.probed.installed,
            "gpu": found.probed.gpu_build,
            "system_info": found.probed.system_info,
        },
        "model": _shape_json(found.shape) if found.shape else None,
        "plan": _plan_json(found.chosen) if found.chosen else None,
        "python": sys.version.split()[0],
        "packages": [asdict(one) for one in found.packages],
        "folders": [asdict(one) | {"path": str(one.path)} for one in found.folders],
        "warnings": [one.as_json() for one in warnings],
    }


def _plan_json(chosen: Chosen) -> dict[str, Any] | None:
    """What it rests on, and the settings: those go before what was planned."""
    if chosen.plan is None:
        return None
    said = chosen.as_json()
    settings = {"gpu_layers": said["n_gpu_layers"], "cache_type": said["cache_type_k"]}
    return (
        asdict(chosen.plan)
        | {name: value for name, value in said.items() if name in _SETTINGS}
        | settings
    )


def _shape_json(shape: Shape) -> dict[str, Any]:
    from qc_runtime.machine.shape import CACHE_TYPES

    return asdict(shape) | {"cache_bytes": {kind: shape.cache_bytes(kind) for kind in CACHE_TYPES}}
