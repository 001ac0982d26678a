"""What the engine may use. Every default suits a plain machine; nothing has to be set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


@dataclass(frozen=True)
class LlamaSettings:
    """Sizes are in tokens.

    ``n_ctx`` is the whole KV cache, shared by all sequences and bounded by what the model was
    trained for. ``n_batch`` is how much goes into one ``llama_decode``, ``n_ubatch`` how much
    into one computation, ``n_seq`` how many requests are worked on at once. ``n_gpu_layers``
    -1 puts all layers on the GPU of a GPU build and means nothing to a CPU build. ``None`` is
    automatic.
    """

    n_ctx: int = 8192
    n_batch: int = 512
    n_ubatch: int = 512
    n_seq: int = 64
    n_threads: int | None = None
    n_gpu_layers: int = -1
    main_gpu: int = 0
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    flash_attn: bool | None = None
    offload_kqv: bool = True

    def threads(self) -> int:
        return self.n_threads or physical_cores()


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
