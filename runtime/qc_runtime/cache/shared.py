"""Where a run looks answers up and notes them: its own record, and behind it the shared cache."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from qc_dsl.errors import Diagnostic, QcError
from qc_runtime.backend import Reply
from qc_runtime.cache.file import CacheFile, fault, is_damage, set_aside, why
from qc_runtime.kept import Kept, utc_now

T = TypeVar("T")
Warn = Callable[[Diagnostic], None]


class AnswerBook(Protocol):
    """What asking a model needs: to look answers up by digest, and to note them."""

    def get_many(self, digests: Iterable[str]) -> dict[str, Reply]:
        """The replies that are known, by digest; the others are left out."""

    def put(self, digest: str, reply: Reply, identity: str = "") -> None:
        """Note a reply and the back end that gave it; one with an error is left out."""


class OwnBook(AnswerBook, Protocol):
    """A run's own record: an `AnswerStore`, or memory where a command keeps no results."""

    def keep_many(self, answers: Iterable[tuple[str, Kept]]) -> None:
        """Note answers that were given before, with their back ends and times."""


class Remembered:
    """Answers in memory, for commands without a folder of results (an `OwnBook`)."""

    def __init__(self) -> None:
        self._replies: dict[str, Reply] = {}

    def get_many(self, digests: Iterable[str]) -> dict[str, Reply]:
        return {one: self._replies[one] for one in digests if one in self._replies}

    def put(self, digest: str, reply: Reply, identity: str = "") -> None:
        if reply.error is None:
            self._replies[digest] = reply

    def keep_many(self, answers: Iterable[tuple[str, Kept]]) -> None:
        self._replies |= {digest: one.reply for digest, one in answers}


class SharedCache:
    """The shared cache as a run uses it: it helps where it can, and never stops anything.

    It is opened when it is first needed. The first time that it cannot be read or written,
    ``warn`` is told, and from then on the run goes on without it.
    """

    def __init__(self, path: Path, warn: Warn) -> None:
        self.path, self._warn = path, warn
        self._file: CacheFile | None = None
        self._given_up = False

    def __enter__(self) -> SharedCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def find(self, digests: Iterable[str]) -> dict[str, Kept]:
        """What is known of these, by digest."""
        return self._trying(lambda file: file.find(digests)) or {}

    def keep(self, answers: Iterable[tuple[str, Kept]]) -> None:
        """Add answers."""
        self._trying(lambda file: file.keep(answers))

    def _trying(self, work: Callable[[CacheFile], T]) -> T | None:
        if self._given_up:
            return None
        try:
            self._file = self._file or CacheFile(self.path)
            return work(self._file)
        except QcError as error:
            self._give_up(str(error.diagnostics[0].message))
        except (sqlite3.Error, OSError) as error:
            self._give_up(set_aside(self.path) if is_damage(error) else why(error))
        return None

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        if self._file is not None:
            self._file.close()
            self._file = None
        self._warn(fault(self.path, reason, "warning"))


class Layered:
    """A run's own record in front of the shared cache (an `AnswerBook`).

    What only the cache knows is put in the record too, so that the record of a run is whole:
    it goes on from there without the cache. ``fresh``: the cache is written and not read.
    """

    def __init__(
        self, own: OwnBook, cache: SharedCache | None = None, *, fresh: bool = False
    ) -> None:
        self._own, self._cache = own, cache
        self._fresh = fresh

    def get_many(self, digests: Iterable[str]) -> dict[str, Reply]:
        wanted = list(digests)
        known = self._own.get_many(wanted)
        if self._cache is None or self._fresh:
            return known
        found = self._cache.find(digest for digest in wanted if digest not in known)
        if found:
            self._own.keep_many(found.items())
        return known | {digest: one.reply for digest, one in found.items()}

    def put(self, digest: str, reply: Reply, identity: str = "") -> None:
        self._own.put(digest, reply, identity)
        if self._cache is not None and reply.error is None:
            self._cache.keep([(digest, Kept(reply, identity, utc_now()))])
