"""Sheets with one line an item: all results, those that wait for a person, the findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from rich.cells import cell_len

from qc_compiler.values import FieldType
from qc_dsl.lang import tr
from qc_runtime.outcome import Finding, Outcome, Status
from qc_runtime.records import RecordSet
from qc_runtime.report.evidence import WHOLE_RECORD, evidence_text
from qc_runtime.report.labels import DECIDER, STATUS
from qc_runtime.report.styles import Styles, cell_text
from qc_runtime.report.summary import RunInfo

_NARROW, _WIDE = 8, 44  # columns of a cell
_SAMPLE = 500  # rows that column widths are taken from
_TALL = 10  # lines of a row at most; the rest of a long cell is read in the formula bar
_LINE = 15  # points

Cell = str | float | None


Item = TypeVar("Item")


@dataclass(frozen=True)
class Column(Generic[Item]):
    """``cell`` gives the cell of an item whose record has the given position."""

    heading: str
    style: str
    cell: Callable[[Item, int], Cell]


@dataclass(frozen=True)
class Found:
    """A finding and the key of its record."""

    key: str
    finding: Finding

    @property
    def tone(self) -> str:
        return "fail" if self.finding.status is Status.DECIDED else self.finding.status.value


def findings_columns() -> list[Column[Found]]:
    """What a finding says, of which row, and how sure that is."""
    return [
        Column(tr("主键", "Key"), "text", lambda one, at: one.key),
        Column(tr("规则", "Rule"), "text", lambda one, at: one.finding.rule),
        Column(tr("缺陷", "Finding"), "tone", lambda one, at: one.finding.message),
        Column(tr("扣分", "Points"), "number", lambda one, at: one.finding.points),
        Column(tr("表", "Table"), "text", lambda one, at: _place(one, "table")),
        Column(tr("行", "Row"), "text", lambda one, at: _place(one, "key")),
        Column(tr("时间", "Time"), "text", lambda one, at: _place(one, "time")),
        Column(tr("状态", "Status"), "tone", lambda one, at: str(STATUS[one.finding.status])),
        Column(tr("把握", "Confidence"), "percent", lambda one, at: one.finding.confidence),
        Column(tr("依据", "Evidence"), "text", lambda one, at: _evidence(one.finding)),
        Column(tr("模型理由", "Reason"), "text", lambda one, at: one.finding.explanation),
    ]


def _place(one: Found, what: str) -> str | None:
    if one.finding.row is None:
        return str(WHOLE_RECORD) if what == "table" else None
    found: str | None = getattr(one.finding.row, what)
    return found


def columns_of(records: RecordSet, info: RunInfo) -> list[Column[Outcome]]:
    """Key, the other columns of the data, then what was found and why."""
    others = [name for name in records.display if name != records.key]
    return [
        Column(records.key, "text", lambda one, at: one.key),
        *(_data_column(records, name) for name in others),
        *outcome_columns(info),
    ]


def outcome_columns(info: RunInfo) -> list[Column[Outcome]]:
    """What was found and why; a record's data are not needed for it."""
    return [
        Column(tr("结论", "Verdict"), "tone", lambda one, at: one.verdict),
        Column(tr("状态", "Status"), "tone", lambda one, at: str(STATUS[one.status])),
        Column(tr("由谁判定", "Decided by"), "text", lambda one, at: _decider(one)),
        Column(tr("规则", "Rules"), "text", lambda one, at: tr("、", ", ").join(one.rules)),
        Column(tr("模型倾向", "Model leans to"), "text", lambda one, at: one.leaning),
        Column(tr("把握", "Confidence"), "percent", lambda one, at: one.confidence),
        *_of_findings(info),
        Column(tr("说明", "Explanation"), "text", lambda one, at: one.explanation),
        Column(tr("依据原文", "Evidence"), "text", lambda one, at: _evidence(one)),
    ]


def _of_findings(info: RunInfo) -> list[Column[Outcome]]:
    """How many findings, where the rulebook has obligations; score and grade, where it has one."""
    columns: list[Column[Outcome]] = []
    if info.has_findings:
        columns.append(
            Column(tr("缺陷数", "Findings"), "number", lambda one, at: float(len(one.findings)))
        )
    if info.has_score:
        columns.append(Column(tr("得分", "Score"), "number", lambda one, at: one.score))
        columns.append(Column(tr("等级", "Grade"), "text", lambda one, at: one.grade))
    return columns


def _data_column(records: RecordSet, name: str) -> Column[Outcome]:
    """Numbers as numbers, so that they sort; everything else as it was written."""
    shown, typed = records.display[name], records.values.get(name)
    numeric = any(field.name == name and field.type is FieldType.NUMBER for field in records.fields)
    if not numeric or typed is None:
        return Column(name, "text", lambda one, at: shown[at])

    def cell(one: Outcome, at: int) -> Cell:
        value = typed[at]
        return value if isinstance(value, float) else shown[at]

    return Column(name, "number", cell)


def _decider(one: Outcome) -> str | None:
    return str(DECIDER[one.decided_by]) if one.decided_by else None


def _evidence(one: Outcome | Finding) -> str:
    return "\n".join(map(evidence_text, one.evidence))


def write_sheet(
    book: Any,
    name: str,
    columns: Sequence[Column[Item]],
    rows: Iterable[tuple[Item, int]],
    tone: Callable[[Item], str],
    styles: Styles,
) -> None:
    """One sheet of items with the positions of their records, with filters, coloured by tone.

    The items are gone through once, and need not be in memory together.
    """
    sheet = book.add_worksheet(name)
    rest = iter(rows)
    sample = list(islice(rest, _SAMPLE))
    widths = [_width(column, sample) for column in columns]
    _set_up(sheet, columns, widths, styles)
    number = 0
    for number, (one, at) in enumerate(chain(sample, rest), 1):
        cells = [column.cell(one, at) for column in columns]
        if height := _height(cells, widths):
            sheet.set_row(number, height)
        _write_row(sheet, number, columns, cells, tone(one), styles)
    sheet.autofilter(0, 0, number, len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{number + 1}"})


def _set_up(
    sheet: Any, columns: Sequence[Column[Item]], widths: Sequence[int], styles: Styles
) -> None:
    for at, (column, width) in enumerate(zip(columns, widths, strict=True)):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, cell_text(column.heading), styles.get("head"))
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write_row(
    sheet: Any,
    row: int,
    columns: Sequence[Column[Item]],
    cells: Sequence[Cell],
    tone: str,
    styles: Styles,
) -> None:
    """Text always as text: a cell that begins with = + - @ is never a formula."""
    for at, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        style = styles.get(tone if column.style == "tone" else column.style)
        if isinstance(cell, float | int):
            sheet.write_number(row, at, cell, style)
        elif cell:
            sheet.write_string(row, at, cell_text(cell), style)
        elif column.style == "tone":
            sheet.write_blank(row, at, None, style)


def _lines(cell: Cell) -> list[str]:
    return str(cell).split("\n") if isinstance(cell, str) else [""]


def _width(column: Column[Item], sample: Sequence[tuple[Item, int]]) -> int:
    """Wide enough for the heading with its filter arrow, and for most cells."""
    if column.style == "percent":
        return max(_NARROW, cell_len(column.heading) + 4)
    seen = (column.cell(one, at) for one, at in sample)
    widest = max((cell_len(line[:_WIDE]) for cell in seen for line in _lines(cell)), default=0)
    return min(_WIDE, max(_NARROW, cell_len(column.heading) + 4, widest + 2))


def _height(cells: Sequence[Cell], widths: Sequence[int]) -> int | None:
    """A height in points for a row that would fill the screen; others fit themselves."""
    long = [
        (cell, width)
        for cell, width in zip(cells, widths, strict=True)
        if isinstance(cell, str) and (len(cell) * 2 > _TALL * width or cell.count("\n") >= _TALL)
    ]
    tall = any(
        sum(1 + cell_len(line) // width for line in _lines(cell[:4000])) > _TALL
        for cell, width in long
    )
    return _TALL * _LINE if tall else None
