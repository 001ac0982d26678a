"""CSV and TSV: parsed by Arrow, every cell text; diagnosed row by row only when it is wrong."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.records.decode import to_utf8
from qc_runtime.records.faults import SHOWN, fault
from qc_runtime.records.table import Coded, Table, plain

_BLOCK = 1 << 25  # bytes; a row must fit into one
_LARGEST_CELL = 2**31 - 1
_DELIMITERS = (",", "\t", ";", "|")


def read_delimited(path: Path, data: bytes, delimiter: str | None) -> Table:
    """A table of text cells; without a delimiter the header tells it. Raises `QcError`."""
    text = to_utf8(path, data)
    delimiter = delimiter or _sniff(text)
    header = _header(text, delimiter)
    if not header:
        return Table((), 0, lambda i: Coded(array("i"), []), lambda: ())
    if b'"' in text:
        _check_quotes(path, text, delimiter)
    table = _parse(path, text, delimiter, len(header)).slice(1)
    return Table(
        tuple(header),
        table.num_rows,
        lambda i: coded(table.column(i)),
        lambda: _numbers(text, delimiter),
    )


def _rows(text: bytes, delimiter: str, strict: bool = False) -> Iterator[list[str]]:
    """Rows as Python's csv module reads them; a blank line is an empty row."""
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    return _read(lines, delimiter, strict)


def _read(lines: Iterable[str], delimiter: str, strict: bool = False) -> Iterator[list[str]]:
    csv.field_size_limit(_LARGEST_CELL)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _header(text: bytes, delimiter: str) -> list[str]:
    return next(filter(None, _rows(text, delimiter)), [])


def _sniff(text: bytes) -> str:
    """The delimiter that parts the header into most columns; a comma unless another does."""
    return max(_DELIMITERS, key=lambda one: len(_header(text, one)))


def _numbers(text: bytes, delimiter: str) -> Sequence[int]:
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    return list(row_numbers(lines, delimiter))


def row_numbers(lines: Iterable[str], delimiter: str) -> Iterator[int]:
    """The numbers of the rows below the header as a spreadsheet counts: blank lines too.

    ``lines`` keep their line ends; a quoted cell may go over several and is still in one row.
    """
    filled = (number for number, row in enumerate(_read(lines, delimiter), 1) if row)
    return islice(filled, 1, None)


def _check_quotes(path: Path, text: bytes, delimiter: str) -> None:
    """A quote that is never closed swallows the rows after it: refuse it, do not lose them."""
    number = 0
    try:
        for _ in _rows(text, delimiter, strict=True):
            number += 1
    except csv.Error:
        message = Text("引号没有成对", "The quotes in this row do not pair up")
        help_ = Text(
            '单元格里的双引号要写成两个（""），整个单元格再用双引号括起来。',
            'A double quote inside a cell is written twice (""), and the cell put in quotes.',
        )
        raise QcError(fault("QC405", path, message, help_, number + 1)) from None


def _parse(path: Path, text: bytes, delimiter: str, width: int) -> pa.Table:
    """The header row and all others as text columns named 0, 1, …"""
    try:
        return _arrow(text, delimiter, width, _BLOCK)
    except pa.ArrowInvalid as error:  # its message shows the row, so it is not passed on
        if faults := _ragged(path, text, delimiter, width):
            raise QcError(*faults) from None
        if "straddl" in str(error) and len(text) > _BLOCK:
            return _arrow(text, delimiter, width, min(len(text) + 1, _LARGEST_CELL))
        message = Text("表格无法解析", "The table cannot be parsed")
        raise QcError(fault("QC405", path, message)) from None


def _arrow(text: bytes, delimiter: str, width: int, block: int) -> pa.Table:
    names = [str(i) for i in range(width)]
    return pa_csv.read_csv(
        pa.py_buffer(text),
        read_options=pa_csv.ReadOptions(column_names=names, block_size=block),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
        ),
    )


def _ragged(path: Path, text: bytes, delimiter: str, width: int) -> list[Diagnostic]:
    wrong = [
        (number, len(row))
        for number, row in enumerate(_rows(text, delimiter), 1)
        if row and len(row) != width
    ]
    help_ = Text(
        f"共有 {len(wrong)} 行列数不对。单元格里有逗号、换行时，要用双引号括起来。",
        f"{len(wrong)} rows are like this. A cell with a comma or a line end must be in quotes.",
    )
    return [
        fault(
            "QC405",
            path,
            Text(f"应有 {width} 列，实有 {found} 列", f"Expected {width} columns, found {found}"),
            help_ if at == 0 else None,
            number,
        )
        for at, (number, found) in enumerate(wrong[:SHOWN])
    ]


def coded(column: pa.ChunkedArray) -> Coded:
    """An Arrow column of simple values, dictionary-encoded."""
    # In one piece: Arrow does not unify the dictionaries of several that have nulls.
    merged = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    codes, indices = array("i"), merged.indices
    codes.frombytes(memoryview(indices.buffers()[1])[indices.offset * 4 :][: len(indices) * 4])
    cells = merged.dictionary.to_pylist()
    if pa.types.is_large_string(column.type):
        return Coded(codes, cells)  # Arrow's text is valid Unicode already
    return Coded(codes, [plain(cell) for cell in cells])
