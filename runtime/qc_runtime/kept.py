"""Answers as they are kept: what the run's own store and the shared cache have in common."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from qc_runtime.backend import Reply, load_reply

_AT_ONCE = 500  # digests in one query


@dataclass(frozen=True)
class Kept:
    """A reply, which back end gave it, and when (UTC, ISO); empty where that is not known."""

    reply: Reply
    identity: str = ""
    answered: str = ""


def utc_now() -> str:
    """The time as it is kept, to the second: such texts sort as their times do."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def make_private(path: Path) -> None:
    """An empty file that only its owner can read: answers speak of patients."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block's changes, or none of them."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk may have rolled back already
            db.execute("ROLLBACK")
        raise


def select(db: sqlite3.Connection, query: str, digests: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The rows of a query with ``IN (?)`` for these digests, so many at a time."""
    rest = iter(list(digests))
    while some := list(islice(rest, _AT_ONCE)):
        marks = ",".join("?" * len(some))
        yield from db.execute(query.replace("IN (?)", f"IN ({marks})"), some)


class NotAReply(sqlite3.DatabaseError):
    """A row that holds what no back end ever answered."""


def kept_of(reply: str, identity: str, answered: str) -> Kept:
    """A row's answer. Raises `NotAReply`."""
    try:
        return Kept(load_reply(reply), identity, answered)
    except (ValueError, TypeError):
        raise NotAReply from None
