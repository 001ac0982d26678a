"""From a data file to a `RecordSet`."""

from __future__ import annotations

import gc
import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from qc_compiler.values import Field, FieldType, Raw, Value, display, read_cell, split_list
from qc_dsl.errors import QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.records.columns import match_columns
from qc_runtime.records.derived import with_derived
from qc_runtime.records.faults import fault
from qc_runtime.records.files import read_bytes, read_table
from qc_runtime.records.keys import check_keys
from qc_runtime.records.lines import with_lines
from qc_runtime.records.recordset import CellProblem, RecordSet, Typed
from qc_runtime.records.table import Coded, Column, Numbers, RawCell, Table, encode

T = TypeVar("T")

_NO_RECORDS = Text("文件里没有病例", "The file holds no records")
_NO_RECORDS_HELP = Text(
    "第一行是列名，从第二行起每行一例。",
    "The first row holds the names, each further row a record.",
)


def load_records(
    path: Path,
    fields: Sequence[Field],
    key: str,
    *,
    limit: int | None = None,
    extra: Sequence[str] = (),
    sheet: str | None = None,
) -> RecordSet:
    """The records of a data file, or one sheet of it, under a rulebook's fields.

    ``key`` names the key field, ``extra`` columns to carry along as display text, ``limit``
    the number of records to take from the top. Rows in which nothing is written are not
    records. Raises `QcError` with all faults of one stage: file, columns, then keys.
    """
    with _no_collection():
        data = read_bytes(path)
        table = read_table(path, data, sheet)
        digest = hashlib.sha256(data).hexdigest()
        return _load(path, table, digest, fields, key, limit, extra)


def records_of_keys(
    fields: Sequence[Field], key: str, keys: Sequence[str], source: Path, limit: int | None = None
) -> RecordSet:
    """Records of which nothing is known but their keys."""
    given = [field for field in fields if not field.is_derived]
    names = tuple((field.columns or (field.name,))[0] for field in given)
    at = [field.name for field in given].index(key)
    column, blank = encode(keys), encode([None] * len(keys))
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()
    table = Table(
        names, len(keys), lambda i: column if i == at else blank, lambda: range(1, len(keys) + 1)
    )
    with _no_collection():
        return _load(source, table, digest, fields, key, limit, ())


def records_of_table(
    path: Path, table: Table, digest: str, fields: Sequence[Field], key: str
) -> RecordSet:
    """The records of a table that was read already; ``path`` and ``digest`` say where from."""
    with _no_collection():
        return _load(path, table, digest, fields, key, None, ())


@contextmanager
def _no_collection() -> Iterator[None]:
    """Millions of cells and no cycles: the cycle collector would take half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load(
    path: Path,
    table: Table,
    digest: str,
    fields: Sequence[Field],
    key: str,
    limit: int | None,
    extra: Sequence[str],
) -> RecordSet:
    table = replace(table, column=cache(table.column))
    given = [field for field in fields if not field.is_derived]
    matched = match_columns(path, table.names, given, extra) if table.names else None
    filled = _filled(table, matched.columns[key]) if matched else ()
    kept = filled[:limit]
    if not matched or not kept:
        raise QcError(fault("QC408", path, _NO_RECORDS, _NO_RECORDS_HELP))
    coded = {name: table.column(at).keep(kept) for name, at in matched.columns.items()}
    numbers = Numbers(table, kept)
    shown = {field.name: _flattened(coded[field.name], field) for field in given}
    shown |= {name: _flattened(coded[name], None) for name in extra if name not in shown}
    displayed = {name: [display(cell) for cell in column.cells] for name, column in shown.items()}
    keys = check_keys(path, shown[key], displayed[key], numbers)
    typed, problems = _typed(given, shown, displayed, numbers)
    rest = table.column(matched.columns[key]).keep(filled[len(kept) :])
    read = RecordSet(
        key=key,
        keys=keys,
        fields=tuple(fields),
        display={name: _spread(shown[name].codes, column) for name, column in displayed.items()},
        values={name: _spread(one.codes, one.values) for name, one in typed.items()},
        problems=problems,
        warnings=matched.warnings,
        source=path,
        digest=digest,
        typed=typed,
        others=tuple(text for cell in rest.cells if (text := display(flat(cell, None)))),
    )
    return with_lines(with_derived(read, numbers))


def _filled(table: Table, key_at: int) -> Sequence[int]:
    """The rows that are records: those with a key, or at least with something written."""
    keys = table.column(key_at)
    blank = {code for code, cell in enumerate(keys.cells) if _is_blank(cell)}
    rows: Sequence[int] = range(table.rows)
    if empty := [row for row, code in enumerate(keys.codes) if code in blank] if blank else []:
        gone = _wholly_blank(table, empty)
        rows = [row for row in rows if row not in gone] if gone else rows
    return rows


def _wholly_blank(table: Table, rows: Sequence[int]) -> set[int]:
    left = set(rows)
    for at in range(len(table.names)):
        if left:
            column = table.column(at)
            left = {row for row in left if _is_blank(column.cells[column.codes[row]])}
    return left


def _is_blank(cell: RawCell) -> bool:
    if isinstance(cell, str) and cell.isalnum():
        return False  # most keys, and quickly
    return display(flat(cell, None)) is None


def flat(cell: RawCell, field: Field | None) -> Raw:
    """A list that the file holds as one: joined for a list field, else shown as JSON."""
    if not isinstance(cell, tuple):
        return cell
    if field and field.type is FieldType.LIST:
        return (field.separator or "+").join(cell)
    return json.dumps(list(cell), ensure_ascii=False)


def _flattened(column: Coded, field: Field | None) -> Column:
    return Column(column.codes, [flat(cell, field) for cell in column.cells])


def _spread(codes: array[int], distinct: Sequence[T]) -> list[T]:
    return [distinct[code] for code in codes]


def _typed(
    fields: Sequence[Field],
    columns: Mapping[str, Column],
    displayed: Mapping[str, Sequence[str | None]],
    number_of: Numbers,
) -> tuple[dict[str, Typed], tuple[CellProblem, ...]]:
    """Every field's values, each distinct cell read once, and the cells that cannot be read."""
    typed: dict[str, Typed] = {}
    problems: list[CellProblem] = []
    for field in fields:
        column = columns[field.name]
        values, wrong = _read(field, column.cells, displayed[field.name])
        typed[field.name] = Typed(field, column.codes, values)
        problems += [
            CellProblem(number_of(i), field.name, wrong[code])
            for i, code in enumerate(column.codes if wrong else ())
            if code in wrong
        ]
    return typed, tuple(sorted(problems, key=lambda problem: problem.row))


def _read(
    field: Field, cells: Sequence[Raw], shown: Sequence[str | None]
) -> tuple[list[Value], dict[int, Text]]:
    """The values of distinct cells, and what is wrong with some of them by position."""
    # What `read_cell` does for text and lists, without a `Cell` for each: twice as fast.
    if field.type is FieldType.TEXT and not field.blanks:
        return [None if text is None else fold(text) for text in shown], {}
    if field.type is FieldType.LIST and not field.blanks:
        mark = field.separator or "+"
        return [None if text is None else split_list(text, mark) or None for text in shown], {}
    read = [read_cell(field, cell) for cell in cells]
    wrong = {code: cell.problem for code, cell in enumerate(read) if cell.problem}
    return [cell.value for cell in read], wrong
