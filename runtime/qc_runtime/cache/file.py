"""The shared cache's file: SQLite in WAL mode, which several processes use at once.

Readers never wait. Writers wait for each other, up to `BUSY_SECONDS`. Errors are raised as
SQLite gives them; what becomes of them is for the caller to say: a run goes on without the
cache (`shared`), a command about the cache ends (`speaking`).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from qc_dsl.errors import Diagnostic, QcError, Severity
from qc_dsl.folders import cache_dir
from qc_dsl.lang import Text
from qc_runtime.backend import dump_reply
from qc_runtime.kept import Kept, NotAReply, kept_of, make_private, select, transaction, utc_now
from qc_runtime.locks import lock as wait_for

BUSY_SECONDS = 5.0
_VERSION = 1
_APPLICATION = 0x51435243  # "QCRC", in the file's header: this is a cache of ours
_TABLE = """
    CREATE TABLE answers (
        digest TEXT PRIMARY KEY,
        reply TEXT NOT NULL,
        identity TEXT NOT NULL,
        created TEXT NOT NULL,
        used TEXT NOT NULL,
        hits INTEGER NOT NULL,
        size INTEGER NOT NULL
    ) WITHOUT ROWID
"""
_PUT = """
    INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)
    ON CONFLICT (digest) DO UPDATE
    SET reply = ?2, identity = ?3, created = ?4, used = ?5, size = ?6
"""
_FIND = "SELECT digest, reply, identity, created FROM answers WHERE digest IN (?)"
_ROW = 64  # bytes of a row besides its texts: the times, the numbers, SQLite's own
_ON_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def cache_path() -> Path:
    """Where the shared cache is: in the user's cache folder."""
    return cache_dir() / "answers" / "shared.sqlite"


class CacheFile:
    """Answers by digest, with their back end, when they were given and when last used.

    Opening makes the file (0600) when it is not there. Raises `sqlite3.Error`, `OSError`, and
    `QcError` (QC621) for a file that is not a cache of this version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private(path)
        self.db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self.db.close()
            raise

    def __enter__(self) -> CacheFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.db.close()

    def find(self, digests: Iterable[str]) -> dict[str, Kept]:
        """The answers that are here, by digest; each is noted as used now.

        A row that is no answer is as good as none: what is answered instead replaces it.
        """
        found: dict[str, Kept] = {}
        for row in select(self.db, _FIND, digests):
            with suppress(NotAReply):
                found[row[0]] = kept_of(*row[1:])
        if found:
            with suppress(sqlite3.OperationalError):  # busy or full: only the note is lost
                self._note_use(found)
        return found

    def keep(self, answers: Iterable[tuple[str, Kept]]) -> None:
        """Add answers, all or none; a later one replaces an earlier one with its digest."""
        now = utc_now()
        rows = [_row(digest, one, now) for digest, one in answers]
        with transaction(self.db):
            self.db.executemany(_PUT, rows)

    def created(self, digests: Iterable[str]) -> dict[str, str]:
        """When the answers that are here were given, by digest."""
        query = "SELECT digest, created FROM answers WHERE digest IN (?)"
        return {row[0]: row[1] for row in select(self.db, query, digests)}

    def _note_use(self, digests: Iterable[str]) -> None:
        now = utc_now()
        query = "UPDATE answers SET used = ?, hits = hits + 1 WHERE digest = ?"
        with transaction(self.db):
            self.db.executemany(query, [(now, digest) for digest in digests])

    def _open(self) -> None:
        """Lay the file out when it is new. Where WAL cannot be had, SQLite's own way is kept."""
        _patiently(self.db, "PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        if not self._number("SELECT count(*) FROM sqlite_master"):
            with transaction(self.db):
                if not self._number("SELECT count(*) FROM sqlite_master"):  # still
                    self._lay_out()
        ours = self._number("PRAGMA application_id") == _APPLICATION
        if not ours or self._number("PRAGMA user_version") > _VERSION:
            raise QcError(fault(self.path, str(_NOT_OURS if not ours else _NEWER)))

    def _lay_out(self) -> None:
        self.db.execute(_TABLE)
        self.db.execute(f"PRAGMA application_id = {_APPLICATION}")
        self.db.execute(f"PRAGMA user_version = {_VERSION}")

    def _number(self, query: str) -> int:
        return int(self.db.execute(query).fetchone()[0])


def _patiently(db: sqlite3.Connection, statement: str) -> None:
    """A statement for which SQLite itself does not wait when another process is at the file."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _ON_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _row(digest: str, one: Kept, now: str) -> tuple[str, str, str, str, str, int]:
    reply = dump_reply(one.reply)
    size = len(reply.encode()) + len(one.identity.encode()) + len(digest) + _ROW
    return digest, reply, one.identity, one.answered or now, now, size


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """What SQLite and the system say, as a message for a person (QC621)."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise QcError(fault(path, set_aside(path) if is_damage(error) else why(error))) from error


def is_damage(error: Exception) -> bool:
    """Whether the file itself is bad, not the way to it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without its extension
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def set_aside(path: Path) -> str:
    """Move a damaged cache out of the way, for the next run to start a new one; what was done.

    Another process may have done so already: under a lock, only a file that is bad now goes.
    """
    aside = path.with_name(f"{path.name}.damaged")
    try:
        with path.with_name(f"{path.name}.lock").open("ab") as lock:
            os.chmod(lock.name, 0o600)
            wait_for(lock, BUSY_SECONDS)
            if _is_whole(path):
                return str(_DAMAGED)
            for end in ("-wal", "-shm", ""):
                with suppress(FileNotFoundError):
                    source = path.with_name(path.name + end)
                    source.replace(aside.with_name(aside.name + end))
    except OSError as error:
        return f"{_DAMAGED}: {why(error)}"
    return str(Text(f"已损坏，移到 {aside}", f"it is damaged, and was moved to {aside}"))


def _is_whole(path: Path) -> bool:
    try:
        db = sqlite3.connect(path, timeout=BUSY_SECONDS)
        try:
            return bool(db.execute("PRAGMA quick_check").fetchone()[0] == "ok")
        finally:
            db.close()
    except sqlite3.Error:
        return False


_DAMAGED = Text("已损坏", "it is damaged")
_NOT_OURS = Text("不是本程序的回答缓存", "it is not a cache of ours")
_NEWER = Text("由更新的版本写成", "it was written by a newer version")
_HELP = Text(
    "请检查磁盘空间和权限；可用 QC_CACHE 另选缓存目录，或用 --no-cache 不用它。",
    "Check the disk's space and your rights; QC_CACHE names another folder, --no-cache does"
    " without it.",
)


def fault(path: Path, reason: str, severity: Severity = "error") -> Diagnostic:
    """Why the cache cannot be used; a warning where the run goes on."""
    zh, en = (
        f"共用的回答缓存不能用（{reason}）",
        f"The shared answer cache cannot be used ({reason})",
    )
    if severity == "warning":
        zh, en = f"{zh}，不用它继续", f"{en}; going on without it"
    place = Text(str(path), str(path))
    return Diagnostic("QC621", Text(zh, en), help=_HELP, place=place, severity=severity)
