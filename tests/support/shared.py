"""What costs much and is the same for every worker of a test run: made once, by whoever is first.

Workers (pytest-xdist) are processes of their own with folders of their own; `folder_of_all` is
the one that they have together. It is as new as the run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qc_runtime.locks import lock

_WAIT = 800.0  # seconds, for another worker to make it


def folder_of_all(own: Path) -> Path:
    """The folder above all workers' ``own``, or this one where there are no workers."""
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(place: Path, make: Callable[[Path], object]) -> Path:
    """``place``, a file or a folder, made unless it was; half-made it never has its name."""
    with place.with_name(f"{place.name}.lock").open("ab") as file:
        lock(file, _WAIT)
        if not place.exists():
            part = place.with_name(f"part.{place.name}")
            make(part)
            part.rename(place)
    return place
