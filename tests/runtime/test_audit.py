"""The audit log: a chain that shows what was changed, removed, put in or cut off."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qc_runtime.audit import append, read_log, verify
from qc_runtime.audit.log import START, canonical, hash_of
from support.faults import fill, limited_files, small_disk

pytestmark = pytest.mark.usefixtures("chinese")
Lines = list[bytes]


def written(path: Path, count: int = 5) -> Path:
    for number in range(count):
        append(path, {"utc": f"2025-01-01T00:00:0{number}.000+00:00", "user": "质控科"})
    return path


def broken(path: Path) -> list[int]:
    return [one.line for one in verify(read_log(path)).breaks]


def said(path: Path) -> str:
    return "；".join(one.message.zh for one in verify(read_log(path)).breaks)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return written(tmp_path / "deep" / "audit.jsonl")


def test_a_log_as_it_was_written_holds(log: Path) -> None:
    found = verify(read_log(log))
    assert (found.lines, found.breaks, found.notes) == (5, (), ())
    entries = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert [entry["n"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["previous"] for entry in entries[:2]] == [START, entries[0]["sha256"]]
    assert found.last == entries[-1]["sha256"]


def test_only_the_owner_can_read_it(log: Path) -> None:
    files = list(log.parent.iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def changed(lines: Lines) -> Lines:
    return [*lines[:2], lines[2].replace("质控科".encode(), "别的科".encode()), *lines[3:]]


def spaced(lines: Lines) -> Lines:
    return [*lines[:2], lines[2].replace(b'":', b'": '), *lines[3:]]


def removed(lines: Lines) -> Lines:
    return [*lines[:2], *lines[3:]]


def swapped(lines: Lines) -> Lines:
    return [*lines[:2], lines[3], lines[2], lines[4]]


def inserted(lines: Lines) -> Lines:
    return [*lines[:2], lines[0], *lines[2:]]


def forged(lines: Lines) -> Lines:
    """A line written anew, with a right hash of its own."""
    entry = json.loads(lines[2]) | {"user": "别人"}
    entry["sha256"] = hash_of(entry)
    return [*lines[:2], canonical(entry).encode(), *lines[3:]]


def nonsense(lines: Lines) -> Lines:
    return [*lines[:2], b"[" * 100000, *lines[2:]]


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (changed, [3], "被改过"),
        (spaced, [3], "被改过"),
        (removed, [3], "少了 1 行"),
        (swapped, [3, 4, 5], "接不上"),
        (inserted, [3, 4], "接不上"),
        (forged, [4], "接不上"),
        (nonsense, [3], "不是一条记录"),
        (lambda lines: lines[1:], [1], "少了 1 行"),
        (lambda lines: lines[:3], [4], "末尾少了 2 行"),
        (lambda lines: [], [1], "末尾少了 5 行"),
    ],
)
def test_what_was_done_to_a_log_is_found_at_its_line(
    log: Path, change: Callable[[Lines], Lines], where: list[int], what: str
) -> None:
    lines = log.read_bytes().splitlines()
    log.write_bytes(b"".join(line + b"\n" for line in change(lines)))
    assert broken(log) == where
    assert what in said(log)


def test_lines_missing_at_the_end_stay_to_be_seen_when_the_log_goes_on(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:3]))
    written(log, 2)
    assert broken(log) == [4]
    assert "少了 2 行" in said(log)
    log.unlink()
    written(log, 1)
    assert broken(log) == [1]


def test_a_line_that_was_cut_off_is_found_and_the_chain_goes_on_after_it(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-20])
    assert broken(log) == [5]
    assert "不完整" in said(log)
    written(log, 2)
    found = verify(read_log(log))
    assert [one.line for one in found.breaks] == [5]
    assert found.lines == 7


def test_a_last_line_without_its_line_end_is_not_whole(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-1])
    assert broken(log) == [5]


def test_a_line_added_by_hand_without_the_head_is_found(log: Path) -> None:
    last = json.loads(log.read_bytes().splitlines()[-1])
    with log.open("ab") as file:
        for _ in range(2):
            last = {"n": last["n"] + 1, "previous": last["sha256"]}
            last["sha256"] = hash_of(last)
            file.write(canonical(last).encode() + b"\n")
    assert broken(log) == [7]


def test_a_run_killed_between_its_line_and_the_head_is_no_break(log: Path) -> None:
    head = log.with_name("audit.jsonl.head")
    before = head.read_bytes()
    written(log, 1)
    head.write_bytes(before)
    assert broken(log) == []
    written(log, 1)
    assert broken(log) == []


def test_a_log_without_its_head_is_said(log: Path) -> None:
    log.with_name("audit.jsonl.head").unlink()
    assert broken(log) == [5]


def test_a_hash_kept_elsewhere_shows_a_log_written_anew(log: Path) -> None:
    kept = verify(read_log(log)).last
    assert verify(read_log(log), [kept]).breaks == ()
    for file in list(log.parent.iterdir()):
        file.unlink()
    for _ in range(6):
        append(log, {"user": "别人"})
    assert broken(log) == []
    assert [one.line for one in verify(read_log(log), [kept]).breaks] == [6]


def test_a_clock_that_goes_back_is_noted_and_breaks_nothing(log: Path) -> None:
    append(log, {"utc": "2024-12-31T00:00:00.000+00:00"})
    append(log, {"utc": "2025-06-01T00:00:00.000+00:00"})
    found = verify(read_log(log))
    assert found.breaks == ()
    assert [one.line for one in found.notes] == [6]


_WRITE_MANY = """
import sys
from pathlib import Path
from qc_runtime.audit import append
for number in range(50):
    append(Path(sys.argv[1]), {"user": sys.argv[2], "number": number})
"""


def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    commands = [[sys.executable, "-c", _WRITE_MANY, str(path), name] for name in "甲乙丙"]
    children = [subprocess.Popen(command) for command in commands]
    assert [child.wait() for child in children] == [0, 0, 0]
    found = verify(read_log(path))
    assert (found.lines, found.breaks) == (150, ())


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    with small_disk(tmp_path, 64) as folder:
        log = written(folder / "audit.jsonl")
        before = log.read_bytes()
        filler = fill(folder)
        with pytest.raises(OSError, match="No space"):
            append(log, {"text": "长" * 3000})
        assert log.read_bytes().startswith(before)
        filler.unlink()
        written(log)
        assert broken(log) == []


def test_a_file_that_may_not_grow_leaves_no_part_of_a_line(log: Path) -> None:
    before = log.read_bytes()
    with limited_files(len(before) + 100), pytest.raises(OSError, match="too large"):
        append(log, {"text": "长" * 1000})
    assert log.read_bytes() == before
    assert broken(written(log)) == []
