"""One run's line in the audit log: made while it runs, written when it ends, however it ends."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

from qc_compiler.emit import digest
from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_runtime.audit.log import append

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_runtime.backend import Backend
    from qc_runtime.outcome import Outcome
    from qc_runtime.records import RecordSet
    from qc_runtime.tables.sources import Sources


def audit_path() -> Path:
    """``QC_AUDIT``, else ``qc/audit.jsonl`` under ``XDG_DATA_HOME`` or ``~/.local/share``."""
    if named := os.environ.get("QC_AUDIT"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "qc" / "audit.jsonl"


class Audit:
    """A context around a run. At its end one line is written: no record's text, and no key.

    A run that fails or is stopped has its line too, with what was known by then. When it cannot
    be written, ``complain`` is told (QC623), and ``written`` stays false: what was done is done,
    but the run must not end as if all were in order.
    """

    written = False

    def __init__(
        self, command: str, rulebook: Path, program: Program, complain: Callable[[Diagnostic], None]
    ) -> None:
        self._complain = complain
        self._started = monotonic()
        self._models: list[str] = []
        self._said: dict[str, Any] = {
            "time": datetime.now().astimezone().isoformat(timespec="seconds"),
            "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user": _user(),
            "host": socket.gethostname(),
            "command": command,
            "version": metadata.version("qc-rulebook"),
            "rulebook": {
                "path": str(rulebook.absolute()),
                "id": program.id,
                "version": program.version,
                "sha256": digest(program),
            },
            "model": self._models,
            "data": [],
            "status": {},
        }

    def __enter__(self) -> Audit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        entry = self._said | {
            "seconds": round(monotonic() - self._started, 3),
            "end": "done" if error is None else _end(error),
        }
        path = audit_path()
        try:
            append(path, entry)
            self.written = True
        except OSError as refused:
            self._complain(_unwritten(path, refused))

    def watching(self, connect: Callable[[], Backend] | None) -> Callable[[], Backend] | None:
        """``connect``, and what it connects to is noted."""
        if connect is None:
            return None

        def connected() -> Backend:
            backend = connect()
            if backend.identity not in self._models:
                self._models.append(backend.identity)
            return backend

        return connected

    def read(self, sources: Sources, records: RecordSet | None) -> None:
        """Note what data there is; large tables are read once for it."""
        self._said["data"] = list(_digests(sources, records))

    def judged(self, outcomes: Iterable[Outcome]) -> None:
        """Note how many records ended how."""
        self.counted(Counter(outcome.status.value for outcome in outcomes))

    def counted(self, by_status: Mapping[str, int]) -> None:
        """The same where they have been counted."""
        self._said["status"] = {name: n for name, n in sorted(by_status.items()) if n}

    def note(self, data: Iterable[Mapping[str, str]] = (), models: Iterable[str] = ()) -> None:
        """Note data that was read, and models that were asked, by other processes perhaps."""
        self._said["data"] += data
        self._models += [model for model in models if model not in self._models]


def _digests(sources: Sources, records: RecordSet | None) -> Iterator[dict[str, str]]:
    """Each file once. The cases' was hashed as it was read."""
    from qc_runtime.models.cache import hash_file

    cases = sources.cases
    if cases is not None and records is not None:
        yield {"path": str(cases.path.absolute()), "sha256": records.digest}
    paths = dict.fromkeys(source.path for source in sources.tables.values())
    for path in paths:
        if cases is None or path != cases.path:
            with suppress(OSError):  # the run itself will say what is wrong with it
                yield {"path": str(path.absolute()), "sha256": hash_file(path)}


def _user() -> str:
    """The name of the account, which the environment has no say in where there is another way."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        import getpass

        try:
            return getpass.getuser()
        except (ImportError, KeyError, OSError):
            return str(os.getuid()) if hasattr(os, "getuid") else ""


def _end(error: BaseException) -> str:
    return "stopped" if isinstance(error, KeyboardInterrupt) else "failed"


def _unwritten(path: Path, error: OSError) -> Diagnostic:
    reason = error.strerror or str(error)
    return Diagnostic(
        "QC623",
        Text(f"审计记录写不进去（{reason}）", f"The audit log cannot be written ({reason})"),
        help=Text(
            "这次运行没有留下审计记录。请检查磁盘空间和权限，或用 QC_AUDIT 另选文件。",
            "This run is not in the audit log. Check the disk's space and your rights, or name"
            " another file with QC_AUDIT.",
        ),
        place=Text(str(path), str(path)),
    )
