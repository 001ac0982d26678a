"""From staged text to typed columns, in SQL where that equals `values.read_cell`, else by it.

Each field gives its value columns by the convention of `qc_compiler.sql`, and ``<field>.raw``:
the cell as it is written, NULL where it is blank or, for a text, no different from the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

from qc_compiler.derive import derive
from qc_compiler.lines import BREAK, ENDS, FIRST, GOES_ON, LINES, PAIRS, WRAPPED
from qc_compiler.values import ITEM_MARK, Field, FieldType, Moment, Value, display, read_cell
from qc_runtime.records.derived import sources
from qc_runtime.tables.folding import FOLD, add_text_function, common_replaced, folded
from qc_runtime.tables.workspace import literal, quoted

RAW = ".raw"
# What `str.strip` takes off, and DuckDB's trim would not.
_WHITE = "".join(ch for ch in map(chr, range(0x3001)) if ch.isspace())
_REMEMBERED = 1 << 14  # distinct cells of a column that are read once

_NUMBER = "[+-]?[0-9]{1,15}([.][0-9]{1,15})?"
_DAY = "[12][0-9]{3}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_CLOCK = "([01]?[0-9]|2[0-3]):[0-5]?[0-9](:[0-5]?[0-9]([.][0-9]{1,6})?)?"
_LAST = "INTERVAL 1 DAY - INTERVAL 1 MICROSECOND"
_PLAIN_TEXT = (FieldType.TEXT, FieldType.CATEGORY)
_MOMENT = "STRUCT(lo TIMESTAMP, hi TIMESTAMP)"


@dataclass(frozen=True)
class Typed:
    """The SQL of one field in steps: ``read`` and ``value`` make columns that the next may use."""

    field: Field
    read: str
    columns: tuple[tuple[str, str], ...]
    value: str | None = None


def shown_sql(column: str) -> str:
    """A staged cell as `values.display` shows it, but for cells of unprintable characters."""
    return f"nullif(trim({column}, {literal(_WHITE)}), '')"


def derived_sql(
    connection: duckdb.DuckDBPyConnection, table: str, fields: Sequence[Field], field: Field
) -> str:
    """The SQL of a derived column's cell, from the staged columns it is taken from."""
    import pyarrow as pa

    needed = sources(fields, field)
    wanted = tuple(one for one in fields if one.name in needed or one.is_derived)

    def call(*columns: Any) -> Any:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        cells = (derive(wanted, dict(zip(needed, row, strict=True))) for row in rows)
        return pa.array([display(row[field.name]) for row in cells], pa.string())

    known: Any = connection
    name = f"#derive {table}.{field.name}"
    kinds = ["VARCHAR"] * len(needed)
    # DuckDB counts the parameters of what it is given, and takes no *arguments
    fixed = call if len(kinds) == 1 else (lambda first, second: call(first, second))
    known.create_function(name, fixed, kinds, "VARCHAR", type="arrow", null_handling="special")
    arguments = ", ".join(shown_sql(quoted(one)) for one in needed)
    return f"{quoted(name)}({arguments})"


def typed(connection: duckdb.DuckDBPyConnection, table: str, field: Field) -> Typed:
    """How to type a field, its Python reader being made known to the connection."""
    one = _typed(connection, table, field)
    return _with_lines(one) if field.lined and field.type is FieldType.TEXT else one


def _with_lines(one: Typed) -> Typed:
    """The same with a text's reading by lines, NULL where it has but one (`qc_compiler.lines`)."""
    name = one.field.name
    lines, common = quoted(name + LINES), quoted(f"{name}{LINES}.common")
    raw = quoted(f"{name}{LINES}.cell")
    read = _lines_of(quoted(name + RAW))
    value = f"{folded(common, raw)} AS {lines}"
    kept = f"CASE WHEN {quoted(name)} IS NOT NULL THEN {lines} END"
    return Typed(
        one.field,
        f"{one.read}, {read} AS {raw}, {common_replaced(f'({read})')} AS {common}",
        (*one.columns, (name + LINES, kept)),
        f"{one.value}, {value}" if one.value else value,
    )


def _lines_of(raw: str) -> str:
    """`qc_compiler.lines.by_lines` of a cell."""

    def put(step: tuple[str, str], text: str) -> str:
        return f"regexp_replace({text}, {literal(step[0])}, {literal(step[1])}, 'g')"

    read = put(GOES_ON, raw)
    odd, even = (put(PAIRS, f"({lines} || '\n')") for lines in (read, put(FIRST, read)))
    joined = put(ENDS, f"({read} || '\n' || {odd} || '\n' || {even})")
    wrapped = f"regexp_matches({read}, {literal(WRAPPED)})"
    whole = f"CASE WHEN {wrapped} THEN {joined} ELSE {put(ENDS, read)} END"
    return f"CASE WHEN regexp_matches({raw}, {literal(BREAK)}) THEN {whole} END"


def _typed(connection: duckdb.DuckDBPyConnection, table: str, field: Field) -> Typed:
    if field.type in _PLAIN_TEXT and not field.blanks and not field.values:
        return _text(field)
    kind = "DOUBLE" if _is_float(field) else _MOMENT if field.type.is_temporal else "VARCHAR"
    function = quoted(f"#read {table}.{field.name}")
    add_text_function(connection, function, _reader(field), kind)
    raw = quoted(field.name + RAW)
    value = f"{function}({raw})"
    if field.type is FieldType.NUMBER:
        value = f"CASE WHEN {_is(raw, _NUMBER)} THEN CAST({raw} AS DOUBLE) ELSE {value} END"
    if field.values:
        listed = ", ".join(map(literal, field.values))
        value = f"CASE WHEN {raw} IN ({listed}) THEN {raw} ELSE {value} END"
    if field.type.is_temporal:
        return _moment(field, raw, value)
    name = quoted(field.name)
    return Typed(field, f"{value} AS {name}", ((field.name, name), _shown(field, name, raw)))


def _is_float(field: Field) -> bool:
    return field.type in (FieldType.NUMBER, FieldType.DURATION)


def _is(column: str, pattern: str) -> str:
    return f"regexp_full_match({column}, {literal(pattern)})"


def _shown(field: Field, value: str, raw: str) -> tuple[str, str]:
    """The cell as it is written; what the rulebook lists as blank has none."""
    if not field.blanks:
        return field.name + RAW, raw
    listed = ", ".join(map(literal, field.blanks))
    blank = f"{value} IS NULL AND {FOLD}({raw}) IN ({listed})"
    return field.name + RAW, f"CASE WHEN {blank} THEN NULL ELSE {raw} END"


def _text(field: Field) -> Typed:
    name, raw = quoted(field.name), quoted(field.name + RAW)
    common = quoted(f"{field.name}.common")
    different = f"CASE WHEN {name} <> {raw} THEN {raw} END"
    columns = ((field.name, name), (field.name + RAW, different))
    value = f"{folded(common, raw)} AS {name}"
    return Typed(field, f"{common_replaced(raw)} AS {common}", columns, value)


def _moment(field: Field, raw: str, otherwise: str) -> Typed:
    """The usual ways to write a time are cast, the others read; both ends as columns."""
    at = f"TRY_CAST(replace({raw}, '/', '-') AS TIMESTAMP)"
    day = f"date_trunc('day', {at})"
    whole = f"struct_pack(lo := CAST({day} AS TIMESTAMP), hi := {day} + {_LAST})"
    exact = f"struct_pack(lo := {at}, hi := {at})"
    clock = exact if field.type is FieldType.DATETIME else whole
    read = quoted(f"{field.name}.read")
    value = f"""CASE WHEN {at} IS NULL THEN {otherwise}
        WHEN {_is(raw, f"{_DAY}[ T]{_CLOCK}")} THEN {clock}
        WHEN {_is(raw, _DAY)} THEN {whole} ELSE {otherwise} END AS {read}"""
    ends = ((f"{field.name}.{end}", f"{read}.{end}") for end in ("lo", "hi"))
    return Typed(field, value, (*ends, _shown(field, read, raw)))


def _reader(field: Field) -> Callable[[str], Any]:
    """`values.read_cell` as DuckDB wants its results."""

    @lru_cache(maxsize=_REMEMBERED)
    def read(text: str) -> Any:
        return stored(read_cell(field, text).value)

    return read


def stored(value: Value) -> Any:
    """A value as the columns of the convention hold it; both ends of a time together."""
    if isinstance(value, tuple):
        return ITEM_MARK + "".join(item + ITEM_MARK for item in value)
    return {"lo": value.lo, "hi": value.hi} if isinstance(value, Moment) else value


def select(fields: Sequence[Typed], cells: Mapping[str, str], kept: str, origin: str) -> str:
    """The query that types staged rows.

    ``cells`` is the SQL of each field's cell; ``kept`` are further columns to carry along.
    """
    first = ", ".join(f"{sql} AS {quoted(name + RAW)}" for name, sql in cells.items())
    second = ", ".join(one.read for one in fields)
    third = "".join(f", {one.value}" for one in fields if one.value)
    last = ", ".join(f"{sql} AS {quoted(name)}" for one in fields for name, sql in one.columns)
    return f"""SELECT {kept}, {last}
        FROM (SELECT *{third} FROM (SELECT *, {second} FROM (SELECT {kept}, {first} {origin})))"""


def unreadable(field: Field) -> str | None:
    """The SQL condition that a cell is written but has no value; `None` where that cannot be."""
    if field.type in (FieldType.TEXT, FieldType.LIST):
        return None
    value = quoted(f"{field.name}.lo" if field.type.is_temporal else field.name)
    return f"{value} IS NULL AND {quoted(field.name + RAW)} IS NOT NULL"
