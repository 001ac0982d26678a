"""Whatever happens to a run, its outcome is that of a run to which nothing happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qc_dsl.errors import QcError
from qc_runtime.audit import read_log, verify
from qc_runtime.backend import Reply
from qc_runtime.cache import CacheFile
from qc_runtime.outcome import Outcome, Status
from qc_runtime.report.jsonl import write_jsonl
from qc_runtime.store import FILE_NAME, AnswerStore
from support.faults import fill, limited_files, small_disk
from support.qc import environment

DRIVER = Path(__file__).parents[1] / "support" / "killed.py"
SEED = 20250227
YES = Reply.of((0.9, 0.1), "因为")


def driven(folder: Path, kills: int) -> dict[str, Any]:
    command = [sys.executable, str(DRIVER), str(folder), str(kills), str(SEED)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
def test_a_run_killed_100_times_ends_as_one_that_was_left_alone(tmp_path: Path) -> None:
    alone = driven(tmp_path / "alone", 0)
    killed = driven(tmp_path / "killed", 100)
    hit = killed["killed"]
    assert sum(hit.values()) == 100
    assert hit["beginning"] > 3
    assert hit["answering"] > 30
    assert hit["writing"] > 10
    one, two = (tmp_path / name / "outcomes.jsonl" for name in ("alone", "killed"))
    assert one.read_bytes() == two.read_bytes()
    assert len(one.read_bytes().splitlines()) == 100
    # An answer is lost only when the kill comes between the model's answer and its commit
    assert alone["answers"] == 200
    assert 200 <= killed["answers"] <= 200 + hit["answering"]
    assert not list((tmp_path / "killed").glob("*.damaged*"))
    with AnswerStore(tmp_path / "killed" / FILE_NAME) as store:
        assert len(store) == 200
    log = verify(read_log(tmp_path / "killed" / "audit.jsonl"))
    assert log.breaks == ()


# A full disk


def outcomes(count: int) -> list[Outcome]:
    return [Outcome(str(n), Status.DECIDED, "合格", explanation="长" * 300) for n in range(count)]


def put_many(store: AnswerStore, stored: list[str]) -> None:
    """Put answers until there is no room; ``stored`` are those that were reported as safe."""
    for number in range(10000):
        store.put(f"{number}", Reply.of((0.5,), "长" * 1000))
        stored.append(f"{number}")


def test_a_store_on_a_full_disk_keeps_what_it_has_and_goes_on(tmp_path: Path) -> None:
    with small_disk(tmp_path, 512) as folder:
        stored: list[str] = []
        with AnswerStore(folder / FILE_NAME) as store:
            store.put("first", YES)
            filler = fill(folder)
            with pytest.raises(QcError) as error:
                put_many(store, stored)
            assert error.value.diagnostics[0].code == "QC603"
        filler.unlink()
        with AnswerStore(folder / FILE_NAME) as store:
            assert set(store.get_many(["first", *stored])) == {"first", *stored}
            store.put("after", YES)
            assert len(store) == len(stored) + 2


def test_a_store_that_may_not_grow_keeps_what_it_has(tmp_path: Path) -> None:
    stored: list[str] = []
    with AnswerStore(tmp_path / FILE_NAME) as store, limited_files(200_000):
        with pytest.raises(QcError) as error:
            put_many(store, stored)
        assert error.value.diagnostics[0].code == "QC603"
    with AnswerStore(tmp_path / FILE_NAME) as store:
        assert set(store.get_many(stored)) == set(stored)
        assert len(stored) > 10


def test_results_on_a_full_disk_leave_the_last_ones_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path, 512) as folder:
        path = folder / "outcomes.jsonl"
        write_jsonl(path, outcomes(10))
        before = path.read_bytes()
        with pytest.raises(QcError) as error:
            write_jsonl(path, outcomes(10000))
        assert error.value.diagnostics[0].code == "QC605"
        assert path.read_bytes() == before
        assert [file.name for file in folder.iterdir()] == ["outcomes.jsonl"]


# A clock that was wrong


def test_a_clock_set_back_changes_nothing_that_is_known(tmp_path: Path) -> None:
    """Answers from the future are as good as any."""
    future = "2999-01-01T00:00:00Z"
    with AnswerStore(tmp_path / FILE_NAME) as store:
        store.put("a", YES)
        store._db.execute("UPDATE answers SET answered = ?", (future,))
    with AnswerStore(tmp_path / FILE_NAME) as store:
        assert store.get_many(["a"]) == {"a": YES}
        store.put("a", Reply.of((0.2, 0.8)))
        assert store.kept(["a"])["a"].answered < future
    with CacheFile(tmp_path / "shared.sqlite") as cache:
        cache.db.execute(
            "INSERT INTO answers VALUES ('a', '{\"answer\": [0.9, 0.1]}', 'x', ?, ?, 0, 100)",
            (future, future),
        )
        assert cache.find(["a"])["a"].reply.probabilities == (0.9, 0.1)
