"""What the engine may use. Every default suits a plain machine; nothing has to be set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


@dataclass(frozen=True)
class LlamaSettings:
    """Sizes are in tokens. ``None`` is automatic: see `for_machine`.

    ``n_ctx`` is the whole KV cache, shared by all sequences and bounded by what the model was
    trained for. ``n_batch`` is how much goes into one ``llama_decode``, ``n_ubatch`` how much
    into one computation, ``n_seq`` how many requests are worked on at once. ``n_gpu_layers``
    -1 puts all layers on the GPU of a GPU build and means nothing to a CPU build. With
    ``second_look`` close calls are computed once more, alone (`qc_runtime.llama.close_calls`).
    """

    n_ctx: int = 16384
    n_batch: int | None = None
    n_ubatch: int = 512
    n_seq: int | None = None
    n_threads: int | None = None
    n_gpu_layers: int = -1
    main_gpu: int = 0
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    flash_attn: bool | None = None
    offload_kqv: bool = True
    second_look: bool = True

    def threads(self) -> int:
        return self.n_threads or physical_cores()

    def for_machine(self, *, gpu: bool, writes: bool = True) -> Resolved:
        """The automatic sizes for a build with or without a GPU, to write text or to choose only.

        A processor writes the cheaper a token the more of them there are in a step, as long as
        attention, which passes over every request's tokens, does not take more than that saves:
        128 rows, two thirds of which write, were the best of 64, 128 and 192. llama.cpp's flash
        attention computes 64 rows at a time, and is slow with what is left over. A GPU wants
        more of both sizes, and llama.cpp chooses the attention.
        """
        on_gpu = gpu and self.n_gpu_layers != 0
        flash = self.flash_attn if on_gpu else self.flash_attn is not False
        return Resolved(
            n_batch=self.n_batch or (2048 if on_gpu else 128 if writes else 512),
            n_seq=self.n_seq or (128 if on_gpu else 96),
            flash_attn=flash,
        )


@dataclass(frozen=True)
class Resolved:
    """Settings that were automatic. ``flash_attn`` None leaves it to llama.cpp."""

    n_batch: int
    n_seq: int
    flash_attn: bool | None


def physical_cores() -> int:
    """Cores this process may use, hyper-threads of one core counted once.

    Two threads of one core share the vector units that matrix products live on: using both
    is slower than using one.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    cores = {_siblings(cpu) for cpu in allowed}
    return max(1, len(cores) or (os.cpu_count() or 1))


def _siblings(cpu: int) -> str:
    try:
        return Path(_SIBLINGS.format(cpu)).read_text().strip()
    except OSError:
        return str(cpu)
