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
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Reply, dump_reply
from qc_runtime.kept import Kept, kept_of, make_private, select, transaction, utc_now

FILE_NAME = "answers.sqlite"
_VERSION = 2
_APPLICATION = 0x51435242  # "QCRB", in the file's header: this is a store of ours
_TABLE = """
    CREATE TABLE answers (
        digest TEXT PRIMARY KEY,
        reply TEXT NOT NULL,
        answered TEXT NOT NULL,
        identity TEXT NOT NULL
    ) WITHOUT ROWID
"""
# Version 1 had probabilities and an explanation. Its digests are of another shape of request:
# no request has one of them any more, so its rows are never found and cannot answer a question
# that was put differently. They are carried over, without a time, because they were paid for
# and a person may want to read them; they do not count as answers.
_FROM_1 = (
    "ALTER TABLE answers RENAME TO answers_1",
    _TABLE,
    "INSERT INTO answers SELECT digest, reply_of_1(probabilities, explanation), '', ''"
    " FROM answers_1",
    "DROP TABLE answers_1",
)


class AnswerStore:
    """Replies by request digest, each safe as soon as `put` returns. A context manager.

    ``path`` is the file; it is made, with mode 0600, when it is not there. Every method raises
    `QcError` (see the codes above) when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._speaking():
            make_private(path)
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
        """How many answers can be found; those of version 1 cannot."""
        with self._speaking():
            return int(self._one("SELECT count(*) FROM answers WHERE answered <> ''"))

    def get_many(self, digests: Iterable[str]) -> dict[str, Reply]:
        """The replies that are stored, by digest; those that are not are left out."""
        return {digest: kept.reply for digest, kept in self.kept(digests).items()}

    def kept(self, digests: Iterable[str]) -> dict[str, Kept]:
        """The same, each with its back end and its time."""
        query = "SELECT digest, reply, identity, answered FROM answers WHERE digest IN (?)"
        with self._speaking():
            return {row[0]: kept_of(*row[1:]) for row in select(self._db, query, digests)}

    def put(self, digest: str, reply: Reply, identity: str = "") -> None:
        """Store one reply for good; one with an error is left out, to be asked again.

        ``identity`` is that of the back end which gave it.
        """
        self.put_many([(digest, reply)], identity)

    def put_many(self, replies: Iterable[tuple[str, Reply]], identity: str = "") -> None:
        """Store several replies, all or none, for good; those with an error are left out."""
        now = utc_now()
        self.keep_many((digest, Kept(reply, identity, now)) for digest, reply in replies)

    def keep_many(self, answers: Iterable[tuple[str, Kept]]) -> None:
        """Store answers that were given before, with their back ends and times."""
        rows = [
            (digest, dump_reply(one.reply), one.answered, one.identity)
            for digest, one in answers
            if one.reply.error is None
        ]
        with self._speaking(), transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", rows)

    def clear(self) -> None:
        """Forget every answer."""
        with self._speaking(), transaction(self._db):
            self._db.execute("DELETE FROM answers")

    def _one(self, query: str) -> int | str:
        value: int | str = self._db.execute(query).fetchone()[0]
        return value

    def _open(self) -> None:
        """Lock the file, look at whether it is whole and ours, and lay it out when new."""
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        with transaction(self._db):
            if not self._one("SELECT count(*) FROM sqlite_master"):
                self._lay_out()
            self._recognise()
            if self._one("PRAGMA user_version") == 1:
                self._migrate()
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

    def _migrate(self) -> None:
        """From version 1, within the transaction of `_open`: either version, never half of one."""
        self._db.create_function("reply_of_1", 2, _reply_of_1, deterministic=True)
        for statement in _FROM_1:
            self._db.execute(statement)
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


def _reply_of_1(probabilities: str, explanation: str | None) -> str | None:
    """A reply of version 1 as it is written now; `None`, which no row may have, when it is none."""
    try:
        return dump_reply(Reply.of(json.loads(probabilities), explanation))
    except (ValueError, TypeError):
        return None


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
