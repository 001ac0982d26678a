"""People before batches: an interactive command says that it is there, a batch run gives way.

A registration is a file in the cache folder, locked as long as its process lives. The system
frees the lock however that ends, so nobody waits for a command that was killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qc_dsl.folders import cache_dir
from qc_runtime.locks import try_lock

_LONGEST = 3600  # seconds: a command left behind, stopped in a shell, does not cost a night


def _folder() -> Path:
    return cache_dir() / "interactive"


@contextmanager
def interactive(there: bool = True) -> Iterator[None]:
    """Batch runs give way while the block runs, if ``there`` is somebody.

    Where the folder is no use, they do not.
    """
    if not there:
        yield
        return
    file = held = None
    with suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        own = _folder() / f"{os.getpid()}-{time.monotonic_ns()}"
        held = own.with_suffix(".waiting")
        file = own.with_suffix(".new").open("ab")
        try_lock(file)  # nobody else looks at this name yet
        own.with_suffix(".new").rename(held)
    try:
        yield
    finally:
        with suppress(OSError):
            if held:
                held.unlink(missing_ok=True)
        if file:
            file.close()


def people_waiting() -> bool:
    """Whether an interactive command is at work. What dead ones have left is removed."""
    with suppress(OSError):
        return any(_alive(path) for path in _folder().glob("*.waiting"))
    return False


def _alive(path: Path) -> bool:
    with suppress(OSError):
        with path.open("rb") as file:
            free = try_lock(file)
        if free:
            path.unlink(missing_ok=True)
            return False
        return time.time() - path.stat().st_mtime < _LONGEST
    return False
