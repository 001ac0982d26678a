"""From sources to tables: staged, joined to their cases, typed; what fits nowhere is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qc_compiler.program import Program, Table
from qc_compiler.values import CASE, ROW, Field
from qc_dsl.errors import Diagnostic, Errors, QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.records.derived import cells_with_derived
from qc_runtime.records.faults import fault
from qc_runtime.records.load import load_records, records_of_keys
from qc_runtime.records.recordset import CellProblem, RecordSet
from qc_runtime.tables.columns import derived_sql, select, shown_sql, typed
from qc_runtime.tables.folding import add_fold
from qc_runtime.tables.keys import CASES, case_column, folded_key, number_cases, read_fields
from qc_runtime.tables.left_over import left_over, unreadable_cells
from qc_runtime.tables.rows import kept_fields
from qc_runtime.tables.sources import Source, Sources
from qc_runtime.tables.staging import Staged, stage
from qc_runtime.tables.workspace import Workspace, quoted


@dataclass(frozen=True)
class Loaded:
    """What was read of one table.

    ``rows`` belong to a case. ``orphans`` are rows whose key is no case's, ``keyless`` those
    without a key; of both and of the unreadable cells the first few are in ``warnings`` and
    ``problems``. ``unreadable`` counts all of those cells.
    """

    table: Table
    source: Source
    rows: int
    orphans: int
    keyless: int
    unreadable: int
    problems: tuple[CellProblem, ...]
    warnings: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Dataset:
    """The cases, and the tables that were given, which stand in the workspace's database."""

    records: RecordSet
    tables: Mapping[str, Loaded]

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        found = (warning for one in self.tables.values() for warning in one.warnings)
        return (*self.records.warnings, *found)


def load_cases(
    program: Program, sources: Sources, *, limit: int | None = None, extra: Sequence[str] = ()
) -> RecordSet | None:
    """The cases of their file; `None` without one: then the tables' keys are the cases."""
    if sources.cases is None:
        return None
    source = sources.cases
    return load_records(
        source.path, program.fields, program.key, limit=limit, extra=extra, sheet=source.sheet
    )


def load_tables(
    work: Workspace,
    program: Program,
    sources: Sources,
    records: RecordSet | None,
    limit: int | None = None,
) -> Dataset:
    """Read the tables into the workspace. Raises `QcError` with the faults of all of them."""
    add_fold(work.connection)
    errors = Errors()
    staged: dict[str, Staged] = {}
    tables = [table for table in program.tables if table.name in sources.tables]
    for table in tables:
        source = sources.tables[table.name]
        done = errors.attempt(_stage, work, program, table, source)
        if done:
            staged[table.name] = done
    errors.raise_any()
    if records is None:
        records = _cases_of(work, program, tables, staged, limit)
    number_cases(work, records)
    loaded = {
        table.name: _load(work, program, table, sources.tables[table.name], staged[table.name])
        for table in tables
    }
    return Dataset(records, loaded)


def load_staged(
    work: Workspace,
    program: Program,
    records: RecordSet | None,
    staged: Mapping[str, tuple[Source, Staged]],
) -> dict[str, Loaded]:
    """Tables that stand in the workspace as `stage` puts them; `None`: there are no cases."""
    add_fold(work.connection)
    number_cases(work, records)
    return {
        name: _load(work, program, program.table(name), source, one)
        for name, (source, one) in staged.items()
    }


Rows = Sequence[tuple[str, Mapping[str, str | None]]]  # of a table: the case's key, the cells


def load_rows(
    work: Workspace, program: Program, records: RecordSet, tables: Mapping[str, Rows]
) -> Dataset:
    """Tables that never were files (a rulebook's own tests), by the same way."""
    add_fold(work.connection)
    number_cases(work, records)
    loaded = {}
    for name, rows in tables.items():
        table = program.table(name)
        staged = _staged_rows(work, program, table, rows)
        source = Source(records.source, name)
        loaded[name] = _load(work, program, table, source, staged, derived=False)
    return Dataset(records, loaded)


def _staged_rows(work: Workspace, program: Program, table: Table, rows: Rows) -> Staged:
    import pyarrow as pa

    key, staged = case_column(program, table), f"#{table.name}"
    names = dict.fromkeys(field.name for field in (*table.columns, *read_fields(program, table)))
    cells = [{**cells_with_derived(table.columns, dict(row)), key: case} for case, row in rows]
    columns = {
        name: pa.array(
            [cell if (cell := row.get(name)) is None else str(cell) for row in cells], pa.string()
        )
        for name in names
    }
    columns[ROW] = pa.array(list(_counted(case for case, _ in rows)), pa.int64())
    work.keep(staged, pa.table(columns))
    return Staged(staged, quoted(ROW), ())


def _counted(cases: Iterable[str]) -> Iterator[int]:
    """Of each row its number among the rows of its case."""
    seen: Counter[str] = Counter()
    for case in cases:
        seen[case] += 1
        yield seen[case]


def _stage(work: Workspace, program: Program, table: Table, source: Source) -> Staged:
    key = case_column(program, table)
    staged = stage(work, f"#{table.name}", source, read_fields(program, table), key)
    if staged.rounded:
        raise QcError(_rounded(source, key))
    return staged


def _rounded(source: Source, key: str) -> Diagnostic:
    message = Text(
        f"“{key}”有超过 15 位的数字，Excel 已丢失末尾几位",
        f"“{key}” holds numbers of over 15 digits, whose last digits Excel has lost",
    )
    help_ = Text(
        "请从原系统重新导出，并把这一列设为文本格式。",
        "Export it again with this column formatted as text.",
    )
    return fault("QC414", source.path, message, help_)


def _cases_of(
    work: Workspace,
    program: Program,
    tables: Sequence[Table],
    staged: Mapping[str, Staged],
    limit: int | None,
) -> RecordSet:
    """The tables' keys, in the order in which they first come up, as cases without fields."""
    keys: dict[str, str] = {}
    for table in tables:
        column, one = quoted(case_column(program, table)), staged[table.name]
        found = work.rows(
            f"""SELECT arg_min({column}, {one.row}), min({one.row}) AS first
            FROM {quoted(one.name)} WHERE {folded_key(program, table)} IS NOT NULL
            GROUP BY {folded_key(program, table)} ORDER BY first"""
        )
        for text, _ in found:
            keys.setdefault(fold(text), text.strip())
    paths = ", ".join(one.name.removeprefix("#") for one in staged.values())
    if not keys:
        message = Text(f"表里没有病例：{paths}", f"The tables hold no cases: {paths}")
        raise QcError(Diagnostic("QC408", message))
    return records_of_keys(program.fields, program.key, list(keys.values()), Path(paths), limit)


def _load(
    work: Workspace,
    program: Program,
    table: Table,
    source: Source,
    staged: Staged,
    *,
    derived: bool = True,
) -> Loaded:
    """Type a staged table and join it to its cases; without ``derived`` it has all columns."""
    fields = kept_fields(table)
    origin = f"""FROM (SELECT *, {staged.row} AS {quoted(ROW)},
        {folded_key(program, table)} AS "#key" FROM {quoted(staged.name)})
        JOIN {quoted(CASES)} ON key = "#key" WHERE {quoted(CASE)} IS NOT NULL"""
    columns = [typed(work.connection, table.name, field) for field in fields]
    kept = f"{quoted(CASE)}, CAST({quoted(ROW)} AS BIGINT) AS {quoted(ROW)}"
    cells = {field.name: _cell(work, table, field, derived) for field in fields}
    query = select(columns, cells, kept, origin)
    work.run(f"CREATE OR REPLACE TABLE {quoted(table.name)} AS {query}")
    orphans, keyless, warnings = left_over(work, program, table, source, staged)
    count, problems = unreadable_cells(work, table, fields)
    work.run(f"DROP TABLE {quoted(staged.name)}")
    rows = work.number(f"SELECT count(*) FROM {quoted(table.name)}")
    found = (*staged.warnings, *warnings)
    return Loaded(table, source, rows, orphans, keyless, count, problems, found)


def _cell(work: Workspace, table: Table, field: Field, derived: bool) -> str:
    if field.is_derived and derived:
        return derived_sql(work.connection, table.name, table.columns, field)
    return shown_sql(quoted(field.name))
