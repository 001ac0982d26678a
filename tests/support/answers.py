"""Filling the shared cache of answers, and looking into it."""

from __future__ import annotations

from qc_runtime.backend import Reply
from qc_runtime.cache import CacheFile
from qc_runtime.kept import Kept


def digest(number: int) -> str:
    return f"{number:064x}"


def fill_cache(cache: CacheFile, count: int, identity: str = "llama:abc", text: str = "") -> None:
    reply = Reply.of((0.5, 0.5), text or None)
    cache.keep((digest(n), Kept(reply, identity, "2025-01-01T00:00:00Z")) for n in range(count))


def set_used(cache: CacheFile, number: int, when: str) -> None:
    cache.db.execute("UPDATE answers SET used = ? WHERE digest = ?", (when, digest(number)))


def column(cache: CacheFile, name: str) -> list[object]:
    return [row[0] for row in cache.db.execute(f"SELECT {name} FROM answers ORDER BY digest")]
