"""The deterministic part of a run: every record's decision, by one DuckDB query."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from qc_compiler.prefilter import TABLE, prefilter
from qc_compiler.program import Program
from qc_compiler.values import CASE
from qc_runtime.tables.workspace import open_database, quoted

PART = 50_000  # cases whose rows are judged at a time


@dataclass(frozen=True, eq=False)
class Database:
    """Where a run's related tables are, by the convention of `qc_compiler.sql`.

    Without a connection there are none, and each use has a database of its own in memory.
    ``tables`` names those that were extracted.
    """

    connection: duckdb.DuckDBPyConnection | None = None
    tables: Sequence[str] = ()

    @contextmanager
    def opened(self, cases: pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in which the cases stand beside the tables, numbered."""
        numbered = cases.append_column(CASE, pa.array(range(cases.num_rows), pa.int32()))
        if self.connection is not None:
            with _registered(self.connection, numbered):
                yield self.connection
            return
        with open_database(":memory:") as connection, _registered(connection, numbered):
            yield connection


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, cases: pa.Table) -> Iterator[None]:
    connection.register("#arrow", cases)
    connection.execute(f'CREATE OR REPLACE TABLE {quoted(TABLE)} AS FROM "#arrow"')
    connection.unregister("#arrow")
    yield
    connection.execute(f"DROP TABLE {quoted(TABLE)}")


def parts(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str], records: int
) -> Iterator[None]:
    """The database with a part of the cases in sight at a time, so that memory is bounded.

    Views of the same names hide the tables while a part is yielded. A join over the rows of a
    million cases would need more memory than a run may take; over a part's it does not.
    """
    if records <= PART:
        yield
        return
    connection.execute("CREATE SCHEMA IF NOT EXISTS part")
    for start in range(0, records, PART):
        for name in map(quoted, (TABLE, *tables)):
            connection.execute(
                f"""CREATE OR REPLACE VIEW part.{name} AS FROM main.{name}
                WHERE {quoted(CASE)} >= {start} AND {quoted(CASE)} < {start + PART}"""
            )
        connection.execute("SET search_path = 'part,main'")
        try:
            yield
        finally:
            connection.execute("SET search_path = 'main'")
    connection.execute("DROP SCHEMA part CASCADE")


def run_prefilter(program: Program, table: pa.Table, database: Database = Database()) -> list[int]:
    """The decision code of each record, in the table's order.

    A code is a verdict's index or a `qc_compiler.decide.Open`. ``table`` follows the
    convention in `qc_compiler.sql`.
    """
    absent = {one.name for one in program.tables} - set(database.tables)
    query = prefilter(program, absent)
    if database.connection is None and f'"{CASE}"' not in query:
        return _in_memory(query, table)
    with database.opened(table) as connection:
        return decide_all(program, connection, table.num_rows, absent)


def decide_all(
    program: Program,
    connection: duckdb.DuckDBPyConnection,
    records: int,
    absent: Collection[str] = (),
) -> list[int]:
    """The same for records that stand in a database already, numbered."""
    query = prefilter(program, absent)
    if f'"{CASE}"' not in query:
        return list(connection.sql(query).to_arrow_table().column("decision").to_pylist())
    decisions = [0] * records
    tables = [table.name for table in program.tables if table.name not in absent]
    for _ in parts(connection, tables, records):
        found = connection.sql(query).to_arrow_table()
        numbers, codes = (found.column(name).to_pylist() for name in (CASE, "decision"))
        for number, code in zip(numbers, codes, strict=True):
            decisions[number] = code
    return decisions


def _in_memory(query: str, table: pa.Table) -> list[int]:
    with duckdb.connect(":memory:") as connection:
        connection.register(TABLE, table)
        found = connection.sql(query).to_arrow_table()
    decisions: list[int] = found.column("decision").to_pylist()
    return decisions
