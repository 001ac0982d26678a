"""One run, killed again and again, in a process that is made for nothing else.

``python killed.py FOLDER KILLS SEED``: makes a run in FOLDER by a scripted model that takes its
time, kills it at KILLS random points, each time beginning it again, and lets it end. Prints, as
JSON, how many kills hit each stage of a run that was going on, and how many answers the model
gave in all. Each run is a fork of this process, which has read its code already.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from qc_compiler.pipeline import read_and_compile
from qc_dsl.errors import Diagnostic
from qc_dsl.source import Source
from qc_runtime.audit import append
from qc_runtime.backend import Reply, Request
from qc_runtime.cache import Layered, SharedCache
from qc_runtime.judging.judge import judge
from qc_runtime.records.memory import recordset_of
from qc_runtime.report.jsonl import write_jsonl
from qc_runtime.scripted import ScriptedBackend
from qc_runtime.store import FILE_NAME, AnswerStore

RULEBOOK = """
规则集: 中断
编号: killed
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 号}
字段: {现病史: {}}
问题:
  写清: {问: 写清了吗？, 看: [现病史], 复核线: 0.6}
  时间: {问: 有时间吗？, 看: [现病史], 复核线: 0.6}
规则:
  一: 须 写清，否则 缺陷 “没写清 {现病史}”
  二: 须 时间，否则 缺陷 “没有时间”
"""
RECORDS = 100
QUESTIONS = 2 * RECORDS
PROGRAM = read_and_compile(Source("killed.yaml", RULEBOOK))[1]


class Noticed(ScriptedBackend):
    """Answers by a hash of the question; each answer is noted in a file, then in a pipe."""

    def __init__(self, notes: Path, notice: int) -> None:
        super().__init__(_answer, name="noticed")
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._notice = notice

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        for index, reply in super().answer(requests):
            time.sleep(0.0005)
            os.write(self._notes, b".")
            os.write(self._notice, b".")
            yield index, reply


def _answer(request: Request) -> tuple[str, float]:
    chance = random.Random(request.system + request.user)
    return chance.choice("AB"), chance.uniform(0.5, 1.0)


def run(folder: Path, notice: int) -> None:
    """What ``qc run`` does: judge, write the outcomes, note the run in the audit log."""
    rows = [{"号": str(n), "现病史": f"病史{n}，摔伤{n}天"} for n in range(RECORDS)]
    records = recordset_of(PROGRAM.fields, PROGRAM.key, rows)
    backend = Noticed(folder / "answered", notice)
    with (
        AnswerStore(folder / FILE_NAME) as store,
        SharedCache(folder / "cache" / "shared.sqlite", _fail) as cache,
    ):
        judged = judge(PROGRAM, records, lambda: backend, Layered(store, cache), explain="all")
    write_jsonl(folder / "outcomes.jsonl", judged.outcomes)
    append(folder / "audit.jsonl", {"records": len(judged.outcomes)})


def _fail(diagnostic: Diagnostic) -> None:
    raise AssertionError(diagnostic.message.en)


def forked(folder: Path, notice: int) -> int:
    """A run in a process of its own; its number."""
    child = os.fork()
    if child:
        return child
    try:
        run(folder, notice)
        os._exit(0)
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)


def kill(child: int) -> bool:
    """Kill a run; whether it was still going on."""
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a run failed")
    return os.WIFSIGNALED(status)


def killed_at(folder: Path, answers: int, moment: float) -> bool:
    """Kill a run so many answers after its beginning, and so many seconds after that."""
    reading, writing = os.pipe()
    child = forked(folder, writing)
    os.close(writing)
    while answers and (got := os.read(reading, answers)):
        answers -= len(got)
    time.sleep(moment)
    hit = kill(child)
    os.close(reading)
    return hit


def kill_all(folder: Path, kills: int, chance: random.Random, whole: float) -> Counter[str]:
    """Kill at random points of every stage; how many kills hit each.

    ``whole`` is how many seconds a run takes whose answers are all known.
    """
    hit: Counter[str] = Counter()
    while hit.total() < kills:
        known = size_of(folder / "answered")
        if known >= QUESTIONS:
            stage, after, moment = "writing", 0, chance.uniform(0.3, 1.2) * whole
        elif chance.random() < 0.1:
            stage, after, moment = "beginning", 0, chance.uniform(0.0, 0.5) * whole
        else:
            stage, after, moment = "answering", chance.randint(1, 4), chance.uniform(0.0, 0.003)
        was_on = killed_at(folder, after, moment)
        hit[stage] += was_on
        if stage == "writing":  # the machine may be busier now, or less busy
            whole *= 1.05 if was_on else 0.8
    return hit


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def main(folder: Path, kills: int, seed: int) -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    with tempfile.TemporaryDirectory() as name:
        for _ in range(2):  # what is imported late is imported before the forks
            started = time.monotonic()
            run(Path(name), nothing)
        whole = time.monotonic() - started
    folder.mkdir(parents=True, exist_ok=True)
    hit = kill_all(folder, kills, random.Random(seed), whole)
    run(folder, nothing)
    print(json.dumps({"killed": hit, "answers": size_of(folder / "answered")}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
