"""Cases with their tables' rows, out of the database a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qc_compiler.lines import LINES
from qc_compiler.values import (
    CASE,
    ITEM_MARK,
    ROW,
    Field,
    FieldType,
    Moment,
    Record,
    RowsOf,
    Value,
)
from qc_dsl.fold import fold
from qc_runtime.records.recordset import RecordSet
from qc_runtime.tables.columns import RAW
from qc_runtime.tables.workspace import quoted

if TYPE_CHECKING:
    import duckdb

    from qc_compiler.program import Program, Table

_BATCH = 2000  # cases in memory at a time
Shown = Mapping[str, str | None]


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a table: ``values`` by column, its number under `ROW`; ``shown`` as written."""

    values: Record
    shown: Shown


@dataclass(frozen=True, eq=False)
class Case:
    """A case by its number: its record with the rows of its tables, and all as it is written.

    ``rows`` holds the rows of each extracted table by their number.
    """

    number: int
    key: str
    record: Record
    shown: Shown
    rows: Mapping[str, Mapping[int, Row]]

    @cached_property
    def display(self) -> Mapping[Any, Any]:
        """All as it is written, the rows under `RowsOf` as in the record."""
        rows = {
            RowsOf(name): tuple(row.shown for row in of.values()) for name, of in self.rows.items()
        }
        return {**self.shown, **rows}


class Cases:
    """The records of a run and the tables in its database; ``tables`` are those extracted."""

    def __init__(
        self,
        program: Program,
        records: RecordSet,
        connection: duckdb.DuckDBPyConnection | None = None,
        tables: Sequence[str] = (),
    ) -> None:
        self.program, self.records, self.connection = program, records, connection
        self.tables = [table for table in program.tables if table.name in tables]
        self.absent = {table.name for table in program.tables} - set(tables)

    def __len__(self) -> int:
        return len(self.records)

    def batches(self, numbers: Sequence[int], *, rows: bool = True) -> Iterator[list[Case]]:
        """These cases (ascending) some at a time, with all of their rows unless told otherwise."""
        for start in range(0, len(numbers), _BATCH):
            some = numbers[start : start + _BATCH]
            found = {table.name: self._rows(table, some) for table in self.tables if rows}
            yield [
                self._case(number, {name: of[number] for name, of in found.items()})
                for number in some
            ]

    def one(self, number: int) -> Case:
        """A single case with all of its rows."""
        [[case]] = self.batches([number])
        return case

    def _case(self, number: int, rows: Mapping[str, Mapping[int, Row]]) -> Case:
        record: dict[Any, Any] = dict(self.records.record(number))
        for name, of in rows.items():
            record[RowsOf(name)] = tuple(row.values for row in of.values())
        shown = {name: column[number] for name, column in self.records.display.items()}
        for field in self.records.fields:
            if field.blanks and fold(shown[field.name] or "") in field.blanks:
                shown[field.name] = None  # not written, and no cell that cannot be read
        return Case(number, self.records.keys[number], record, shown, rows)

    def _rows(self, table: Table, numbers: Sequence[int]) -> dict[int, dict[int, Row]]:
        """The rows of one table for some cases, by the case's number, in the file's order."""
        import pyarrow as pa

        assert self.connection is not None
        found: dict[int, dict[int, Row]] = {number: {} for number in numbers}
        wanted = pa.table({"n": pa.array(numbers, pa.int32())})
        self.connection.register("#wanted", wanted)
        name, case = quoted(table.name), quoted(CASE)
        query = f"""FROM {name} WHERE {case} BETWEEN {numbers[0]} AND {numbers[-1]}
            AND {case} IN (SELECT n FROM "#wanted") ORDER BY {quoted(ROW)}"""
        read = self.connection.sql(query).to_arrow_table()
        self.connection.unregister("#wanted")
        for number, row in zip(read.column(CASE).to_pylist(), _read(table, read), strict=True):
            found[number][row.values[ROW]] = row
        return found


def kept_fields(table: Table) -> list[Field]:
    """What the database keeps of a table: its columns, and the one that names a row."""
    if table.key is None or any(field.name == table.key for field in table.columns):
        return list(table.columns)
    return [*table.columns, Field(table.key, FieldType.TEXT, (table.key,))]


def _read(table: Table, read: Any) -> Iterator[Row]:
    fields = kept_fields(table)
    numbers = read.column(ROW).to_pylist()
    values = {field.name: _values(field, read) for field in fields}
    lined = (field.name + LINES for field in fields if field.name + LINES in read.column_names)
    values |= {name: read.column(name).to_pylist() for name in lined}
    shown = {field.name: _shown(field, read) for field in fields}
    for at, number in enumerate(numbers):
        yield Row(
            {name: column[at] for name, column in values.items()} | {ROW: number},
            {name: column[at] for name, column in shown.items()},
        )


def _values(field: Field, read: Any) -> list[Value]:
    if field.type.is_temporal:
        low, high = (read.column(f"{field.name}.{end}").to_pylist() for end in ("lo", "hi"))
        pairs = zip(low, high, strict=True)
        return [None if lo is None else Moment(lo, hi) for lo, hi in pairs]
    cells = read.column(field.name).to_pylist()
    if field.type is FieldType.LIST:
        return [None if cell is None else tuple(cell[1:-1].split(ITEM_MARK)) for cell in cells]
    found: list[Value] = cells
    return found


def _shown(field: Field, read: Any) -> list[str | None]:
    """As written; a text that is no different from its value is kept only once."""
    raw: list[str | None] = read.column(field.name + RAW).to_pylist()
    if field.type not in (FieldType.TEXT, FieldType.CATEGORY):
        return raw
    values = read.column(field.name).to_pylist()
    return [value if text is None else text for text, value in zip(raw, values, strict=True)]
