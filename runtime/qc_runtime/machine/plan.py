"""What of a model fits into a machine, and the engine's settings for it. Pure arithmetic."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qc_runtime.llama.settings import LlamaSettings
from qc_runtime.machine.shape import CACHE_TYPES, Shape

PREFIX, EACH = 2048, 160  # tokens: what all requests share, and what a short record's one adds
LEAST = 2048  # tokens of context without which no question of ours fits
ENOUGH = 8192  # tokens for which a plain cache is kept; what `qc check` warns of comes near them
_STEP = 256  # llama.cpp rounds its cache up to it
_FIXED = {True: 900_000_000, False: 150_000_000}  # bytes: driver, code, vocabulary
_SHARE = 0.03  # of the memory stays free


@dataclass(frozen=True)
class Plan:
    """Sizes in tokens and bytes. ``gpu_layers`` -1 is all of them.

    ``room`` is what there is, ``work`` what computing takes beside weights and cache,
    ``most`` the tokens of cache that would fit by cache type. ``fits`` is whether the model
    can be held whole; if not, a card holds ``gpu_layers`` of it. ``n_batch`` is for reading;
    where text is written the engine takes a batch of its own size.
    """

    room: int
    weights: int
    work: int
    most: dict[str, int]
    fits: bool
    on_gpu: bool
    gpu_layers: int
    cache_type: str
    n_ctx: int
    n_seq: int
    n_batch: int
    n_ubatch: int
    n_threads: int

    @property
    def sequences(self) -> int:
        """How many short records go side by side."""
        return max(1, min(self.n_seq, (self.n_ctx - PREFIX) // EACH))

    def settings(self) -> LlamaSettings:
        """The same for the engine."""
        return LlamaSettings(
            n_ctx=self.n_ctx,
            n_ubatch=self.n_ubatch,
            n_seq=self.sequences,
            n_threads=self.n_threads,
            n_gpu_layers=self.gpu_layers,
            cache_type_k=self.cache_type,
            cache_type_v=self.cache_type,
        )


def plan(
    shape: Shape,
    room: int,
    *,
    gpu: bool,
    threads: int,
    context: int | None = None,
    cache_type: str | None = None,
) -> Plan:
    """What fits into ``room`` bytes of the card's memory, or the machine's.

    A quantised cache answers a little differently, so it is taken only where a plain one does
    not hold `ENOUGH`, or ``context`` tokens, if that is given. ``cache_type`` is one that is
    asked for. A card is filled; in the machine's memory the engine's own context is enough.
    """
    own = LlamaSettings()
    automatic, n_ubatch = own.for_machine(gpu=gpu, writes=False), own.n_ubatch
    work = int(_FIXED[gpu] + n_ubatch * shape.vocabulary * 4 + room * _SHARE)
    free = room - work - shape.weights
    most = {kind: max(0, int(free / shape.cache_bytes(kind))) for kind in CACHE_TYPES}
    wanted = min(context or ENOUGH, shape.context)
    kind = cache_type or _cache_type(most, wanted)
    held = min(most[kind], shape.context, context or (shape.context if gpu else own.n_ctx))
    fits = most[kind] >= LEAST
    n_ctx = max(LEAST, held // _STEP * _STEP) if fits else wanted
    return Plan(
        room=room,
        weights=shape.weights,
        work=work,
        most=most,
        fits=fits,
        on_gpu=gpu,
        gpu_layers=_layers(shape, room, work, n_ctx, kind) if gpu else 0,
        cache_type=kind,
        n_ctx=n_ctx,
        n_seq=automatic.n_seq,
        n_batch=min(automatic.n_batch, n_ctx),
        n_ubatch=n_ubatch,
        n_threads=threads,
    )


def _cache_type(most: dict[str, int], wanted: int) -> str:
    """f16, or q8_0 where only that holds what is wanted; q4_0 only where nothing else runs.

    Where none does, layers go elsewhere with their caches, and f16 is as good as any.
    """
    if most["f16"] >= wanted or most["q4_0"] < LEAST:
        return "f16"
    return "q4_0" if most["q8_0"] < LEAST <= most["q4_0"] else "q8_0"


def _layers(shape: Shape, room: int, work: int, n_ctx: int, kind: str) -> int:
    """-1 when all are held by the card, else how many; each takes its weights and its cache."""
    each = (shape.weights + n_ctx * shape.cache_bytes(kind)) / shape.layers
    held = int(max(0, room - work) / each)
    return -1 if held >= shape.layers else held


def parse_size(text: str) -> int | None:
    """Bytes of ``24GB``, ``24 GiB``, ``24576MiB``; `None` for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])?(i)?B?\s*", text, re.IGNORECASE)
    if not found:
        return None
    power = " KMGT".index((found[2] or " ").upper())
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)
