"""The shared cache: what was asked once, anywhere, is not asked again; and it never stops a run."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import REASON, Reply
from qc_runtime.cache import CacheFile, Layered, Remembered, SharedCache
from qc_runtime.cache.care import Pruned, Pruning, prune, shares, size_on_disk
from qc_runtime.cache.carry import export_to, import_from
from qc_runtime.cache.file import set_aside
from qc_runtime.kept import Kept
from qc_runtime.store import AnswerStore
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


def digest(number: int) -> str:
    return f"{number:064x}"


def fill_cache(cache: CacheFile, count: int, identity: str = "llama:abc", text: str = "") -> None:
    reply = Reply.of((0.5, 0.5), text or None)
    cache.keep((digest(n), Kept(reply, identity, "2025-01-01T00:00:00Z")) for n in range(count))


def set_used(cache: CacheFile, number: int, when: str) -> None:
    cache.db.execute("UPDATE answers SET used = ? WHERE digest = ?", (when, digest(number)))


def column(cache: CacheFile, name: str) -> list[object]:
    return [row[0] for row in cache.db.execute(f"SELECT {name} FROM answers ORDER BY digest")]


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


# Care


def test_what_is_in_it_is_shown_by_back_end(cache: CacheFile) -> None:
    fill_cache(cache, 3, "llama:abc")
    cache.keep([(digest(9), Kept(YES, "endpoint:x", "2024-12-31T00:00:00Z"))])
    cache.find([digest(9)])
    first, second = shares(cache)
    assert (first.identity, first.answers, first.hits) == ("llama:abc", 3, 0)
    assert (second.identity, second.hits, second.oldest) == (
        "endpoint:x", 1, "2024-12-31T00:00:00Z",
    )  # fmt: skip
    assert second.used > "2025-06"


def test_what_was_not_used_for_long_goes(cache: CacheFile) -> None:
    fill_cache(cache, 4)
    set_used(cache, 1, "2025-01-01T00:00:00Z")
    what = Pruning(older_than=timedelta(days=90))
    would = prune(cache, what, dry_run=True)
    assert (would.answers, would.left, len(column(cache, "digest"))) == (1, 3, 4)
    assert prune(cache, what) == would
    assert column(cache, "digest") == [digest(n) for n in (0, 2, 3)]
    assert prune(cache, what) == Pruned(0, 0, 3)


def test_at_no_age_everything_goes(cache: CacheFile) -> None:
    fill_cache(cache, 4)
    assert prune(cache, Pruning(older_than=timedelta(0))).left == 0


def test_one_models_answers_go(cache: CacheFile) -> None:
    fill_cache(cache, 3, "llama:ABC")
    cache.keep([(digest(9), Kept(YES, "endpoint:x"))])
    assert prune(cache, Pruning(identities=("abc", "nobody"), older_than=timedelta(0))).answers == 3
    assert column(cache, "identity") == ["endpoint:x"]


def test_the_longest_unused_go_until_the_file_is_small_enough(cache: CacheFile) -> None:
    fill_cache(cache, 3000, text="说明" * 50)
    for number in range(100):
        set_used(cache, number, "2999-01-01T00:00:00Z")
        set_used(cache, 2999 - number, "2025-01-01T00:00:00Z")
    before = size_on_disk(cache.path)
    pruned = prune(cache, Pruning(max_size=400_000))
    assert 500 < pruned.left < 3000 - 100
    left = set(column(cache, "digest"))
    assert {digest(n) for n in range(100)} <= left
    assert not {digest(2999 - n) for n in range(100)} & left
    cache.close()
    assert 250_000 < size_on_disk(cache.path) <= 400_000 < before


def test_a_clock_that_was_wrong_keeps_nothing_for_ever(cache: CacheFile) -> None:
    fill_cache(cache, 2)
    set_used(cache, 0, "2999-01-01T00:00:00Z")
    prune(cache, Pruning(older_than=timedelta(days=90)))
    assert all(str(used) < "2900" for used in column(cache, "used"))
    cache.db.execute("UPDATE answers SET used = '2999-01-01T00:00:00Z'")
    cache.find([digest(0)])  # a hit sets it right as well
    assert str(column(cache, "used")[0]) < "2900"


def test_pruning_beside_a_reader_takes_nothing_from_it(path: Path, cache: CacheFile) -> None:
    fill_cache(cache, 200)
    with CacheFile(path) as other:
        rows = other.db.execute("SELECT digest FROM answers")
        first = [rows.fetchone()]
        assert prune(cache, Pruning(older_than=timedelta(0))).left == 0
        assert len(first + rows.fetchall()) == 200


# To another machine and back


def test_what_is_exported_is_imported_exactly(cache: CacheFile, tmp_path: Path) -> None:
    whole = Reply({"answer": (0.1, 0.9), "数": 3.5, "quote": None, REASON: "因为\n“甲”"})
    kept = {digest(1): Kept(whole, "llama:abc", "2025-01-01T00:00:00Z")}
    cache.keep(kept.items())
    file = tmp_path / "answers.jsonl"
    assert export_to(cache, file) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with CacheFile(tmp_path / "other.sqlite") as other:
        assert import_from(other, file) == (1, 1)
        assert other.find(kept) == kept
        assert import_from(other, file) == (0, 1)


def test_an_import_keeps_what_is_newer_here(cache: CacheFile, tmp_path: Path) -> None:
    fill_cache(cache, 2)
    file = tmp_path / "answers.jsonl"
    export_to(cache, file)
    cache.keep([(digest(0), Kept(NO, "llama:new", "2025-02-01T00:00:00Z"))])
    cache.keep([(digest(1), Kept(NO, "llama:old", "2024-02-01T00:00:00Z"))])
    assert import_from(cache, file) == (1, 2)
    assert column(cache, "identity") == ["llama:new", "llama:abc"]


GOOD = {
    "digest": digest(1), "reply": {"answer": [0.5, 0.5]}, "identity": "x",
    "created": "2025-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff",
        b"",
        b"[]",
        b'{"digest": 1}',
        *(
            json.dumps(GOOD | wrong).encode()
            for wrong in (
                {"digest": "abc"},
                {"digest": 7},
                {"reply": {}},
                {"reply": [0.5]},
                {"reply": {"answer": [0.5, 7]}},
                {"reply": {"answer": []}},
                {"reply": {"answer": [True]}},
                {"reply": {"answer": float("nan")}},
                {"reply": {"answer": {"a": 1}}},
                {"identity": None},
                {"created": "yesterday"},
            )
        ),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(
    cache: CacheFile, tmp_path: Path, bad: bytes
) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_bytes(json.dumps(GOOD).encode() + b"\n" + bad + b"\n")
    with pytest.raises(QcError) as error:
        import_from(cache, file)
    assert error.value.diagnostics[0].code == "QC622"
    assert "第 2 行" in error.value.diagnostics[0].message.zh
    assert column(cache, "digest") == []
    assert os.listdir(tmp_path)
