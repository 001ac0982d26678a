"""The SQL pre-filter says what the reference interpreter says, on every record."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qc_compiler.decide import decide
from qc_compiler.interpret import evaluate
from qc_compiler.program import Program
from qc_compiler.simplify import simplify
from qc_compiler.values import Raw, Record, read_cell
from qc_runtime.prefilter import run_prefilter
from qc_runtime.records.memory import recordset_of
from qc_runtime.records.recordset import RecordSet
from strategies import FIELDS, expressions, programs, rows

_SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def _records(drawn: list[dict[str, Raw]]) -> list[dict[str, Raw]]:
    return [row | {"编号": str(number)} for number, row in enumerate(drawn, 1)]


def _record(row: dict[str, Raw]) -> Record:
    return {field.name: read_cell(field, row[field.name]).value for field in FIELDS}


def _table(drawn: list[dict[str, Raw]]) -> pa.Table:
    return recordset_of(FIELDS, "编号", drawn).arrow()


@_SETTINGS
@given(programs, st.lists(rows, min_size=1, max_size=20))
def test_sql_decides_as_the_interpreter(program: Program, drawn: list[dict[str, Raw]]) -> None:
    records = _records(drawn)
    wanted = [decide(program, _record(row)).code for row in records]
    assert run_prefilter(program, _table(records)) == wanted


@_SETTINGS
@given(expressions, rows)
def test_simplifying_changes_no_truth(expr, row) -> None:  # type: ignore[no-untyped-def]
    record = _record(row | {"编号": "1"})
    assert evaluate(simplify(expr), record) is evaluate(expr, record)


def test_a_record_set_keeps_every_row_in_order() -> None:
    records = _records([{f.name: None for f in FIELDS}] * 3)
    made: RecordSet = recordset_of(FIELDS, "编号", records)
    assert made.keys == ["1", "2", "3"]
