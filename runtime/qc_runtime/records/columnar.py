"""Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from qc_dsl.errors import QcError
from qc_dsl.lang import Text
from qc_runtime.records.delimited import coded
from qc_runtime.records.faults import fault
from qc_runtime.records.table import Coded, Table, encode


def read_parquet(path: Path, data: bytes) -> Table:
    """A Parquet file as a table; rows count as in a sheet with a header. Raises `QcError`."""
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError):
        message = Text("Parquet 文件已损坏或不完整", "The Parquet file is damaged or incomplete")
        help_ = Text("请重新导出。", "Export it again.")
        raise QcError(fault("QC406", path, message, help_)) from None
    return table_of(table, lambda: range(2, table.num_rows + 2))


def table_of(table: Any, numbers: Callable[[], Sequence[int]]) -> Table:
    """An Arrow table as raw cells; ``numbers`` gives its rows' numbers."""
    return Table(
        tuple(table.schema.names), table.num_rows, lambda i: _column(table.column(i)), numbers
    )


def _column(column: Any) -> Coded:
    kind = column.type
    if pt.is_dictionary(kind):
        return _column(column.cast(kind.value_type))
    if pt.is_timestamp(kind):  # Python has microseconds
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    if pt.is_string(kind):  # a column's distinct texts may pass 2 GiB
        column = column.cast(pa.large_string())
    return encode(column.to_pylist()) if pt.is_nested(kind) else coded(column)
