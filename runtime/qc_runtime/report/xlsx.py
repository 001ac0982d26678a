"""Outcomes as a workbook: results, summary, and what waits for a person."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.outcome import Outcome, Status
from qc_runtime.records import RecordSet
from qc_runtime.report.atomic import atomic_path, unwritable
from qc_runtime.report.labels import tone_of
from qc_runtime.report.overview import write_overview
from qc_runtime.report.sheets import Found, columns_of, findings_columns, write_sheet
from qc_runtime.report.styles import Styles
from qc_runtime.report.summary import AccountingError, RunInfo, summarise

Item = TypeVar("Item")
ROWS = 1_048_575  # of a sheet below its header: Excel's limit


def write_xlsx(
    path: Path,
    outcomes: Sequence[Outcome],
    records: RecordSet,
    info: RunInfo,
    *,
    rows_a_sheet: int = ROWS,
) -> None:
    """Write the workbook; the same outcomes give the same bytes. Raises `QcError`.

    What XlsxWriter keeps on disk while it writes stays in a private folder beside ``path``.
    """
    summary = summarise(outcomes, info)
    rows = _placed(outcomes, records)
    with atomic_path(path) as part, _workspace(path) as folder:
        options = {"constant_memory": True, "tmpdir": folder}
        try:
            with xlsxwriter.Workbook(str(part), options) as book:
                _fill(book, rows, records, summary, info, rows_a_sheet)
        except XlsxWriterException as error:
            raise QcError(unwritable(path, error)) from error


def _workspace(path: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent)


def _placed(outcomes: Sequence[Outcome], records: RecordSet) -> list[tuple[Outcome, int]]:
    """Each outcome with the position of its record."""
    places = {key: at for at, key in enumerate(records.keys)}
    if places.keys() != {one.key for one in outcomes}:
        raise AccountingError("the outcomes are not those of the records")
    return [(one, places[one.key]) for one in outcomes]


def _fill(
    book: Any,
    rows: Sequence[tuple[Outcome, int]],
    records: RecordSet,
    summary: dict[str, Any],
    info: RunInfo,
    at_most: int,
) -> None:
    book.set_properties({"title": info.title, "created": info.finished})
    styles, columns = Styles(book), columns_of(records, info)
    results, to_do = tr("结果", "Results"), tr("待处理", "To do")
    tone = partial(tone_of, info=info)
    for name, some in _parted(results, rows, at_most):
        write_sheet(book, name, columns, some, tone, styles)
    write_overview(book, tr("汇总", "Summary"), summary, info, styles)
    if info.has_findings:
        found = [(Found(one.key, finding), at) for one, at in rows for finding in one.findings]
        for name, lines in _parted(tr("缺陷", "Findings"), found, at_most):
            write_sheet(book, name, findings_columns(), lines, lambda one: one.tone, styles)
    waiting = [row for row in rows if row[0].status is not Status.DECIDED]
    for name, some in _parted(to_do, waiting, at_most) if waiting else ():
        write_sheet(book, name, columns, some, tone, styles)


def _parted(
    name: str, rows: Sequence[tuple[Item, int]], at_most: int
) -> list[tuple[str, Sequence[tuple[Item, int]]]]:
    """Rows in sheets that Excel can hold: 结果, 结果 2, …"""
    starts = range(0, max(1, len(rows)), at_most)
    return [
        (f"{name} {number}" if number > 1 else name, rows[start : start + at_most])
        for number, start in enumerate(starts, 1)
    ]
