"""Parts judged exactly once, whatever dies; shards that are the whole when merged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qc_runtime.bulk.places import Place
from qc_runtime.bulk.running import sweep
from support import bulk
from support.bulk import (
    Bulk,
    cases,
    contents,
    home,
    outcomes,
    refused,
    summary,
    write_dataset,
)
from support.qc import qc

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"

pytestmark = pytest.mark.usefixtures("home")
__all__ = ["home"]


def _start(data: Path, out: Path) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(TESTS), *(str(ROOT / one) for one in ("dsl", "compiler"))])
    command = [sys.executable, str(TESTS / "support" / "bulk.py"), str(data), str(out), "40", "0"]
    environment = dict(os.environ) | {"PYTHONPATH": paths}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def test_a_run_killed_again_and_again_ends_as_one_that_nobody_disturbed(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", cases(240), files=2)
    quiet = Bulk.of([data], tmp_path / "quiet", 40)
    quiet.run()
    chance, out, kills = random.Random(7), tmp_path / "out", 0
    for _ in range(4):
        process = _start(data, out)
        before = len(list(out.glob("outcomes/*")))
        # From the first new file on at a random moment: a little into a part, or between two
        while process.poll() is None and len(list(out.glob("outcomes/*"))) <= before:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        _, said = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, said.decode()
        kills += 1
    Bulk.of([data], out, 40).run()
    assert kills >= 2
    assert contents(out) == contents(tmp_path / "quiet")
    sweep(Place(str(out)))  # a name that was being written was never taken for a result
    assert not list(out.glob("outcomes/.*"))


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    run = Bulk.of([write_dataset(tmp_path / "data", cases(60))], tmp_path / "out", 20)
    first = run.run()
    assert run.run() == first  # the very reports, times included


def test_fresh_begins_again_and_otherwise_the_same_command_does_nothing(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", cases(40))
    run = ["run", bulk.RULEBOOK, "--data", data, "--no-model", "--part-size", 20, "--out", "o"]

    def written() -> list[int]:
        return [path.stat().st_mtime_ns for path in sorted(Path("o", "outcomes").iterdir())]

    assert qc(*run).code == 0
    first = written()
    assert qc(*run).code == 0
    assert written() == first
    assert qc(*run, "--fresh").code == 0
    assert all(now > before for now, before in zip(written(), first, strict=True))


@pytest.mark.parametrize("damage", ["outcomes", "report", "half"])
def test_a_part_of_which_anything_is_missing_is_done_again(tmp_path: Path, damage: str) -> None:
    run = Bulk.of([write_dataset(tmp_path / "data", cases(60))], tmp_path / "out", 20)
    first, before = run.run(), contents(tmp_path / "out")
    path = tmp_path / "out" / "outcomes" / "part-00002.parquet"
    if damage == "half":
        path.write_bytes(path.read_bytes()[:100])
    else:
        (path if damage == "outcomes" else path.with_suffix(".json")).unlink()
    again = run.run()
    assert [a == b for a, b in zip(first, again, strict=True)] == [True, False, True]
    assert contents(tmp_path / "out") == before


def test_changed_data_are_judged_anew_and_nothing_old_stays(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", cases(100))
    Bulk.of([data], tmp_path / "out", 20).run()
    write_dataset(tmp_path / "data", cases(50, first=1000))
    Bulk.of([data], tmp_path / "out", 20).run()
    assert [row["key"] for row in outcomes(tmp_path / "out")] == [
        row["住院号"] for row in cases(50, first=1000)
    ]


# Shards


def test_shards_merged_are_the_whole(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", cases(150), files=2)
    run = ["run", bulk.RULEBOOK, "--data", data, "--no-model", "--part-size", 20, "--out"]
    assert qc(*run, "whole").code == 0
    for number in (1, 2, 3):
        assert qc(*run, f"s{number}", "--shard", f"{number}/3").code == 0
    said = refused("merge", "s1", "s3", "--out", "merged")
    assert "QC641" in said
    assert "第 2、5、8 批" in said or "2、5、8" in said
    assert not Path("merged").exists()
    ran = qc("merge", "s1", "s2", "s3", "--out", "merged")
    assert ran.code == 0, ran.err
    assert contents(Path("merged")) == contents(Path("whole"))
    one, two = summary("whole"), summary("merged")
    for differs in ("started", "finished"):
        one.pop(differs), two.pop(differs)
    assert two == one


def test_shards_may_share_a_folder(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", cases(90))
    run = ["run", bulk.RULEBOOK, "--data", data, "--no-model", "--part-size", 20, "--out", "o"]
    for number in (1, 2):
        assert qc(*run, "--shard", f"{number}/2").code == 0
        assert summary("o") if number == 3 else not Path("o", "summary.json").exists()
    assert qc("merge", "o").code == 0
    assert summary("o")["records"] == 90


def test_results_of_another_rulebook_or_of_other_data_are_not_merged(tmp_path: Path) -> None:
    for number, count in ((1, 90), (2, 91)):
        data = write_dataset(tmp_path / f"data{number}", cases(count))
        run = ["run", bulk.RULEBOOK, "--data", data, "--no-model", "--part-size", 20]
        assert qc(*run, "--out", f"s{number}", "--shard", f"{number}/2").code == 0
    assert "QC641" in refused("merge", "s1", "s2", "--out", "merged")
    assert "QC641" in refused("merge", "data1")
    assert "QC611" in refused("merge", "s1", "s2")
