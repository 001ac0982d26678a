"""What parts come to adds up, and what a user can do wrong with them is said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import fields
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from qc_compiler.found import Searched, Window
from qc_dsl.errors import QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Reply, Request
from qc_runtime.bulk.about import About
from qc_runtime.bulk.dataset import Slice, batches, cut, open_dataset
from qc_runtime.bulk.judging import Worker
from qc_runtime.bulk.outcomes import as_parquet, outcome_of
from qc_runtime.bulk.pipeline import Pipeline
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.reports import PartReport, read_report, report_place
from qc_runtime.bulk.running import judge_parts
from qc_runtime.bulk.tally import merged
from qc_runtime.bulk.whole import check_all, gathered, put_together, whole
from qc_runtime.bulk.workbook import write_workbook
from qc_runtime.judging.accounts import AccountingError
from qc_runtime.outcome import Evidence, Finding, Outcome, RowPlace, Status
from qc_runtime.report.jsonl import as_json
from qc_runtime.scripted import ScriptedBackend
from qc_runtime.store import AnswerStore
from support import bulk
from support.bulk import (
    Bulk,
    cases,
    contents,
    home,
    refused,
    write_dataset,
)

pytestmark = pytest.mark.usefixtures("home")
__all__ = ["home"]


_counts = st.recursive(
    st.integers(0, 10**12),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)


def _like(shape: Any, draw: st.DataObject) -> Any:
    if isinstance(shape, dict):
        kept = {name: one for name, one in shape.items() if draw.draw(st.booleans())}
        return {name: _like(one, draw) for name, one in kept.items()}
    return draw.draw(st.integers(0, 10**12))


@given(st.dictionaries(st.sampled_from("abcd"), _counts, max_size=4), st.data())
def test_merging_counts_is_adding_in_whatever_order(shape: dict[str, Any], data: Any) -> None:
    a, b, c = (_like(shape, data) for _ in range(3))
    assert merged([a, b]) == merged([b, a])
    assert merged([merged([a, b]), c]) == merged([a, merged([b, c])]) == merged([a, b, c])
    assert merged([a]) == merged([{}, a])


@given(
    st.lists(st.integers(0, 9), max_size=8),
    st.lists(st.integers(0, 12), max_size=8),
    st.integers(1, 7),
)
def test_cutting_loses_and_repeats_no_row(groups: list[int], sizes: list[int], rest: int) -> None:
    slices, first = [], 2
    for number, rows in enumerate(groups):
        slices += [Slice(Place("f"), number, 0, rows, first)] if rows else []
        first += rows
    parts = list(cut(slices, chain(sizes, repeat(rest))))
    rows = [one.first + at for part in parts for one in part for at in range(one.stop - one.start)]
    assert rows == list(range(2, first))
    lengths = [sum(one.stop - one.start for one in part) for part in parts]
    wanted = list(chain(sizes, [rest] * len(lengths)))[: len(lengths)]
    assert all(length <= most for length, most in zip(lengths, wanted, strict=True))
    assert all(length == most for length, most in zip(lengths[:-1], wanted, strict=False))


def test_slices_within_a_row_group_are_read_as_such(tmp_path: Path) -> None:
    data = open_dataset(str(write_dataset(tmp_path / "d", cases(95), files=2, group=30)))
    read = []
    for part in cut(data.slices(), repeat(7)):
        for first, batch in batches(part, ["住院号"]):
            read += list(enumerate(batch.column(0).to_pylist(), first))
    assert read == list(enumerate((row["住院号"] for row in cases(95)), 2))


def test_a_whole_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    run = Bulk.of([write_dataset(tmp_path / "data", cases(60))], tmp_path / "out", 20)
    reports = run.run()
    about, _ = gathered([run.job.out])
    place = report_place(run.job.out, 2)
    said = json.loads(place.read() or b"")
    said["counts"]["by_status"]["decided"] -= 1
    place.write(json.dumps(said).encode())
    wrong = [reports[0], read_report(place), reports[2]]
    with pytest.raises(AccountingError):
        whole(about, [one for one in wrong if one])
    with pytest.raises(QcError):
        check_all(about, reports[:2])
    with pytest.raises(AccountingError):
        check_all(about, [*reports, reports[0]])


def test_what_is_said_of_a_run_can_be_read_again(tmp_path: Path) -> None:
    run = Bulk.of([write_dataset(tmp_path / "data", cases(20))], tmp_path / "out", 20)
    about = About.of(run.program, run.job.sources, run.job.plan, "m")
    about.write(run.job.out)
    assert About.read(run.job.out) == about
    assert about.info.started <= datetime.now(UTC)


def test_outcomes_in_parquet_hold_all_that_the_lines_hold() -> None:
    evidence = (
        Evidence("甲.时间", "08:00", Window("2025-01-01", None)),
        Evidence("甲", "", None, Searched(3, 1, 0, 1, 0, None, "2025-01-02")),
    )
    row = RowPlace("甲", "A1", "2025-01-01")
    finding = Finding("规则", "缺", 2.5, row, evidence, Status.NEEDS_REVIEW, 0.25, "因为")
    given_ = {
        "key": "1", "status": Status.DECIDED, "verdict": "通过", "leaning": "不通过",
        "decided_by": "model", "rules": ("规则",), "confidence": 0.5, "explanation": "说明",
        "evidence": evidence, "findings": (finding,), "score": 97.5, "grade": "甲级",
    }  # fmt: skip
    assert {field.name for field in fields(Outcome)} == set(given_)
    full, bare = Outcome(**given_), Outcome("2", Status.PENDING)
    rows = pq.read_table(pa.BufferReader(as_parquet([full, bare]))).to_pylist()
    assert [bulk.as_written(row) for row in rows] == [as_json(full), as_json(bare)]
    assert [outcome_of(row) for row in rows] == [full, bare]


def test_a_model_is_loaded_once_and_every_part_counts_its_own_use(tmp_path: Path) -> None:
    made = []

    def connect() -> Metered:
        made.append(Metered(bulk.answer))
        return made[-1]

    run = Bulk.of([write_dataset(tmp_path / "data", cases(100))], tmp_path / "out", 50)
    reports: list[PartReport] = []
    with Pipeline(connect) as pipeline, AnswerStore(tmp_path / "a.sqlite") as store:
        one = Worker(pipeline, lambda part: nullcontext(store))
        judge_parts(run.job, run.job.plan.parts, one, reports.append)
        assert not made[0].closed
    assert len(made) == 1
    assert made[0].closed
    asked = [report.counts["model"]["prompt_tokens"] for report in reports]
    assert sum(asked) == len(made[0].asked) == len(set(made[0].asked)) > asked[0] > 0
    assert {report.models for report in reports if report.models} == {("scripted:scripted",)}


class Metered(ScriptedBackend):
    """Counts a token a question."""

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        for answered in super().answer(requests):
            self.counters.prompt_tokens += 1
            yield answered


def test_a_part_with_errors_is_judged_again_and_what_was_answered_is_not(tmp_path: Path) -> None:
    run = Bulk.of([write_dataset(tmp_path / "data", cases(60))], tmp_path / "out", 20)
    broken = Reply(error=Text("断线", "line down"))
    reports: list[PartReport] = []
    with Pipeline(lambda: ScriptedBackend(lambda request: broken)) as pipeline:
        one = Worker(pipeline, lambda part: bulk.book(str(run.job.work), part))
        judge_parts(run.job, run.job.plan.parts, one, reports.append)
    assert any(report.errors for report in reports)
    assert not any(report.errors for report in run.run())


def test_the_workbook_has_what_did_not_pass_up_to_its_limit(tmp_path: Path) -> None:
    run = Bulk.of([write_dataset(tmp_path / "data", cases(60))], tmp_path / "out", 20)
    reports = run.run()
    about, _ = gathered([run.job.out])
    judged = whole(about, reports)
    parts = [report.part for report in reports]
    assert write_workbook(run.job.out, judged, parts)
    good = judged.counts["by_verdict"]["匹配"] + judged.counts["by_verdict"]["不适用"]
    path = tmp_path / "out" / "findings.xlsx"
    book = CalamineWorkbook.from_path(path)
    assert len(book.get_sheet_by_name("未通过和待处理").to_python()) == 1 + 60 - good
    assert not write_workbook(run.job.out, judged, parts, lines=5)
    book = CalamineWorkbook.from_path(path)
    assert len(book.get_sheet_by_name("未通过和待处理").to_python()) == 1 + 5


# Mistakes of a user


def test_one_key_in_two_parts_is_found_before_anything_is_judged(tmp_path: Path) -> None:
    rows = [*cases(60), cases(1)[0]]
    data = write_dataset(tmp_path / "data", rows, files=2)
    said = refused(
        "run", bulk.RULEBOOK, "--data", data, "--no-model", "--part-size", 20, "--out", "o"
    )
    assert "QC412" in said
    assert "“P0000000”（第 2 行和第 62 行）" in said
    assert not Path("o", "outcomes").exists()


def test_columns_that_differ_between_files_are_named(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", cases(10))
    other = pa.Table.from_pylist([dict(row) for row in cases(10, 10)])
    pq.write_table(other.drop_columns(["手术记录"]), tmp_path / "data" / "x.parquet")
    said = refused("run", bulk.RULEBOOK, "--data", tmp_path / "data", "--no-model")
    assert "QC409" in said
    assert "x.parquet" in said
    renamed = other.rename_columns(["住院号", "住院科室", "术前术式", "手术记录"])
    pq.write_table(renamed, tmp_path / "data" / "x.parquet")
    said = refused("run", bulk.RULEBOOK, "--data", tmp_path / "data", "--no-model")
    assert "QC642" in said


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--shard", "0/2"], "QC611"),
        (["--shard", "3/2"], "QC611"),
        (["--shard", "x"], "QC611"),
        (["--limit", "3"], "QC611"),
        (["--workers", "2"], "QC611"),
        (["--shard", "1/2", "--ray", "local"], "QC611"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, options: list[str], code: str) -> None:
    data = write_dataset(tmp_path / "data", cases(5))
    assert code in refused("run", bulk.RULEBOOK, "--data", data, "--no-model", *options)


def test_a_damaged_file_and_an_empty_place_are_said(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", cases(5))
    (data / "torn.parquet").write_bytes((data / "000.parquet").read_bytes()[:-20])
    assert "QC406" in refused("run", bulk.RULEBOOK, "--data", data, "--no-model")
    assert "QC401" in refused("run", bulk.RULEBOOK, "--data", "none/*.parquet", "--no-model")
    Path("nothing").mkdir()
    said = refused("run", bulk.RULEBOOK, "--data", "nothing", "--no-model", "--bulk")
    assert "QC642" in said
    Path("cases.jsonl").write_text("{}\n", "utf-8")
    said = refused("run", bulk.RULEBOOK, "--data", "cases.jsonl", "--no-model", "--bulk")
    assert "QC642" in said


def test_parts_that_are_copied_together_are_whole(tmp_path: Path) -> None:
    run = Bulk.of([write_dataset(tmp_path / "data", cases(60))], tmp_path / "a", 20)
    reports = run.run()
    _, found = gathered([run.job.out])
    put_together(found, Place(str(tmp_path / "b")))
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert [read_report(report_place(Place(str(tmp_path / "b")), n)) for n in (1, 2, 3)] == reports
