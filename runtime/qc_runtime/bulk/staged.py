"""Sources as rows that DuckDB can go through once: streamed from Parquet, or staged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from qc_compiler.program import Program
from qc_compiler.values import ROW, Field
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.dataset import Dataset
from qc_runtime.bulk.matching import given_fields
from qc_runtime.bulk.sources import DataSource
from qc_runtime.bulk.streams import stream
from qc_runtime.report.atomic import unwritable
from qc_runtime.tables.columns import shown_sql
from qc_runtime.tables.folding import add_fold, common_replaced, folded
from qc_runtime.tables.keys import case_column, read_fields
from qc_runtime.tables.sources import CASES
from qc_runtime.tables.staging import stage, written
from qc_runtime.tables.workspace import LIMITS, Limits, Workspace, quoted, workspace

KEY = "#key"
ONE_STREAM = Limits(memory="128MB", threads=1)  # more threads would wait for it


@dataclass(frozen=True)
class Rows:
    """``origin`` is SQL from ``FROM`` on. It has `ROW`, and under `KEY` the case's key as shown.

    ``columns`` gives the SQL of each field as it is to be kept, ``faults`` what went wrong
    while the rows were read.
    """

    origin: str
    columns: Mapping[str, str]
    faults: list[QcError] = field(default_factory=list)


def folded_key() -> str:
    """The SQL of the key of `Rows`, folded."""
    return folded(common_replaced(quoted(KEY)), quoted(KEY))


def fields_of(program: Program, name: str) -> list[Field]:
    """What is read of the cases, or of a table."""
    return given_fields(program) if name == CASES else read_fields(program, program.table(name))


def key_of(program: Program, name: str) -> str:
    """The field that holds the case's key."""
    return program.key if name == CASES else case_column(program, program.table(name))


def staged(work: Workspace, program: Program, name: str, source: DataSource) -> Rows:
    """A source's rows. Those of a dataset can be gone through once. Raises `QcError`."""
    fields, key = fields_of(program, name), key_of(program, name)
    if isinstance(source, Dataset):
        return streamed(work, source, fields, key, as_text=name != CASES)
    found = stage(work, f"#{name}", source, fields, key)
    row = f"CAST({found.row} AS BIGINT) AS {quoted(ROW)}"
    kept = ", ".join(quoted(one.name) for one in fields)
    shown = f"{shown_sql(quoted(key))} AS {quoted(KEY)}"
    origin = f"FROM (SELECT {kept}, {row}, {shown} FROM {quoted(found.name)})"
    return Rows(origin, {one.name: quoted(one.name) for one in fields})


def streamed(
    work: Workspace, source: Dataset, fields: Sequence[Field], key: str, *, as_text: bool
) -> Rows:
    """A dataset's rows, their cells as text (as staged tables have them) or as they are."""
    faults: list[QcError] = []
    reader = stream(source, fields, faults, as_text=as_text)
    work.connection.register("#none", reader.schema.empty_table())
    kinds = _kinds(work, 'FROM "#none"')
    work.connection.unregister("#none")
    work.connection.register("#stream", reader)
    columns = {one.name: quoted(one.name) for one in fields}
    if as_text:
        columns = {name: written(sql, kinds[name]) or sql for name, sql in columns.items()}
    return Rows(_with_key('FROM "#stream"', key, kinds[key], source.address), columns, faults)


def kept_rows(work: Workspace, path_sql: str, key: str) -> Rows:
    """The rows of a Parquet file that was written before."""
    origin = f"FROM read_parquet({path_sql})"
    return Rows(_with_key(origin, key, _kinds(work, origin)[key], path_sql), {})


def _kinds(work: Workspace, origin: str) -> dict[str, str]:
    return {row[0]: row[1] for row in work.rows(f"DESCRIBE SELECT * {origin}")}


def _with_key(origin: str, key: str, kind: str, address: str) -> str:
    text = written(quoted(key), kind)
    if text is None:
        message = Text(
            f"主键“{key}”的类型不能用：{kind}",
            f"Key “{key}” is of a type that cannot be one: {kind}",
        )
        raise QcError(Diagnostic("QC642", message, place=Text(address, address)))
    return f"FROM (SELECT *, {shown_sql(f'({text})')} AS {quoted(KEY)} {origin})"


@contextmanager
def sorting(folder: Path, limits: Limits = LIMITS) -> Iterator[Workspace]:
    """A database for a pass over everything; ``folder`` is what it is for."""
    with speaking(folder), workspace(folder.parent, folder.name, limits) as work:
        add_fold(work.connection)
        yield work


@contextmanager
def speaking(path: Path, rows: Rows | None = None) -> Iterator[None]:
    """What DuckDB cannot read or write, without its text: that may hold part of a record."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if rows and rows.faults:
            raise rows.faults[0] from None
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise QcError(unwritable(path, OSError(type(error).__name__))) from None
        raise
