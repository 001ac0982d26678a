"""The SQL pre-filter says what the reference interpreter says, on every record."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from qc_compiler.decide import decide
from qc_compiler.interpret import evaluate
from qc_compiler.ir import Expr
from qc_compiler.prefilter import TABLE
from qc_compiler.program import Program
from qc_compiler.simplify import simplify
from qc_compiler.sql import expression
from qc_compiler.values import Raw, Record, read_cell
from qc_runtime.prefilter import run_prefilter
from qc_runtime.records.memory import recordset_of
from qc_runtime.records.recordset import RecordSet
from strategies import FIELDS, expressions, programs, rows, tables

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def _examples(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, suppress_health_check=_SLOW, derandomize=True
    )


def _records(drawn: list[dict[str, Raw]]) -> list[dict[str, Raw]]:
    return [row | {"编号": str(number)} for number, row in enumerate(drawn, 1)]


def _record(row: dict[str, Raw]) -> Record:
    return {field.name: read_cell(field, row[field.name]).value for field in FIELDS}


def _table(drawn: list[dict[str, Raw]]) -> pa.Table:
    return recordset_of(FIELDS, "编号", drawn).arrow()


@_examples(25)
@given(programs, tables())
def test_sql_decides_as_the_interpreter(program: Program, drawn: list[dict[str, Raw]]) -> None:
    records = _records(drawn)
    wanted = [decide(program, _record(row)).code for row in records]
    assert run_prefilter(program, _table(records)) == wanted


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


def test_sql_gives_every_expression_its_truth(connection: duckdb.DuckDBPyConnection) -> None:
    """Unknown included, which a decision alone could hide; many expressions in one query."""

    @_examples(20)
    @given(st.lists(expressions, min_size=4, max_size=4), tables(25))
    def check(exprs: list[Expr], drawn: list[dict[str, Raw]]) -> None:
        records = _records(drawn)
        connection.register(TABLE, _table(records))
        truths = (exp.cast(expression(e), "BOOLEAN").as_(f"t{n}") for n, e in enumerate(exprs))
        query = exp.select(*truths).from_(TABLE).sql(dialect="duckdb")
        wanted = [tuple(evaluate(e, _record(row)) for e in exprs) for row in records]
        assert connection.sql(query).fetchall() == wanted

    check()


@_examples(100)
@given(expressions, rows)
def test_simplifying_changes_no_truth(expr: Expr, row: dict[str, Raw]) -> None:
    record = _record(row | {"编号": "1"})
    assert evaluate(simplify(expr), record) is evaluate(expr, record)


def test_a_record_set_keeps_every_row_in_order() -> None:
    records = _records([{f.name: None for f in FIELDS}] * 3)
    made: RecordSet = recordset_of(FIELDS, "编号", records)
    assert made.keys == ["1", "2", "3"]
