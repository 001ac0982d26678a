"""Answers survive everything but being asked to go."""

from __future__ import annotations

import random
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qc_dsl.errors import QcError
from qc_dsl.lang import Text
from qc_runtime.backend import ANSWER, QUOTE, REASON, Reply
from qc_runtime.store import _FROM_1, AnswerStore
from support.faults import as_nobody

YES = Reply.of((0.9, 0.1), "两个名称指同一手术")


def _code(error: pytest.ExceptionInfo[QcError]) -> str:
    return error.value.diagnostics[0].code


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "answers.sqlite"


def test_replies_come_back_exactly(path: Path) -> None:
    third = Reply.of((1 / 3, 2 / 3))
    with AnswerStore(path) as store:
        store.put("a", YES)
        store.put_many([("b", third), ("c", Reply.of((1.0,), ""))])
    with AnswerStore(path) as store:
        assert store.get_many(["a", "b", "c", "none"]) == {
            "a": YES,
            "b": third,
            "c": Reply.of((1.0,), ""),
        }
        assert len(store) == 3


def test_a_reply_with_every_kind_of_value_comes_back_exactly(path: Path) -> None:
    whole = Reply({"thought": "想", ANSWER: (0.1, 0.9), "数": 3.5, QUOTE: None, REASON: "因为"})
    with AnswerStore(path) as store:
        store.put("a", whole, "llama:abc")
    with AnswerStore(path) as store:
        assert store.get_many(["a"]) == {"a": whole}


def test_an_answer_says_who_gave_it_and_when(path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with AnswerStore(path) as store:
        store.put("a", YES, "llama:abc")
        kept = store.kept(["a"])["a"]
    assert kept.identity == "llama:abc"
    assert before <= datetime.fromisoformat(kept.answered) <= datetime.now(UTC)


def test_more_digests_than_one_query_takes(path: Path) -> None:
    with AnswerStore(path) as store:
        store.put_many((str(i), Reply.of((i / 2000,))) for i in range(2000))
        found = store.get_many(str(i) for i in range(2500))
    assert len(found) == 2000
    assert found["1234"].probabilities == (1234 / 2000,)


def test_an_error_is_never_stored_so_it_is_asked_again(path: Path) -> None:
    with AnswerStore(path) as store:
        store.put("a", Reply(error=Text("太长", "too long")))
        assert store.get_many(["a"]) == {}
        assert len(store) == 0


def test_a_later_answer_replaces_the_earlier_one(path: Path) -> None:
    with AnswerStore(path) as store:
        store.put("a", YES)
        store.put("a", Reply.of((0.2, 0.8)))
        assert store.get_many(["a"])["a"].probabilities == (0.2, 0.8)
        assert len(store) == 1


def test_text_that_utf8_cannot_hold_does_not_harm_the_store(path: Path) -> None:
    with AnswerStore(path) as store:
        store.put("a", Reply.of((1.0,), "坏\ud83d字"))
        assert store.get_many(["a"])["a"].text(REASON) == "坏?字"


def test_clear_forgets_everything(path: Path) -> None:
    with AnswerStore(path) as store:
        store.put("a", YES)
        store.clear()
        assert len(store) == 0
    with AnswerStore(path) as store:
        assert len(store) == 0


def test_only_the_owner_can_read_any_of_the_files(path: Path) -> None:
    path.parent.mkdir()
    path.touch(mode=0o644)
    with AnswerStore(path) as store:
        store.put("a", YES)
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes["answers.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}


_HOLD = """
import sys, time
from pathlib import Path
from qc_runtime.store import AnswerStore
store = AnswerStore(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(60)
"""

_PUT = """
import sys
from pathlib import Path
from qc_runtime.backend import Reply
from qc_runtime.store import AnswerStore
start = int(sys.argv[2])
with AnswerStore(Path(sys.argv[1])) as store:
    for i in range(start, start + 100000):
        store.put(f"digest-{i}", Reply.of((i / 1e6, 1 - i / 1e6), "说明" * (i % 50)))
        print(i, flush=True)
"""


@contextmanager
def _child(code: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def test_a_second_run_on_the_same_folder_is_told_so(path: Path) -> None:
    with _child(_HOLD, str(path)) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(QcError) as error:
            AnswerStore(path)
        assert _code(error) == "QC601"
    with AnswerStore(path) as store:  # a killed run leaves no lock behind
        assert len(store) == 0


def test_two_stores_in_one_process_do_not_share_a_file(path: Path) -> None:
    with AnswerStore(path):
        with pytest.raises(QcError) as error:
            AnswerStore(path)
        assert _code(error) == "QC601"


def test_kill_9_at_any_moment_loses_nothing_that_was_reported(path: Path) -> None:
    chance = random.Random(20250227)
    reported: list[int] = []
    for turn in range(4):
        with _child(_PUT, str(path), str(turn * 100000)) as child:
            assert child.stdout is not None
            reported.append(int(child.stdout.readline()))  # it has begun
            time.sleep(chance.uniform(0.02, 0.4))
            child.send_signal(signal.SIGKILL)
            whole = [line for line in child.stdout.read().splitlines(keepends=True) if "\n" in line]
            reported += [int(line) for line in whole]
            assert child.wait() == -signal.SIGKILL
    with AnswerStore(path) as store:
        found = store.get_many(f"digest-{i}" for i in reported)
    assert len(reported) > 40
    assert set(found) == {f"digest-{i}" for i in reported}
    assert all(found[f"digest-{i}"].probabilities[0] == i / 1e6 for i in reported)


@pytest.mark.parametrize("damage", ["garbage", "middle", "truncated"])
def test_a_damaged_store_is_kept_aside_and_named(path: Path, damage: str) -> None:
    with AnswerStore(path) as store:
        store.put_many((f"{i:064}", Reply.of((0.5, 0.5), "说明" * 20)) for i in range(3000))
    whole = path.read_bytes()
    bad = {
        "garbage": b"not a database at all" * 100,
        "middle": whole[:4096] + bytes(8192) + whole[12288:],
        "truncated": whole[: len(whole) // 2],
    }[damage]
    path.write_bytes(bad)
    with pytest.raises(QcError) as error:
        AnswerStore(path)
    assert _code(error) == "QC602"
    kept = list(path.parent.glob("answers.sqlite.damaged-*"))
    assert [one.read_bytes() for one in kept] == [bad]
    assert str(kept[0]) in error.value.diagnostics[0].message.zh
    with AnswerStore(path) as store:  # the next run starts anew
        assert len(store) == 0


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE patients (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(QcError) as error:
        AnswerStore(path)
    assert _code(error) == "QC604"
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_left_alone(path: Path) -> None:
    AnswerStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(QcError) as error:
        AnswerStore(path)
    assert _code(error) == "QC604"
    assert path.exists()


def test_a_full_disk_is_said_and_keeps_what_was_stored(path: Path) -> None:
    with AnswerStore(path) as store:
        store.put("a", YES)
        pages = store._one("PRAGMA page_count")
        store._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own “disk is full”
        with pytest.raises(QcError) as error:
            store.put_many((f"{i}", Reply.of((1.0,), "长" * 1000)) for i in range(100))
        assert _code(error) == "QC603"
        assert store.get_many(["a", "0"]) == {"a": YES}
    with AnswerStore(path) as store:
        assert len(store) == 1


# Version 1

_VERSION_1 = """
    CREATE TABLE answers (
        digest TEXT PRIMARY KEY, probabilities TEXT NOT NULL, explanation TEXT
    ) WITHOUT ROWID;
    PRAGMA application_id = 0x51435242;
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;
"""


def _of_version_1(path: Path, *rows: tuple[str, str, str | None]) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.executescript(_VERSION_1)
        db.executemany("INSERT INTO answers VALUES (?, ?, ?)", rows)
    db.close()


def test_a_store_of_version_1_is_carried_over(path: Path) -> None:
    _of_version_1(path, ("a", "[0.9, 0.1]", "两个名称指同一手术"), ("b", "[0.25, 0.75]", None))
    for _ in range(2):
        with AnswerStore(path) as store:
            assert store.get_many(["a", "b"]) == {"a": YES, "b": Reply.of((0.25, 0.75))}
            assert store.kept(["a"])["a"].answered == ""
            assert len(store) == 0  # no request has such a digest any more
            assert store._one("PRAGMA user_version") == 2
    with AnswerStore(path) as store:
        store.put("c", YES)
        assert len(store) == 1


def test_a_bad_row_of_version_1_is_damage_and_nothing_is_changed(path: Path) -> None:
    _of_version_1(path, ("a", "[0.9, 0.1]", None), ("b", "none", None))
    before = path.read_bytes()
    with pytest.raises(QcError) as error:
        AnswerStore(path)
    assert _code(error) == "QC602"
    assert [p.read_bytes() for p in path.parent.glob("answers.sqlite.damaged-*")] == [before]


def test_a_move_to_version_2_that_is_cut_off_is_begun_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _of_version_1(path, ("a", "[0.9, 0.1]", None))
    monkeypatch.setattr("qc_runtime.store._FROM_1", (*_FROM_1, "SELECT * FROM not_there"))
    with pytest.raises(QcError):
        AnswerStore(path)
    monkeypatch.undo()
    with AnswerStore(path) as store:
        assert store.get_many(["a"]) == {"a": Reply.of((0.9, 0.1))}


# Disks, folders, rights


def test_a_folder_that_cannot_be_written_is_said() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with as_nobody(), pytest.raises(QcError) as error:
            AnswerStore(folder / "answers.sqlite")
        folder.chmod(0o755)
    assert _code(error) == "QC603"
