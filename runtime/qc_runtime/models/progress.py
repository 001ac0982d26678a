"""How a long job on a model file tells where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` bytes.

    ``wait``: another process is fetching the same model. ``check``: bytes that are here are
    hashed. ``retry``: the source failed, and is tried again after a pause.
    """

    phase: Literal["wait", "check", "fetch", "retry"]
    done: int
    total: int


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tell nobody."""
