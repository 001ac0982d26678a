"""What of a table does not fit: rows of no case, rows without a key, cells that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from qc_compiler.program import Program, Table
from qc_compiler.values import ROW, Field, read_cell
from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_runtime.records.faults import SHOWN, listed
from qc_runtime.records.recordset import CellProblem
from qc_runtime.tables.columns import RAW, unreadable
from qc_runtime.tables.keys import CASES, case_column, folded_key, read_fields
from qc_runtime.tables.sources import Source
from qc_runtime.tables.staging import Staged
from qc_runtime.tables.workspace import Workspace, quoted


def left_over(
    work: Workspace, program: Program, table: Table, source: Source, staged: Staged
) -> tuple[int, int, list[Diagnostic]]:
    """Rows of no known case and rows without a key, each counted, the first few by number."""
    key = folded_key(program, table)
    filled = " OR ".join(
        f"trim({quoted(field.name)}) <> ''" for field in read_fields(program, table)
    )
    rows = f"(SELECT {staged.row} AS n, {key} AS k FROM {quoted(staged.name)} WHERE {filled})"
    unknown = f"FROM {rows} r ANTI JOIN {quoted(CASES)} c ON r.k = c.key WHERE r.k IS NOT NULL"
    blank = f"FROM {rows} WHERE k IS NULL"
    counts, warnings = [], []
    for origin, describe in ((unknown, _orphaned), (blank, _without_key)):
        counts.append(count := work.number(f"SELECT count(*) {origin}"))
        if count:
            query = f"SELECT n {origin} ORDER BY n LIMIT {SHOWN}"
            first = [str(n) for (n,) in work.rows(query)]
            warnings.append(describe(source, case_column(program, table), first, count))
    return counts[0], counts[1], warnings


def _numbered(first: Sequence[str], count: int) -> Text:
    shown = listed(first)
    more = count - len(first)
    if more <= 0:
        return shown
    return Text(f"{shown.zh} 等", f"{shown.en} and {more} more")


def _orphaned(source: Source, key: str, first: Sequence[str], count: int) -> Diagnostic:
    where = _numbered(first, count)
    message = Text(
        f"{count} 行的“{key}”不是任何病例的主键，没有计入：第 {where.zh} 行",
        f"{count} rows have a “{key}” that is no case's, and are left out: rows {where.en}",
    )
    return _warning("QC418", source, message)


def _without_key(source: Source, key: str, first: Sequence[str], count: int) -> Diagnostic:
    where = _numbered(first, count)
    message = Text(
        f"{count} 行没有“{key}”，没有计入：第 {where.zh} 行",
        f"{count} rows have no “{key}”, and are left out: rows {where.en}",
    )
    return _warning("QC419", source, message)


def _warning(code: str, source: Source, message: Text) -> Diagnostic:
    place = Text(str(source), str(source))
    return Diagnostic(code, message, severity="warning", place=place)


def unreadable_cells(
    work: Workspace, table: Table, fields: Sequence[Field]
) -> tuple[int, tuple[CellProblem, ...]]:
    """How many cells cannot be read, and the first few of each column."""
    total, problems = 0, []
    for field in fields:
        if (condition := unreadable(field)) is None:
            continue
        origin = f"FROM {quoted(table.name)} WHERE {condition}"
        if count := work.number(f"SELECT count(*) {origin}"):
            total += count
            raw = quoted(field.name + RAW)
            query = f"SELECT {quoted(ROW)}, {raw} {origin} ORDER BY 1 LIMIT {SHOWN}"
            for row, text in work.rows(query):
                problem = read_cell(field, text).problem or Text("读不出", "unreadable")
                problems.append(CellProblem(row, field.name, problem))
    return total, tuple(sorted(problems, key=lambda one: one.row)[:SHOWN])
