"""Memory given back between parts: what a process holds is what one part needs."""

from __future__ import annotations


def give_back() -> None:
    """Have Arrow use an allocator that returns what it no longer needs.

    Its default, mimalloc, keeps the pages of the largest part for the rest of the run.
    """
    import pyarrow as pa

    for pool in (pa.jemalloc_memory_pool, pa.system_memory_pool):
        try:
            pa.set_memory_pool(pool())
        except NotImplementedError:  # not in every build of Arrow
            continue
        return
