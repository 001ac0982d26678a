"""The deterministic part of a run: every record's decision, by one DuckDB query."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from qc_compiler.prefilter import TABLE, prefilter
from qc_compiler.program import Program


def run_prefilter(program: Program, table: pa.Table) -> list[int]:
    """The decision code of each record, in the table's order.

    A code is a verdict's index or a `qc_compiler.decide.Open`. ``table`` follows the
    convention in `qc_compiler.sql`.
    """
    with duckdb.connect(":memory:") as connection:
        connection.register(TABLE, table)
        found = connection.sql(prefilter(program)).to_arrow_table()
    decisions: list[int] = found.column("decision").to_pylist()
    return decisions
