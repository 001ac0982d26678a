"""A workbook of what a person has to look at; the outcomes of all records are the Parquet files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

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


def write_workbook(out: Place, whole: Whole, parts: Sequence[int], lines: int = LINES) -> bool:
    """Write the records that did not pass, and all findings; whether there was room for all.

    The first ``lines`` of each are there. Raises `QcError`.
    """
    passed = [name for name, kind in whole.info.verdicts if kind in _PASSED]
    outcomes, found, more = [], [], False
    for one in _not_passed(out, parts, passed):
        found += [(Found(one.key, finding), 0) for finding in one.findings]
        outcomes.append((one, 0))
        if more := len(outcomes) > lines or len(found) > lines:
            break
    with tempfile.TemporaryDirectory(prefix=".qc-") as folder:
        path = Path(folder) / NAME
        try:
            _write(path, whole, outcomes[:lines], found[:lines], folder)
            out.child(NAME).write(path.read_bytes())
        except OSError as error:
            raise QcError(unwritable(path, error)) from error
    return not more


def _not_passed(out: Place, parts: Sequence[int], passed: Sequence[str]) -> Iterator[Outcome]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for part in parts:
        with outcomes_place(out, part).open() as file:
            table = pq.read_table(file)
        verdict, findings = table.column("verdict"), table.column("findings")
        good = pc.fill_null(pc.is_in(verdict, pc.cast(list(passed), "string")), False)
        bad = pc.or_(pc.invert(good), pc.greater(pc.list_value_length(findings), 0))
        for batch in table.filter(bad).to_batches(max_chunksize=1000):
            yield from map(outcome_of, batch.to_pylist())


def _write(
    path: Path,
    whole: Whole,
    outcomes: Sequence[tuple[Outcome, int]],
    found: Sequence[tuple[Found, int]],
    folder: str,
) -> None:
    import xlsxwriter

    info = whole.info
    columns: list[Column[Outcome]] = [
        Column(tr("主键", "Key"), "text", lambda one, at: one.key),
        *outcome_columns(info),
    ]
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": folder}) as book:
        book.set_properties({"title": info.title, "created": info.finished})
        styles: Any = Styles(book)
        write_overview(book, tr("汇总", "Summary"), whole.summary, info, styles)
        tone = partial(tone_of, info=info)
        write_sheet(book, tr("未通过和待处理", "Not passed"), columns, outcomes, tone, styles)
        if info.has_findings:
            name = tr("缺陷", "Findings")
            write_sheet(book, name, findings_columns(), found, lambda one: one.tone, styles)
