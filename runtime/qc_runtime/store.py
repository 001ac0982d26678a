"""Answers that were paid for once: a SQLite file beside the results of a run.

Every `put` is one committed transaction. In WAL mode with ``synchronous=NORMAL`` a commit is
in the operating system's hands when it returns, so ``kill -9`` loses nothing. A power cut may
lose the last commits, but never damages the file; what is lost is asked again. One process at
a time holds the file: SQLite's exclusive locking mode takes the lock, the operating system
lets it go when the process dies, and no shared memory is needed, so network drives work.

| code  | meaning                                           |
| ----- | ------------------------------------------------- |
| QC601 | another run is using the folder                   |
| QC602 | the store is damaged; it was kept aside           |
| QC603 | the store cannot be written (rights, full disk)   |
| QC604 | not a store of ours, or one of a newer version    |
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Reply

FILE_NAME = "answers.sqlite"
_VERSION = 1
_APPLICATION = 0x51435242  # "QCRB", in the file's header: this is a store of ours
_TABLE = """
    CREATE TABLE answers (
        digest TEXT PRIMARY KEY,
        probabilities TEXT NOT NULL,
        explanation TEXT
    ) WITHOUT ROWID
"""
_AT_ONCE = 500  # digests in one query


class AnswerStore:
    """Replies by request digest, each safe as soon as `put` returns. A context manager.

    ``path`` is the file; it is made, with mode 0600, when it is not there. Every method raises
    `QcError` (see the codes above) when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._speaking():
            _make(path)
            self._db = sqlite3.connect(path, timeout=0.5, isolation_level=None)
        try:
            with self._speaking():
                self._open()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def __len__(self) -> int:
        with self._speaking():
            return int(self._one("SELECT count(*) FROM answers"))

    def get_many(self, digests: Iterable[str]) -> dict[str, Reply]:
        """The replies that are stored, by digest; those that are not are left out."""
        found: dict[str, Reply] = {}
        rest = iter(list(digests))
        with self._speaking():
            while some := list(islice(rest, _AT_ONCE)):
                marks = ",".join("?" * len(some))
                query = f"SELECT * FROM answers WHERE digest IN ({marks})"
                found |= {row[0]: _reply(row) for row in self._db.execute(query, some)}
        return found

    def put(self, digest: str, reply: Reply) -> None:
        """Store one reply for good; one with an error is left out, to be asked again."""
        self.put_many([(digest, reply)])

    def put_many(self, replies: Iterable[tuple[str, Reply]]) -> None:
        """Store several replies, all or none, for good; those with an error are left out."""
        rows = [_row(digest, reply) for digest, reply in replies if reply.error is None]
        with self._speaking(), self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)

    def clear(self) -> None:
        """Forget every answer."""
        with self._speaking(), self._transaction():
            self._db.execute("DELETE FROM answers")

    def _one(self, query: str) -> int | str:
        value: int | str = self._db.execute(query).fetchone()[0]
        return value

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk may have rolled back already
                self._db.execute("ROLLBACK")
            raise

    def _open(self) -> None:
        """Lock the file, look at whether it is whole and ours, and lay it out when new."""
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        with self._transaction():
            if not self._one("SELECT count(*) FROM sqlite_master"):
                self._lay_out()
            self._recognise()
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")

    def _recognise(self) -> None:
        if self._one("PRAGMA quick_check") != "ok":
            raise sqlite3.DatabaseError("quick_check")
        if self._one("PRAGMA application_id") != _APPLICATION:
            raise QcError(_fault("QC604", self.path, _NOT_OURS, _OTHER_FOLDER))
        if int(self._one("PRAGMA user_version")) > _VERSION:
            raise QcError(_fault("QC604", self.path, _NEWER, _OTHER_FOLDER))

    def _lay_out(self) -> None:
        self._db.execute(_TABLE)
        self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """What SQLite and the system say, as a message for a person."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise QcError(_unusable(self.path, error)) from error
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise QcError(_damaged(self.path)) from error


def _make(path: Path) -> None:
    """An empty file that only its owner can read: the answers speak of patients."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _row(digest: str, reply: Reply) -> tuple[str, str, str | None]:
    text = reply.explanation
    if text is not None:  # a lone surrogate cannot be stored
        text = text.encode("utf-8", "replace").decode()
    return digest, json.dumps(reply.probabilities), text


def _reply(row: tuple[str, str, str | None]) -> Reply:
    try:
        return Reply(tuple(json.loads(row[1])), row[2])
    except (ValueError, TypeError):
        raise sqlite3.DatabaseError("not a reply") from None


_NOT_OURS = Text("这不是质控程序的答案库", "This is not a store of answers")
_NEWER = Text("答案库由更新的版本写成", "The store was written by a newer version")
_OTHER_FOLDER = Text(
    "请用 --out 另选一个文件夹，或升级程序。", "Choose another folder with --out, or upgrade."
)
_BUSY = Text("另一次运行正在使用这个文件夹", "Another run is using this folder")
_BUSY_HELP = Text(
    "请等它结束，或用 --out 另选一个文件夹。",
    "Wait for it to end, or choose another folder with --out.",
)
_UNUSABLE_HELP = Text(
    "请检查磁盘空间和文件夹的写权限。已存的答案都在，处理后用同一命令继续。",
    "Check the disk's free space and your rights to the folder. What was stored is safe:"
    " run the same command again.",
)


def _fault(code: str, path: Path, message: Text, help_: Text) -> Diagnostic:
    return Diagnostic(code, message, help=help_, place=Text(str(path), str(path)))


def _unusable(path: Path, error: Exception) -> Diagnostic:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without its extension
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _fault("QC601", path, _BUSY, _BUSY_HELP)
    reason = getattr(error, "strerror", None) or str(error)
    message = Text(f"答案库不能读写（{reason}）", f"The store cannot be used ({reason})")
    return _fault("QC603", path, message, _UNUSABLE_HELP)


def _damaged(path: Path) -> Diagnostic:
    """Move a damaged store aside, whole, and say where to."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}")
    message = Text(
        f"答案库已损坏，原文件保留为 {aside}", f"The store is damaged, and kept as {aside}"
    )
    try:
        for end in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    except OSError:
        message = Text("答案库已损坏，且不能移开", "The store is damaged and cannot be moved aside")
    help_ = Text(
        "再运行一次会从空的答案库开始，问过的问题会重问。若要找回答案，可对保留的文件用"
        " sqlite3 的 .recover。",
        "The next run starts with an empty store and asks again. To get answers back, use"
        " .recover of sqlite3 on the kept file.",
    )
    return _fault("QC602", path, message, help_)
