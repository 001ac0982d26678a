"""A lock on an open file, between processes. The system frees it however a process ends."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import BinaryIO

if sys.platform == "win32":

    def try_lock(file: BinaryIO) -> bool:
        """Take the file's lock if nobody has it, until the file is closed."""
        import msvcrt

        with suppress(OSError):
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return True
        return False

else:

    def try_lock(file: BinaryIO) -> bool:
        """Take the file's lock if nobody has it, until the file is closed."""
        import fcntl

        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False


def lock(file: BinaryIO, seconds: float) -> None:
    """Take the file's lock, waiting so long for it. Raises `TimeoutError`, an `OSError`."""
    deadline = time.monotonic() + seconds
    while not try_lock(file):
        if time.monotonic() > deadline:
            raise TimeoutError("locked by another process")
        time.sleep(0.01)
