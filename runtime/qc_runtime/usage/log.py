"""What was computed, hour by hour: one line a run and hour, with counts and no record's text.

A run's lines share its id. The last one has the number of its records, which is known when the
run ends; a run that was stopped has none.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType

from qc_runtime.audit.entry import audit_path
from qc_runtime.backend import Backend, Counters
from qc_runtime.locks import lock

_LOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Line:
    """One hour of one run. ``hour`` is its beginning, local time with the offset.

    ``computed`` counts replies that a model gave; ``needed`` (in the last line of a run) the
    records that the model had to be asked about; ``records`` all of them. Tokens as in
    `qc_runtime.outcome.Usage`.
    """

    hour: str
    run: str
    rulebook: str
    computed: int = 0
    prompt_tokens: int = 0
    reused_prompt_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    records: int | None = None
    needed: int | None = None

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.hour)


def usage_path() -> Path:
    """Beside the audit log."""
    return audit_path().with_name("usage.jsonl")


def append(path: Path, line: Line) -> None:
    """Add a line in one write, 0600. `OSError` when that is not possible."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    said = {name: value for name, value in asdict(line).items() if value is not None}
    data = (json.dumps(said, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with open(handle, "r+b", buffering=0) as file:
        lock(file, _LOCK_SECONDS)
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            data = data if file.read(1) == b"\n" else b"\n" + data  # a torn line stays alone
        file.write(data)


def read(path: Path, since: datetime | None = None) -> Iterator[Line]:
    """The lines from that time on. What is no line of ours (torn by a power cut) is left out."""
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            if (line := _line(text)) and (since is None or line.at >= since):
                yield line


def _line(text: str) -> Line | None:
    known = {one.name for one in fields(Line)}
    with suppress(ValueError, TypeError, AttributeError):
        line = Line(**{k: v for k, v in json.loads(text).items() if k in known})
        if line.at.tzinfo is not None and all(_is_count(n) for n in astuple(line)[3:]):
            return line
    return None


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and value >= 0)


@dataclass
class Meter:
    """Around a run: shares out what its back ends count over the hours, and writes the lines.

    ``tick`` is called often; an hour's line is written when the hour is over, the last at the
    end, however the run ends. That the log cannot be written is told to ``complain``, once.
    """

    rulebook: str
    path: Path
    complain: Callable[[OSError], None]
    now: Callable[[], datetime] = lambda: datetime.now().astimezone()
    _run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    _backends: list[Backend] = field(default_factory=list)
    _written: Counters = field(default_factory=Counters)
    _computed: int = 0
    _ends: tuple[int | None, int | None] = (None, None)

    def __enter__(self) -> Meter:
        self._hour = _hour_of(self.now())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write()

    def watching(self, connect: Callable[[], Backend] | None) -> Callable[[], Backend] | None:
        """The same, but what the back end counts is seen here."""
        return None if connect is None else lambda: self._seen(connect())

    def _seen(self, backend: Backend) -> Backend:
        self._backends.append(backend)
        return backend

    def tick(self) -> None:
        """A reply is about to be computed."""
        if (hour := _hour_of(self.now())) != self._hour:
            self._write()
            self._hour = hour
        self._computed += 1

    def ended(self, records: int, needed: int) -> None:
        """The run has come to its end, with so many records."""
        self._ends = (records, needed)

    def _write(self) -> None:
        total = _sum([backend.counters for backend in self._backends])
        spent = _sum([total], minus=self._written)
        records, needed = self._ends
        if not (self._computed or spent.generated_tokens or spent.prompt_tokens or records):
            return
        line = Line(
            self._hour.isoformat(),
            self._run,
            self.rulebook,
            self._computed,
            spent.prompt_tokens,
            spent.reused_prompt_tokens,
            spent.generated_tokens,
            round(spent.seconds, 3),
            records,
            needed,
        )
        self._written, self._computed = replace(total), 0
        try:
            append(self.path, line)
        except OSError as error:
            self.complain(error)
            self.complain = lambda _: None


def _hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _sum(counted: list[Counters], minus: Counters | None = None) -> Counters:
    rows = [astuple(one) for one in (*counted, Counters())]
    taken = astuple(minus or Counters())
    return Counters(
        *(sum(row) - less for row, less in zip(zip(*rows, strict=True), taken, strict=True))
    )
