"""The shared cache: what was asked once, anywhere, is not asked again; and it never stops a run."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_runtime.backend import Reply
from qc_runtime.cache import CacheFile, Layered, Remembered, SharedCache
from qc_runtime.cache.file import set_aside
from qc_runtime.kept import Kept
from qc_runtime.store import AnswerStore
from support.answers import column, digest, fill_cache, set_used
from support.faults import as_nobody, fill, limited_files, small_disk

pytestmark = pytest.mark.usefixtures("chinese")
YES = Reply.of((0.9, 0.1), "两个名称指同一手术")
NO = Reply.of((0.2, 0.8))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers" / "shared.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[CacheFile]:
    with CacheFile(path) as opened:
        yield opened


# The file


def test_answers_come_back_exactly_with_their_back_end_and_time(path: Path) -> None:
    kept = Kept(YES, "llama:abc", "2025-01-01T00:00:00Z")
    with CacheFile(path) as cache:
        cache.keep([(digest(1), kept)])
    with CacheFile(path) as cache:
        assert cache.find([digest(1), digest(2)]) == {digest(1): kept}


def test_every_hit_is_counted_and_dated(cache: CacheFile) -> None:
    fill_cache(cache, 2)
    set_used(cache, 0, "2025-01-01T00:00:00Z")
    set_used(cache, 1, "2025-01-01T00:00:00Z")
    cache.find([digest(0)])
    cache.find([digest(0)])
    assert column(cache, "hits") == [2, 0]
    assert column(cache, "used > '2025-06'") == [1, 0]


def test_a_later_answer_replaces_the_earlier_one_and_keeps_its_hits(cache: CacheFile) -> None:
    cache.keep([(digest(1), Kept(YES))])
    cache.find([digest(1)])
    cache.keep([(digest(1), Kept(NO, "endpoint:x"))])
    assert cache.find([digest(1)])[digest(1)].reply == NO
    assert column(cache, "hits") == [2]


def test_only_the_owner_can_read_any_of_the_files(path: Path) -> None:
    with CacheFile(path) as cache:
        fill_cache(cache, 1)
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes["shared.sqlite"] == 0o600
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_row_that_is_no_answer_is_as_good_as_none(cache: CacheFile) -> None:
    fill_cache(cache, 2)
    cache.db.execute("UPDATE answers SET reply = 'none' WHERE digest = ?", (digest(0),))
    assert list(cache.find([digest(0), digest(1)])) == [digest(1)]


_PUT = """
import sys
from pathlib import Path
from qc_runtime.backend import Reply
from qc_runtime.cache import SharedCache
from qc_runtime.kept import Kept
def warn(diagnostic):
    sys.exit(diagnostic.message.en)
with SharedCache(Path(sys.argv[1]), warn) as cache:
    start = int(sys.argv[2])
    for number in range(start, start + 300):
        cache.find([f"{number - 150:064x}"])
        cache.keep([(f"{number:064x}", Kept(Reply.of((number / 1e6, 0.5))))])
"""


def test_several_processes_use_it_at_once(path: Path) -> None:
    """They begin together, so that they also make the file together."""
    starts = [0, 100, 200, 1000]
    children = [
        subprocess.Popen([sys.executable, "-c", _PUT, str(path), str(start)]) for start in starts
    ]
    assert [child.wait(timeout=60) for child in children] == [0] * 4
    with CacheFile(path) as cache:
        wanted = {n for start in starts for n in range(start, start + 300)}
        found = cache.find(map(digest, range(2000)))
    assert set(found) == set(map(digest, wanted))
    assert found[digest(77)].reply.probabilities[0] == 77 / 1e6


# A run goes on without it


class Told:
    """What a run was told."""

    def __init__(self) -> None:
        self.said: list[Diagnostic] = []

    def __call__(self, diagnostic: Diagnostic) -> None:
        self.said.append(diagnostic)

    @property
    def once(self) -> Diagnostic:
        [only] = self.said
        assert (only.code, only.severity) == ("QC621", "warning")
        return only


def use(cache: SharedCache, count: int = 3) -> None:
    for number in range(count):
        cache.find([digest(number)])
        cache.keep([(digest(number), Kept(YES))])


@pytest.mark.parametrize("damage", ["garbage", "middle", "truncated"])
def test_a_damaged_cache_is_moved_away_and_the_run_goes_on(path: Path, damage: str) -> None:
    with CacheFile(path) as cache:
        fill_cache(cache, 3000, text="说明" * 20)
    whole = path.read_bytes()
    bad = {
        "garbage": b"not a database at all" * 100,
        "middle": whole[:4096] + b"\xff" * (len(whole) - 8192) + whole[-4096:],
        "truncated": whole[: len(whole) // 2],
    }[damage]
    path.write_bytes(bad)
    told = Told()
    with SharedCache(path, told) as shared:
        for number in range(3000):
            shared.find([digest(number)])
            shared.keep([(digest(number), Kept(YES))])
    assert "damaged" in told.once.message.zh
    assert path.with_name("shared.sqlite.damaged").exists()
    with SharedCache(path, told) as shared:  # the next run starts a new one
        use(shared)
    assert len(told.said) == 1


def test_a_cache_that_another_process_renewed_is_not_moved_away(path: Path) -> None:
    with CacheFile(path) as cache:
        fill_cache(cache, 1)
    assert set_aside(path) == "已损坏"
    with CacheFile(path) as cache:
        assert len(column(cache, "digest")) == 1


def test_a_folder_that_cannot_be_written_is_said_once() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        told = Told()
        with as_nobody(), SharedCache(Path(name) / "answers" / "shared.sqlite", told) as shared:
            use(shared)
        Path(name).chmod(0o755)
    assert "Permission denied" in told.once.message.zh


def test_a_file_that_can_only_be_read_is_said_once() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "shared.sqlite"
        with CacheFile(path) as cache:
            fill_cache(cache, 1)
        path.chmod(0o444)
        Path(name).chmod(0o555)
        told = Told()
        with as_nobody(), SharedCache(path, told) as shared:
            use(shared)
        Path(name).chmod(0o755)
    assert told.once


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE patients (name TEXT)")
    other.close()
    told = Told()
    with SharedCache(path, told) as shared:
        use(shared)
    assert "不是本程序" in told.once.message.zh
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("patients",)]
    other.close()


def test_a_cache_of_a_newer_version_is_left_alone(path: Path) -> None:
    CacheFile(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    told = Told()
    with SharedCache(path, told) as shared:
        use(shared)
    assert "更新的版本" in told.once.message.zh


def test_a_full_disk_is_said_once_and_what_was_there_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path, 256) as folder:
        path = folder / "shared.sqlite"
        told = Told()
        with SharedCache(path, told) as shared:
            shared.keep([(digest(0), Kept(YES))])
            filler = fill(folder)
            shared.keep((digest(n), Kept(Reply.of((0.5,), "长" * 1000))) for n in range(1, 200))
            use(shared)
        assert told.once
        filler.unlink()
        with SharedCache(path, told) as shared:
            assert list(shared.find([digest(0), digest(1)])) == [digest(0)]
        assert len(told.said) == 1


def test_a_file_that_may_not_grow_is_said_once(path: Path) -> None:
    told = Told()
    with SharedCache(path, told) as shared, limited_files(100_000):
        shared.keep((digest(n), Kept(Reply.of((0.5,), "长" * 1000))) for n in range(1, 200))
        use(shared)
    assert told.once


# A run's own record in front of it


def test_what_the_cache_knows_is_put_in_the_runs_own_store(path: Path, tmp_path: Path) -> None:
    kept = Kept(YES, "llama:abc", "2025-01-01T00:00:00Z")
    with SharedCache(path, Told()) as shared, AnswerStore(tmp_path / "run.sqlite") as store:
        shared.keep([(digest(1), kept)])
        book = Layered(store, shared)
        assert book.get_many([digest(1), digest(2)]) == {digest(1): YES}
        assert store.kept([digest(1)]) == {digest(1): kept}


def test_what_is_answered_is_put_in_both(path: Path, tmp_path: Path) -> None:
    with SharedCache(path, Told()) as shared, AnswerStore(tmp_path / "run.sqlite") as store:
        book = Layered(store, shared)
        book.put(digest(1), NO, "llama:abc")
        book.put(digest(2), Reply(error=Text("太长", "too long")), "llama:abc")
        assert book.get_many([digest(1), digest(2)]) == {digest(1): NO}
        found = shared.find([digest(1), digest(2)])
    assert {at: (one.reply, one.identity) for at, one in found.items()} == {
        digest(1): (NO, "llama:abc")
    }


def test_a_fresh_run_does_not_read_the_cache_and_renews_it(path: Path) -> None:
    with SharedCache(path, Told()) as shared:
        shared.keep([(digest(1), Kept(YES))])
        book = Layered(Remembered(), shared, fresh=True)
        assert book.get_many([digest(1)]) == {}
        book.put(digest(1), NO)
        assert book.get_many([digest(1)]) == {digest(1): NO}
        assert shared.find([digest(1)])[digest(1)].reply == NO


def test_without_a_cache_the_record_is_all(tmp_path: Path) -> None:
    with AnswerStore(tmp_path / "run.sqlite") as store:
        book = Layered(store)
        book.put(digest(1), YES)
        assert book.get_many([digest(1)]) == {digest(1): YES}
