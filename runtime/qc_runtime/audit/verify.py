"""Whether an audit log is as it was written, and where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qc_dsl.lang import Text
from qc_runtime.audit.log import START, Log, canonical, hash_of, parsed


@dataclass(frozen=True)
class Break:
    """A place where the chain does not hold: the number of a line of the file, from 1."""

    line: int
    message: Text


@dataclass(frozen=True)
class Verified:
    """What was found. ``last`` is the hash of the last line, which is worth keeping elsewhere."""

    lines: int
    last: str
    breaks: tuple[Break, ...]
    notes: tuple[Break, ...]


def verify(log: Log, expected: Sequence[str] = ()) -> Verified:
    """Walk the chain from the first line to the head.

    ``expected`` are hashes that were kept elsewhere: each must be some line's.
    """
    entries = [parsed(line) for line in log.lines]
    breaks = [*_in_lines(log.lines, entries), *_at_the_end(log, entries)]
    hashes = [str(entry.get("sha256")) if entry else "" for entry in entries]
    for one in expected:
        if one.lower() not in hashes:
            zh, en = f"没有校验和为 {one} 的行", f"no line has the hash {one}"
            breaks.append(Break(len(entries), Text(zh, en)))
    last = hashes[-1] if hashes else START
    return Verified(len(entries), last, tuple(breaks), tuple(_clock(entries)))


def _in_lines(lines: Sequence[bytes], entries: Sequence[dict[str, Any] | None]) -> Iterator[Break]:
    """Each line by itself, and to the one before; after a break a line is taken at its word."""
    previous: str | None = START
    number = 0
    for at, (line, entry) in enumerate(zip(lines, entries, strict=True), 1):
        if entry is None:
            yield Break(at, _TORN if at == len(lines) else _UNREADABLE)
            previous = None
            continue
        if hash_of(entry) != entry.get("sha256") or canonical(entry).encode() != line:
            yield Break(at, _CHANGED)
        elif previous is not None and entry.get("previous") != previous:
            yield Break(at, _link(entry.get("n"), number))
        previous, number = str(entry.get("sha256")), _number(entry, at)


def _number(entry: dict[str, Any], at: int) -> int:
    number = entry.get("n")
    return number if isinstance(number, int) else at


def _link(number: object, before: int) -> Text:
    """What a line that does not follow on the one before it says about what was done."""
    if isinstance(number, int) and number > before + 1:
        missing = number - before - 1
        return Text(f"这一行之前少了 {missing} 行", f"{missing} lines before this one are missing")
    return Text(
        "与上一行接不上：上一行被改过，或这里插入或移动过行",
        "does not follow on the line before it: that was changed, or a line put in or moved here",
    )


def _at_the_end(log: Log, entries: Sequence[dict[str, Any] | None]) -> Iterator[Break]:
    """The head names a line; it must be there, and at most one line after it.

    A run that is killed between its line and the head leaves one more line than the head says.
    """
    if log.head is None:
        if len(entries) > 1:  # the first line's run may have been killed before it made the head
            yield Break(len(entries), _NO_HEAD)
        return
    count, digest = log.head
    there = [entry for entry in entries if entry and entry.get("sha256") == digest]
    if not there:
        missing = count - len(entries)
        if missing <= 0 and entries and entries[-1] is None:
            return  # it was that one, which is named already
        zh, en = f"末尾少了 {missing} 行", f"{missing} lines are missing at the end"
        yield Break(len(entries) + 1, Text(zh, en) if missing > 0 else _OTHER_END)
    elif entries[-1] is not None and there[-1] not in entries[-2:]:
        yield Break(len(entries), _OTHER_END)


def _clock(entries: Sequence[dict[str, Any] | None]) -> Iterator[Break]:
    """Lines that are earlier than the one before: no fault of the chain, the clock was set."""
    latest = ""
    for at, entry in enumerate(entries, 1):
        time = str(entry.get("utc", "")) if entry else ""
        if time and time < latest:
            yield Break(at, Text(f"时钟倒退：{time} 早于 {latest}", f"the clock went back: {time}"))
        latest = time or latest


_CHANGED = Text("被改过", "was changed")
_UNREADABLE = Text("不是一条记录", "is no entry")
_TORN = Text("不完整（写到一半断电，或被截断）", "is not whole (a power cut, or it was cut off)")
_NO_HEAD = Text("没有 .head 文件，末尾可能少了行", "no .head file: lines may be missing at the end")
_OTHER_END = Text(
    "末尾与 .head 文件不符：有行被改过、换过或添加过",
    "the end is not what the .head file says: lines were changed or added",
)
