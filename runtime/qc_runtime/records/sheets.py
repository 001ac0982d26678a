"""Workbooks: a sheet, by default the first visible one, of an XLSX, XLSM, XLSB, XLS or ODS file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import python_calamine as calamine

from qc_dsl.errors import QcError
from qc_dsl.lang import Text
from qc_runtime.records.faults import fault
from qc_runtime.records.table import Table, encode


def read_sheet(path: Path, data: bytes, sheet: str | None = None) -> Table:
    """The table on a sheet, its first filled row being the header. Raises `QcError`."""
    with _readable(path):
        book = calamine.load_workbook(io.BytesIO(data))
        name = (_visible(book) or book.sheet_names)[0] if sheet is None else sheet
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    filled = [i for i, row in enumerate(rows) if any(cell != "" for cell in row)]
    if not filled:
        return Table((), 0, lambda i: encode(()), lambda: ())
    header, body = rows[filled[0]], filled[1:]
    return Table(
        tuple(_name(cell) for cell in header),
        len(body),
        lambda i: encode(_cell(rows[at][i]) for at in body),
        lambda: [at + 1 for at in body],
    )


def _name(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _cell(cell: Any) -> Any:
    """A cell as Excel shows it: TRUE, not True; nothing, not empty text."""
    if isinstance(cell, bool):
        return str(cell).upper()
    return None if cell == "" else cell


def sheet_names(path: Path, data: bytes) -> list[str]:
    """The visible sheets that hold cells, in their order. Raises `QcError`."""
    with _readable(path):
        return _visible(calamine.load_workbook(io.BytesIO(data)))


def _visible(book: calamine.CalamineWorkbook) -> list[str]:
    return [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == calamine.SheetVisibleEnum.Visible
        and sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except calamine.PasswordError:
        message = Text("工作簿有密码", "The workbook is protected by a password")
        help_ = Text("请去掉密码后另存。", "Save it without the password.")
        raise QcError(fault("QC406", path, message, help_)) from None
    except Exception:  # a damaged file may fail anywhere in the reader, even by a panic
        message = Text("工作簿已损坏或不完整", "The workbook is damaged or incomplete")
        help_ = Text(
            "请用 Excel 打开并另存为 .xlsx，或重新导出。",
            "Open it in Excel and save it as .xlsx, or export it again.",
        )
        raise QcError(fault("QC406", path, message, help_)) from None
