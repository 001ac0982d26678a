"""The engine's settings for a model on this machine: what fits, unless somebody says otherwise.

They hang on what the machine has, never on what happens to be free: two runs on one machine
have the same settings, and so the same answers. What is free now only decides whether to begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.llama.settings import LlamaSettings
from qc_runtime.machine.facts import Machine
from qc_runtime.machine.plan import LEAST, Plan, plan
from qc_runtime.machine.shape import CACHE_TYPES, KNOWN, Shape, known_shape

_NUMBERS = ("n_ctx", "n_batch", "n_ubatch", "n_seq", "n_threads", "n_gpu_layers", "main_gpu")
_CACHE = "cache"
_FREE = 0.03  # of the memory that a plan leaves free: none of it is needed to begin

Asked = Mapping[str, int | str]  # settings by name that somebody asked for


@dataclass(frozen=True)
class Chosen:
    """``refused`` is why the model cannot be loaded, ``notes`` what is not as it should be.

    ``plan`` is what the settings rest on, `None` where too little is known to plan.
    """

    settings: LlamaSettings
    plan: Plan | None = None
    refused: Diagnostic | None = None
    notes: tuple[Diagnostic, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The settings by name, the automatic ones too as far as they are known."""
        said = asdict(self.settings)
        said["n_threads"] = self.settings.threads()
        said["n_batch"] = self.settings.n_batch or (self.plan and self.plan.n_batch)
        return {name: said[name] for name in (*_NUMBERS, "cache_type_k", "cache_type_v")}


def parse_asked(text: str) -> Asked:
    """``n_ctx=16384,cache=q8_0`` as settings. Raises `QcError` (QC611)."""
    found: dict[str, int | str] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        name, _, value = part.partition("=")
        if name == _CACHE and value in CACHE_TYPES:
            found |= {"cache_type_k": value, "cache_type_v": value}
        elif name in _NUMBERS and _is_number(name, value):
            found[name] = int(value)
        else:
            raise QcError(_unreadable(part))
    return found


def _is_number(name: str, value: str) -> bool:
    if name == "n_gpu_layers" and value == "-1":
        return True
    least = 0 if name in ("n_gpu_layers", "main_gpu") else 1
    return value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= least


def choose(shape: Shape | None, machine: Machine, *, gpu_build: bool, asked: Asked) -> Chosen:
    """The settings for a model; without its measures the engine's own, unchecked.

    What is asked for is taken as it is. Where it, or anything at all, does not fit, the model
    is refused before it is loaded.
    """
    on_card = gpu_build and bool(machine.gpus) and asked.get("n_gpu_layers") != 0
    found = _planned(shape, machine, on_card=on_card, asked=asked) if shape else None
    if shape is None or found is None:
        return Chosen(replace(LlamaSettings(), **asked))  # type: ignore[arg-type]
    settings = replace(found.settings(), **asked)  # type: ignore[arg-type]
    refused = _too_large(shape, found, asked) or _not_free(shape, found, settings, machine)
    return Chosen(settings, found, refused, tuple(_notes(shape, found, settings, on_card, asked)))


def _planned(shape: Shape, machine: Machine, *, on_card: bool, asked: Asked) -> Plan | None:
    """On the card, if it holds at least a layer; else in the machine's memory, if that is known."""
    context, kind = asked.get("n_ctx"), asked.get("cache_type_k")
    wanted: dict[str, Any] = {"context": context, "cache_type": kind}
    threads = machine.usable_cores
    if on_card:
        card = max(one.total for one in machine.gpus)
        found = plan(shape, card, gpu=True, threads=threads, **wanted)
        if found.fits or found.gpu_layers > 0:
            return found
    room = machine.owned
    return plan(shape, room, gpu=False, threads=threads, **wanted) if room else None


def _too_large(shape: Shape, found: Plan, asked: Asked) -> Diagnostic | None:
    """Why the machine cannot hold the model, or as much context as was asked for."""
    if not found.fits and found.gpu_layers == 0:
        return _no_room(shape, found)
    most = found.most[found.cache_type]
    wanted = min(int(asked.get("n_ctx", 0)), shape.context)
    return _no_context(wanted, found) if found.fits and wanted > most else None


def _not_free(
    shape: Shape, found: Plan, settings: LlamaSettings, machine: Machine
) -> Diagnostic | None:
    """Why it cannot be loaded now, though the machine is large enough.

    In the machine's memory the weights are pages of a file, which need not be there all at
    once; a card holds everything or nothing.
    """
    need = int(found.work - found.room * _FREE)
    need += int(min(settings.n_ctx, shape.context) * shape.cache_bytes(settings.cache_type_k))
    if found.on_gpu and found.gpu_layers >= 0:
        return None  # how much of it the card takes is llama.cpp's to say
    free = max(one.free for one in machine.gpus) if found.on_gpu else machine.usable
    need += shape.weights if found.on_gpu else 0
    return None if free is None or need <= free else _busy(need, free, on_gpu=found.on_gpu)


def _notes(
    shape: Shape, found: Plan, settings: LlamaSettings, on_card: bool, asked: Asked
) -> list[Diagnostic]:
    notes = []
    if on_card and (not found.on_gpu or found.gpu_layers >= 0):
        notes.append(_partly(shape, max(0, found.gpu_layers)))
    if settings.cache_type_k != "f16" and "cache_type_k" not in asked:
        notes.append(_quantised(settings.cache_type_k))
    return notes


def fitting(machine: Machine, room: int) -> list[str]:
    """The registered models that so much of this machine's memory holds, by name."""
    shapes = ((name, known_shape(name)) for name in KNOWN)
    return [
        name
        for name, shape in shapes
        if shape and plan(shape, room, gpu=False, threads=machine.usable_cores).fits
    ]


# -- what is said ----------------------------------------------------------------------------


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def _unreadable(part: str) -> Diagnostic:
    zh, en = f"看不懂引擎设置 {part[:30]}", f"Engine setting {part[:30]} cannot be read"
    names = "、".join((*_NUMBERS, _CACHE))
    help_ = Text(
        f"写作 n_ctx=16384,cache=q8_0；可用：{names}",
        f"Such as n_ctx=16384,cache=q8_0; there are: {names}",
    )
    return Diagnostic("QC611", Text(zh, en), help=help_)


def _no_room(shape: Shape, found: Plan) -> Diagnostic:
    need = found.weights + found.work + LEAST * shape.cache_bytes("q4_0")
    largest = found.room - found.work - LEAST * shape.cache_bytes("q4_0")
    names = fitting(Machine(), found.room)
    known = f"：{'、'.join(names)}" if names else ""
    known_en = f": {', '.join(names)}" if names else ""
    return Diagnostic(
        "QC542",
        Text(
            f"内存不够：本机有 {_gb(found.room)}，模型至少要 {_gb(need)}",
            f"Too little memory: there are {_gb(found.room)}, the model takes at least {_gb(need)}",
        ),
        help=Text(
            f"装得下约 {_gb(max(0, largest))} 以内的模型文件{known}；"
            "或用 --endpoint 调用别处的模型",
            f"A model file of up to about {_gb(max(0, largest))} fits{known_en}; or use a model"
            " elsewhere with --endpoint",
        ),
    )


def _no_context(wanted: int, found: Plan) -> Diagnostic:
    fits = "，".join(f"{kind} {count:,}" for kind, count in found.most.items())
    where = Text("显存", "card") if found.on_gpu else Text("内存", "memory")
    return Diagnostic(
        "QC542",
        Text(
            f"{where.zh}装不下 n_ctx={wanted:,}（缓存 {found.cache_type}）",
            f"The {where.en} does not hold n_ctx={wanted:,} (cache {found.cache_type})",
        ),
        help=Text(f"各种缓存最多的词元：{fits}", f"Most tokens by type of cache: {fits}"),
    )


def _busy(need: int, free: int, *, on_gpu: bool) -> Diagnostic:
    where = Text("显存", "on the card") if on_gpu else Text("内存", "of memory")
    return Diagnostic(
        "QC542",
        Text(
            f"现在空闲的{where.zh}不够：要 {_gb(need)}，只剩 {_gb(free)}",
            f"Too little {where.en} is free now: {_gb(need)} are needed, {_gb(free)} are left",
        ),
        help=Text(
            "请关闭占用它的程序再运行；或用 --engine n_ctx=4096 等减小，"
            "或换更小的模型（qc doctor 显示装得下多少）",
            "Close what uses it and run again; or take less with --engine n_ctx=4096, or a"
            " smaller model (qc doctor says what fits)",
        ),
    )


def _partly(shape: Shape, layers: int) -> Diagnostic:
    return Diagnostic(
        "QC543",
        Text(
            f"显存只装得下 {shape.layers} 层中的 {layers} 层，会慢很多",
            f"The card holds {layers} of {shape.layers} layers: much slower",
        ),
        severity="warning",
        help=Text(
            "请换用更小的模型或量化，或更大的显存",
            "Use a smaller model or quantisation, or a larger card",
        ),
    )


def _quantised(kind: str) -> Diagnostic:
    return Diagnostic(
        "QC542",
        Text(
            f"内存装不下 f16 的缓存，改用 {kind}：回答可能略有不同",
            f"Memory does not hold an f16 cache: {kind} is used, answers may differ a little",
        ),
        severity="warning",
        help=Text(
            "要用 f16，请换用更小的模型，或用 --engine cache=f16,n_ctx=4096 等减小上下文",
            "For f16 use a smaller model, or less context: --engine cache=f16,n_ctx=4096",
        ),
    )
