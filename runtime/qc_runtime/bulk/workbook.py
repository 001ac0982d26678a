"""A workbook of what a person has to look at; the outcomes of all records are the Parquet files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.bulk.outcomes import outcome_of
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.reports import outcomes_place
from qc_runtime.bulk.whole import Whole
from qc_runtime.outcome import Outcome
from qc_runtime.report.atomic import unwritable
from qc_runtime.report.labels import tone_of
from qc_runtime.report.overview import write_overview
from qc_runtime.report.sheets import (
    Column,
    Found,
    findings_columns,
    outcome_columns,
    write_sheet,
)
from qc_runtime.report.styles import Styles

NAME = "findings.xlsx"
LINES = 100_000  # of a sheet: beyond that nobody reads a workbook
_PASSED = ("pass", "exclude")
_AT_ONCE = 1000  # outcomes in memory
T = TypeVar("T")


def write_workbook(out: Place, whole: Whole, parts: Sequence[int], lines: int = LINES) -> bool:
    """Write the records that did not pass, and all findings; whether there was room for all.

    The first ``lines`` of each are there. Raises `QcError`.
    """
    with tempfile.TemporaryDirectory(prefix=".qc-") as folder:
        path = Path(folder) / NAME
        try:
            all_there = _write(path, out, whole, parts, lines)
            out.child(NAME).write(path.read_bytes())
        except OSError as error:
            raise QcError(unwritable(path, error)) from error
    return all_there


def _not_passed(out: Place, parts: Sequence[int], passed: Sequence[str]) -> Iterator[Outcome]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for part in parts:
        with outcomes_place(out, part).open() as file:
            for batch in pq.ParquetFile(file).iter_batches(_AT_ONCE):
                verdict, findings = batch.column("verdict"), batch.column("findings")
                good = pc.fill_null(pc.is_in(verdict, pc.cast(list(passed), "string")), False)
                bad = pc.or_(pc.invert(good), pc.greater(pc.list_value_length(findings), 0))
                yield from map(outcome_of, batch.filter(bad).to_pylist())


def _write(path: Path, out: Place, whole: Whole, parts: Sequence[int], lines: int) -> bool:
    import xlsxwriter

    info = whole.info
    columns: list[Column[Outcome]] = [
        Column(tr("主键", "Key"), "text", lambda one, at: one.key),
        *outcome_columns(info),
    ]
    passed = [name for name, kind in info.verdicts if kind in _PASSED]
    outcomes = _First(_not_passed(out, parts, passed), lines)
    found = _First(_findings(_not_passed(out, parts, passed)), lines)
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": path.parent}) as book:
        book.set_properties({"title": info.title, "created": info.finished})
        styles: Any = Styles(book)
        write_overview(book, tr("汇总", "Summary"), whole.summary, info, styles)
        tone = partial(tone_of, info=info)
        write_sheet(book, tr("未通过和待处理", "Not passed"), columns, outcomes, tone, styles)
        if info.has_findings:
            name = tr("缺陷", "Findings")
            write_sheet(book, name, findings_columns(), found, lambda one: one.tone, styles)
    return not (outcomes.more or found.more)


def _findings(outcomes: Iterable[Outcome]) -> Iterator[Found]:
    return (Found(one.key, finding) for one in outcomes for finding in one.findings)


class _First(Generic[T]):
    """The first items for a sheet, gone through once; then ``more`` says if others followed."""

    def __init__(self, items: Iterator[T], count: int) -> None:
        self._items, self._count = items, count
        self.more = False

    def __iter__(self) -> Iterator[tuple[T, int]]:
        yield from ((one, 0) for one in islice(self._items, self._count))
        self.more = next(self._items, None) is not None
