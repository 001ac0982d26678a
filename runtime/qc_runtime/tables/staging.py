"""From a file to a staged table: the wanted columns as text in the database, nothing typed yet.

DuckDB reads UTF-8 CSV, JSONL and Parquet itself, so that a file may be larger than memory; a
GB18030 file is written again as UTF-8 for it first. Whatever it refuses, and every other kind
of file, goes through the readers of `qc_runtime.records`, which know how to say what is wrong.
"""

from __future__ import annotations

import codecs
import csv
import io
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from qc_compiler.values import ROW, Field, display
from qc_dsl.errors import Diagnostic
from qc_runtime.records.columns import match_columns
from qc_runtime.records.delimited import row_numbers
from qc_runtime.records.files import delimiter_of, kind_of, read_bytes, read_table
from qc_runtime.records.keys import is_rounded
from qc_runtime.tables.sources import Source
from qc_runtime.tables.workspace import Workspace, literal, quoted

_HEAD = 1 << 20  # bytes in which a header must end
_CHUNK = 1 << 22
_DELIMITERS = (",", "\t", ";", "|")
# What DuckDB writes as text just as `values.display` does.
_SIMPLE = {"VARCHAR", "BOOLEAN", "DATE", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
_SIMPLE |= {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_STAMPS = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_FLOATS = {"FLOAT", "DOUBLE"}
_JSON_TEXTS = "('VARCHAR', 'NULL', 'BIGINT', 'UBIGINT')"  # of members that `->>` gives as written


@dataclass(frozen=True)
class Staged:
    """A staged table. ``row`` is the SQL of a row's number in its file.

    As a spreadsheet counts: the header is row 1, a blank line is a row, a cell with line breaks
    is one. In a JSONL file it is the line.

    ``rounded``: the case key is a number that a spreadsheet has rounded in some row.
    """

    name: str
    row: str
    warnings: tuple[Diagnostic, ...]
    rounded: bool = False


Expressions = Mapping[str, str]  # the SQL of each wanted column's text, by field name


def stage(work: Workspace, name: str, source: Source, fields: Sequence[Field], key: str) -> Staged:
    """Stage a source as the table ``name`` with one text column for each field.

    ``key`` names the field that holds the case's key. Raises `QcError` for whatever is wrong
    with the file or its columns.
    """
    kind = kind_of(source.path, read_bytes(source.path, 8))
    by_duckdb = {"delimited": _delimited, "jsonl": _jsonl, "parquet": _parquet}.get(kind)
    if by_duckdb:
        try:
            if staged := by_duckdb(work, name, source.path, fields):
                return staged
        except (duckdb.Error, UnicodeError):
            pass  # its message may show a whole record; the other reader says what is wrong
    return _by_reader(work, name, source, fields, key)


def _create(work: Workspace, name: str, columns: Expressions, origin: str) -> None:
    listed = ", ".join(f"{sql} AS {quoted(field)}" for field, sql in columns.items())
    work.run(f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT {listed} {origin}")


def _delimited(work: Workspace, name: str, path: Path, fields: Sequence[Field]) -> Staged | None:
    """`None` where the header is not one plain line at the top."""
    readable = _as_utf8(work, path)
    head = read_bytes(readable, _HEAD).removeprefix(codecs.BOM_UTF8)
    first = head.splitlines()[0].decode() if head.strip() else ""
    if not first.strip() or first.count('"') % 2:
        return None
    delimiter = delimiter_of(path) or max(_DELIMITERS, key=lambda one: len(_cells(first, one)))
    names = _cells(first, delimiter)
    matched = match_columns(path, names, fields, ())
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(names)))
    origin = f"""FROM read_csv({literal(str(readable))}, auto_detect = false, header = true,
        delim = {literal(delimiter)}, quote = '"', escape = '"', strict_mode = true,
        null_padding = false, columns = {{{columns}}})"""
    _create(work, name, {field: f"c{at}" for field, at in matched.columns.items()}, origin)
    if not _holds_rows(work, name):
        return None
    if not _may_have_blank_lines(readable):
        return Staged(name, "rowid + 2", matched.warnings)
    with readable.open(encoding="utf-8-sig", newline="") as lines:
        row = _numbered(work, name, row_numbers(lines, delimiter), 2)
    return Staged(name, row, matched.warnings)


def _may_have_blank_lines(path: Path) -> bool:
    """Whether two line ends follow each other: a blank line, or one within a quoted cell."""
    last = b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            text = last + chunk
            if any(ends in text for ends in (b"\n\n", b"\n\r\n", b"\r\r")):
                return True
            last = text[-2:]
    return False


def _numbered(work: Workspace, name: str, numbers: Iterable[int], first: int) -> str:
    """The SQL of the rows' numbers: a column of them where they do not run on from ``first``.

    Raises `UnicodeError` where there are not as many as rows: then the reader in Python has to
    say what is a row.
    """
    import pyarrow as pa

    found = array("q", numbers)
    if len(found) != work.number(f"SELECT count(*) FROM {quoted(name)}"):
        raise UnicodeError("rows")
    if found[-1] == first + len(found) - 1:
        return f"rowid + {first}"
    listed = f"{name}#numbers"
    work.keep(listed, pa.table({ROW: pa.array(found, pa.int64())}))
    both = f"SELECT * FROM {quoted(name)} POSITIONAL JOIN {quoted(listed)}"
    work.run(f"CREATE OR REPLACE TABLE {quoted(name)} AS {both}")
    work.run(f"DROP TABLE {quoted(listed)}")
    return quoted(ROW)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(line), delimiter=delimiter), [])


def _holds_rows(work: Workspace, name: str) -> bool:
    return bool(work.rows(f"SELECT 1 FROM {quoted(name)} LIMIT 1"))


def _jsonl(work: Workspace, name: str, path: Path, fields: Sequence[Field]) -> Staged | None:
    """Each object's members as text; `None` where some line needs the careful reader."""
    whole, readable = f"{name}#json", _as_utf8(work, path)
    read = f"FROM read_ndjson_objects({literal(str(readable))})"
    _create(work, whole, {"json": "json"}, read)
    origin = f"FROM {quoted(whole)}"
    if _needs_care(work, f"{origin} WHERE json_type(json) <> 'OBJECT'"):
        return None
    keys = f"SELECT unnest(json_keys(json)) AS name, rowid AS line {origin}"
    found = work.rows(f"SELECT name FROM ({keys}) GROUP BY name ORDER BY min(line)")
    matched = match_columns(path, [name for (name,) in found], fields, ())
    members = {field: _pointer(found[at][0]) for field, at in matched.columns.items()}
    odd = " OR ".join(
        f"json_type(json, {member}) NOT IN {_JSON_TEXTS}" for member in members.values()
    )
    twice = "len(json_keys(json)) <> len(list_distinct(json_keys(json)))"
    if _needs_care(work, f"{origin} WHERE {odd} OR {twice}"):
        return None
    _create(work, name, {field: f"json ->> {member}" for field, member in members.items()}, origin)
    work.run(f"DROP TABLE {quoted(whole)}")
    with readable.open("rb") as lines:
        filled = (number for number, line in enumerate(lines, 1) if line.strip())
        row = _numbered(work, name, filled, 1)
    return Staged(name, row, matched.warnings)


def _pointer(member: str) -> str:
    """A member of an object, as a JSON pointer."""
    return literal("/" + member.replace("~", "~0").replace("/", "~1"))


def _needs_care(work: Workspace, origin: str) -> bool:
    return bool(work.rows(f"SELECT 1 {origin} LIMIT 1"))


def _parquet(work: Workspace, name: str, path: Path, fields: Sequence[Field]) -> Staged | None:
    """`None` where a wanted column holds more than plain values."""
    origin = f"FROM read_parquet({literal(str(path))})"
    described = work.rows(f"DESCRIBE SELECT * {origin}")
    matched = match_columns(path, [row[0] for row in described], fields, ())
    columns = {}
    for field, at in matched.columns.items():
        text = written(quoted(described[at][0]), described[at][1])
        if text is None:
            return None
        columns[field] = text
    _create(work, name, columns, origin)
    return Staged(name, "rowid + 2", matched.warnings)


def written(column: str, kind: str) -> str | None:
    """The SQL of a cell as `values.display` writes it; `None` for types it does not cover."""
    if kind in _SIMPLE or kind.startswith("DECIMAL"):
        return f"CAST({column} AS VARCHAR)"
    if kind in _STAMPS:
        return f"CAST(CAST({column} AS TIMESTAMP) AS VARCHAR)"
    if kind in _FLOATS:
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return f"""CASE WHEN isnan({column}) THEN NULL
            WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR)
            ELSE CAST(CAST({column} AS DOUBLE) AS VARCHAR) END"""
    return None


def _as_utf8(work: Workspace, path: Path) -> Path:
    """A file that DuckDB can read: this one, or a copy of a GB18030 one.

    Raises `UnicodeError` for what neither reads, or where there is a NUL.
    """
    try:
        _decode(path, "utf-8", None)
        return path
    except UnicodeDecodeError:
        copy = work.folder / "utf8.txt"
        _decode(path, "gb18030", copy)
        return copy


def _decode(path: Path, encoding: str, copy: Path | None) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file, (copy or Path("/dev/null")).open("wb") as out:
        while True:
            chunk = file.read(_CHUNK)
            text = decoder.decode(chunk, final=not chunk)
            if b"\0" in chunk:
                raise UnicodeError("NUL")
            if copy is not None:
                out.write(text.encode())
            if not chunk:
                return


def _by_reader(
    work: Workspace, name: str, source: Source, fields: Sequence[Field], key: str
) -> Staged:
    """Stage what Python has read: workbooks, and files that DuckDB does not take."""
    import pyarrow as pa

    data = read_bytes(source.path)
    table = read_table(source.path, data, source.sheet)
    matched = match_columns(Path(str(source)), table.names, fields, ())
    columns: dict[str, Any] = {}
    rounded = False
    for field in fields:
        column = table.column(matched.columns[field.name])
        cells = [_shown(cell, field) for cell in column.cells]
        rounded |= field.name == key and any(map(is_rounded, column.cells))
        codes = pa.array(column.codes, pa.int32())
        columns[field.name] = pa.array(cells, pa.large_string()).take(codes)
    columns[ROW] = pa.array(list(table.numbers()), pa.int64())
    work.keep(name, pa.table(columns))
    return Staged(name, quoted(ROW), matched.warnings, rounded)


def _shown(cell: Any, field: Field) -> str | None:
    from qc_runtime.records.load import flat

    return display(flat(cell, field))
