"""Datasets, bulk runs of them, and the processes that judge parts, some of which die."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qc_compiler.pipeline import compile_file
from qc_compiler.program import Program
from qc_runtime.backend import Request
from qc_runtime.bulk.about import About
from qc_runtime.bulk.judging import Job, Worker
from qc_runtime.bulk.parts import Part
from qc_runtime.bulk.pipeline import Pipeline
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.plan import make_plan
from qc_runtime.bulk.reports import FOLDER, PartReport
from qc_runtime.bulk.running import answers_path, judge_parts, left, prepare
from qc_runtime.bulk.sources import find_bulk_sources
from qc_runtime.judging.judge import judge
from qc_runtime.scripted import ScriptedBackend
from qc_runtime.store import AnswerStore
from qc_runtime.tables.load import load_cases
from qc_runtime.tables.sources import find_sources
from support.qc import qc

RULEBOOK = Path(__file__).parents[1] / "cases" / "surgery_rules.yaml"
_WARDS = ("外科", "骨科", "日间病房", None)
_PLANNED = ("痔切除术", "阑尾切除术", "腹腔镜胆囊切除术", "甲状腺切除术", None)
_DONE = ("痔切除术", "阑尾切除术+粘连松解术", "腹腔镜胆囊切除术", "乙", "")
Row = Mapping[str, str | None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for every test, and nobody's settings."""
    for name in [name for name in os.environ if name.startswith("QC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_AUDIT", str(tmp_path / "audit.jsonl"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(*args: object) -> str:
    ran = qc(*args)
    assert ran.code == 2, ran.out
    return ran.err


def summary(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(folder, "summary.json").read_text("utf-8"))
    return found


def cases(count: int, first: int = 0) -> list[Row]:
    """Invented records: rules decide some, the model is asked about others, some lack data."""
    return [
        {
            "住院号": f"P{number:07d}",
            "科室": _WARDS[number % 4],
            "术前术式": _PLANNED[number // 3 % 5],
            "手术记录": _DONE[number // 7 % 5],
        }
        for number in range(first, first + count)
    ]


def write_dataset(folder: Path, rows: Sequence[Row], files: int = 1, group: int = 100) -> Path:
    """A folder of Parquet files with row groups of so many rows."""
    folder.mkdir(parents=True, exist_ok=True)
    size = max(1, -(-len(rows) // files))
    for at in range(files):
        some = pa.Table.from_pylist([dict(row) for row in rows[at * size : (at + 1) * size]])
        pq.write_table(some, folder / f"{at:03d}.parquet", row_group_size=group)
    return folder


def answer(request: Request, seconds: float = 0.0) -> tuple[str, float]:
    """What the scripted model says: always the same to the same question, and not always sure."""
    time.sleep(seconds)
    number = sum(request.user.encode()) % 100
    return request.choice.codes[number % 2], 0.6 + number / 300


@dataclass(frozen=True)
class Bulk:
    """A bulk run of a rulebook with the scripted model, into ``out``."""

    program: Program
    job: Job

    @classmethod
    def of(cls, data: Sequence[object], out: Path, rows: int, rulebook: Path = RULEBOOK) -> Bulk:
        program = compile_file(rulebook)
        sources = find_bulk_sources([str(one) for one in data], program)
        out.mkdir(parents=True, exist_ok=True)
        plan = make_plan(program, sources, [], rows, out)
        prepare(About.of(program, sources, plan, "scripted"), Place(str(out)))
        return cls(program, Job(program, sources, plan, Place(str(out)), out))

    def run(self, parts: Sequence[Part] | None = None, seconds: float = 0.0) -> list[PartReport]:
        """Judge what is not done of these parts (all); the reports of all of them, in order."""
        reports: list[PartReport] = []
        todo = left(self.job, self.job.plan.parts if parts is None else parts, reports.append)
        with worker(str(self.job.work), seconds) as one:
            judge_parts(self.job, todo, one, reports.append)
        return sorted(reports, key=lambda report: report.part)


@contextmanager
def worker(work: str, seconds: float = 0.0, mark: str | None = None) -> Iterator[Worker]:
    """A process's pipeline, with a store for each part; its number is put into ``mark``."""
    if mark:
        Path(mark, str(os.getpid())).touch()
    backend = partial(ScriptedBackend, partial(answer, seconds=seconds))
    with Pipeline(backend) as pipeline:
        yield Worker(pipeline, partial(book, work))


def book(work: str, part: Part) -> AnswerStore:
    return AnswerStore(answers_path(Path(work), part))


def outcomes(out: Path) -> list[dict[str, Any]]:
    """All outcomes of a folder of results as ``outcomes.jsonl`` has them, by key."""
    files = sorted((out / FOLDER).glob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    return sorted(map(as_written, rows), key=lambda row: row["key"])


def as_written(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: what there may not be is left out, not null."""
    return {name: _as_written(value) for name, value in row.items()}


def _as_written(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_written(one) for one in value]
    if not isinstance(value, dict):
        return value
    optional = ("window", "rows", "explanation")
    kept = {name: one for name, one in value.items() if one is not None or name not in optional}
    return {name: _as_written(one) for name, one in kept.items()}


def contents(out: Path) -> dict[str, bytes]:
    """The files of outcomes, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted((out / FOLDER).glob("*.parquet"))}


def plainly(rulebook: Path, data: Path, folder: Path) -> list[dict[str, Any]]:
    """The outcomes of an ordinary run of a file of cases with the same model, by key."""
    from qc_runtime.report.jsonl import as_json

    program = compile_file(rulebook)
    records = load_cases(program, find_sources([str(data)], program))
    assert records is not None
    with AnswerStore(folder / "plain.sqlite") as store:
        judged = judge(program, records, lambda: ScriptedBackend(answer), store)
    written = [json.loads(json.dumps(as_json(one))) for one in judged.outcomes]
    return sorted(written, key=lambda row: row["key"])


def _main(data: str, out: str, rows: str, seconds: str) -> None:
    """A run in a process of its own, for tests that kill it."""
    Bulk.of([data], Path(out), int(rows)).run(seconds=float(seconds))


if __name__ == "__main__":
    _main(*sys.argv[1:])
