"""Care of the shared cache: what is in it is shown, the unused goes, all can be taken along."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from qc_dsl.errors import QcError
from qc_runtime.backend import REASON, Reply
from qc_runtime.cache import CacheFile
from qc_runtime.cache.care import Pruned, Pruning, prune, shares, size_on_disk
from qc_runtime.cache.carry import export_to, import_from
from qc_runtime.kept import Kept
from support.answers import column, digest, fill_cache, set_used

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
