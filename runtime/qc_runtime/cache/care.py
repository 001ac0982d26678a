"""What is in the shared cache, and throwing out what is not worth its room."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qc_runtime.cache.file import CacheFile
from qc_runtime.kept import transaction, utc_now

_AT_ONCE = 5000  # answers removed in one transaction: other runs get their turn in between
_EVERYTHING = 1 << 62  # bytes


@dataclass(frozen=True)
class Share:
    """The answers of one back end. ``size`` is in bytes; times are UTC, ISO."""

    identity: str
    answers: int
    size: int
    hits: int
    oldest: str
    used: str


@dataclass(frozen=True)
class Pruning:
    """What to throw out: answers not used for so long, and the longest unused beyond so much.

    ``identities`` are parts of the identities of the back ends whose answers may go; none: any.
    """

    older_than: timedelta | None = None
    max_size: int | None = None
    identities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pruned:
    """How many answers went (or would go) and how many stayed."""

    answers: int
    size: int
    left: int


def shares(cache: CacheFile) -> list[Share]:
    """The answers by back end, the most first."""
    query = """
        SELECT identity, count(*), sum(size), sum(hits), min(created), max(used)
        FROM answers GROUP BY identity ORDER BY count(*) DESC, identity
    """
    return [Share(*row) for row in cache.db.execute(query)]


def size_on_disk(path: Path) -> int:
    """The bytes of the cache's files."""
    files = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    return sum(file.stat().st_size for file in files if file.exists())


def prune(cache: CacheFile, what: Pruning, *, dry_run: bool = False) -> Pruned:
    """Throw out what ``what`` says, and give the room back to the disk."""
    count, size = _choose(cache.db, what)
    if not dry_run:
        _remove(cache.db, count)
    (there,) = cache.db.execute("SELECT count(*) FROM answers").fetchone()
    return Pruned(count, size, there - count if dry_run else there)


def _choose(db: sqlite3.Connection, what: Pruning) -> tuple[int, int]:
    """Put what goes into a table of its own: how many, how many bytes.

    A time in the future (the clock was wrong once) counts as now.
    """
    given = {
        "now": utc_now(),
        "before": _before(what.older_than),
        "room": _EVERYTHING if what.max_size is None else _room(db, what.max_size),
    }
    given |= {f"part{n}": part for n, part in enumerate(what.identities)}
    named = " OR ".join(f"instr(lower(identity), lower(:part{n}))" for n in _indices(what))
    db.execute("DROP TABLE IF EXISTS temp.doomed")
    db.execute("CREATE TEMP TABLE doomed (number INTEGER PRIMARY KEY, digest TEXT, size INTEGER)")
    db.execute(
        f"""
        INSERT INTO doomed (digest, size)
        SELECT digest, size FROM (
            SELECT digest, size, seen, sum(iif(seen < :before, 0, size))
                OVER (ORDER BY seen DESC, digest) AS running
            FROM (SELECT *, min(used, :now) AS seen FROM answers WHERE {named or "1"})
        )
        WHERE seen < :before OR running > :room
        """,
        given,
    )
    count, size = db.execute("SELECT count(*), total(size) FROM doomed").fetchone()
    return count, int(size)


def _indices(what: Pruning) -> range:
    return range(len(what.identities))


def _before(older_than: timedelta | None) -> str:
    """The time before which an answer was last used that goes; nothing is before ''.

    All answers go at the age of nothing, those of this second too.
    """
    if older_than is None:
        return ""
    if older_than <= timedelta(0):
        return "~"  # after every time
    with suppress(OverflowError):
        return (datetime.now(UTC) - older_than).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ""


def _room(db: sqlite3.Connection, max_size: int) -> int:
    """How many of our bytes fit into so many of the disk's, going by the file as it is."""
    (ours,) = db.execute("SELECT total(size) FROM answers").fetchone()
    pages, free, page = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    first = 2 * page  # the header and the table's root are there without answers too
    taken = max((pages - free) * page - first, ours, 1.0)
    return int(max(0, max_size - first) * ours / taken)


def _remove(db: sqlite3.Connection, count: int) -> None:
    now = utc_now()
    db.execute("UPDATE answers SET used = ?1 WHERE used > ?1", (now,))
    for start in range(1, count + 1, _AT_ONCE):
        query = "DELETE FROM answers WHERE digest IN (SELECT digest FROM doomed WHERE number {})"
        with transaction(db):
            db.execute(query.format("BETWEEN ? AND ?"), (start, start + _AT_ONCE - 1))
    db.execute("DROP TABLE doomed")
    with suppress(sqlite3.OperationalError):  # another run is reading: the room is reused anyway
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
