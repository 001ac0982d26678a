"""The audit log's file: one JSON object a line, each with the hash of the line before it.

A line's ``sha256`` is that of the line itself without this key, as `canonical` writes it. Beside
the log stands its *head* (``….head``): how many lines there are and the hash of the last one,
so that lines missing at the end are noticed too.

What a chain can do: whoever changes, removes or adds a line has to write everything after it
anew, and the head. Against someone who does all of that only a hash kept elsewhere helps.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from qc_runtime.locks import lock

START = "0" * 64  # what the first line has for the hash of the line before it
_LOCK_SECONDS = 10.0
_TAIL = 1 << 20  # bytes from the end in which the last good line is looked for


@dataclass(frozen=True)
class Log:
    """The lines as they are in the file, and what the head says of them, if there is one."""

    lines: tuple[bytes, ...]
    head: tuple[int, str] | None


def canonical(entry: Mapping[str, Any]) -> str:
    """The one way to write an entry."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def hash_of(entry: Mapping[str, Any]) -> str:
    """The hash of a line: of everything but its own hash."""
    said = {name: value for name, value in entry.items() if name != "sha256"}
    return hashlib.sha256(canonical(said).encode("utf-8", "replace")).hexdigest()


def append(path: Path, entry: Mapping[str, Any]) -> str:
    """Add a line, on disk when this returns; its hash. `OSError` when that is not possible.

    A line that does not fit on the disk leaves none behind. Several processes take turns.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with open(handle, "r+b", buffering=0) as file:
        lock(file, _LOCK_SECONDS)
        size = os.fstat(handle).st_size
        number, previous, torn = _end(file, size)
        if (head := _read_head(path)) and head[0] > number:
            number, previous = head  # lines are missing at the end: that must stay to be seen
        chained = {"n": number + 1, **entry, "previous": previous}
        digest = hash_of(chained)
        line = canonical(chained | {"sha256": digest}).encode("utf-8", "replace") + b"\n"
        try:
            _write(file, b"\n" + line if torn else line)
            _write_head(path, f"{number + 1} {digest}\n")
        except OSError:
            os.ftruncate(handle, size)
            raise
    return digest


def _end(file: BinaryIO, size: int) -> tuple[int, str, bool]:
    """Number and hash of the last line that has them, and whether the very last is torn."""
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    for line in reversed(tail.split(b"\n")):
        entry = parsed(line)
        if entry and isinstance(entry.get("n"), int) and isinstance(entry.get("sha256"), str):
            return entry["n"], entry["sha256"], not tail.endswith(b"\n")
    return 0, START, bool(tail) and not tail.endswith(b"\n")


def parsed(line: bytes) -> dict[str, Any] | None:
    """A line as an entry, if it is one."""
    try:
        entry = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _write(file: BinaryIO, data: bytes) -> None:
    """Write all of it, and have the disk hold it."""
    while data:
        data = data[file.write(data) :]
    os.fsync(file.fileno())


def _head_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.head")


def _write_head(path: Path, text: str) -> None:
    head = _head_path(path)
    fresh = head.with_name(f"{head.name}.part")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "wb", buffering=0) as file:
            _write(file, text.encode())
        fresh.replace(head)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _read_head(path: Path) -> tuple[int, str] | None:
    """How many lines there should be and the last one's hash; `None` when there is no head."""
    try:
        words = _head_path(path).read_text("utf-8", "replace").split()
    except FileNotFoundError:
        return None
    sound = len(words) == 2 and words[0].isascii() and words[0].isdigit()
    return (int(words[0]), words[1]) if sound else (0, "")


def read_log(path: Path) -> Log:
    """The log and its head. Raises `OSError`.

    A line is written before the head is, so a reader may find the log one line ahead of it.
    """
    head = _read_head(path)
    lines = path.read_bytes().split(b"\n")
    if lines[-1] == b"":
        return Log(tuple(lines[:-1]), head)
    return Log((*lines[:-1], lines[-1] + _TORN), head)


_TORN = b"\0"  # stands for the line end that a torn last line lacks: no entry holds one
