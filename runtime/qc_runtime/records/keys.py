"""The keys of the records: each there, each once, none rounded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.records.faults import fault, listed
from qc_runtime.records.table import Column, Numbers

_EXACT = 2**53  # from here on a spreadsheet's number no longer holds every integer


def check_keys(
    path: Path, column: Column, shown: Sequence[str | None], number_of: Numbers
) -> list[str]:
    """The key of every record, ``shown`` being its distinct cells. Raises `QcError`."""
    keys = [shown[code] for code in column.codes]
    whole = [key for key in keys if key is not None]
    faults = [
        _blank(path, keys, number_of) if len(whole) < len(keys) else None,
        _rounded(path, column, number_of) if any(map(is_rounded, column.cells)) else None,
        _duplicate(path, keys, number_of) if len(set(whole)) < len(whole) else None,
    ]
    if found := [one for one in faults if one]:
        raise QcError(*found)
    return whole


def is_rounded(cell: object) -> bool:
    return isinstance(cell, float) and abs(cell) >= _EXACT


def _blank(path: Path, keys: Sequence[str | None], number_of: Numbers) -> Diagnostic:
    rows = [number_of(i) for i, key in enumerate(keys) if key is None]
    where = listed([str(row) for row in rows])
    message = Text(
        f"{len(rows)} 行没有主键：第 {where.zh} 行", f"{len(rows)} rows have no key: {where.en}"
    )
    help_ = Text("每一行都要有主键。", "Every row needs a key.")
    return fault("QC411", path, message, help_)


def _duplicate(path: Path, keys: Sequence[str | None], number_of: Numbers) -> Diagnostic:
    first: dict[str, int] = {}
    again: list[tuple[str, int, int]] = []
    for i, key in enumerate(keys):
        if key is not None and (at := first.setdefault(key, i)) != i:
            again.append((key[:40], number_of(at), number_of(i)))
    zh = listed([f"“{key}”（第 {one} 行和第 {two} 行）" for key, one, two in again])
    en = listed([f"“{key}” (rows {one} and {two})" for key, one, two in again])
    message = Text(f"主键重复：{zh.zh}", f"The same key more than once: {en.en}")
    help_ = Text(
        "一行是一例，主键不能重复。同一病人多次住院时，请用每次住院不同的编号作主键。",
        "A row is a record and keys differ. Use an id that differs for each stay.",
    )
    return fault("QC412", path, message, help_)


def _rounded(path: Path, column: Column, number_of: Numbers) -> Diagnostic:
    wrong = {code for code, cell in enumerate(column.cells) if is_rounded(cell)}
    rows = [str(number_of(i)) for i, code in enumerate(column.codes) if code in wrong]
    where = listed(rows)
    message = Text(
        f"主键是超过 15 位的数字，Excel 已丢失末尾几位：第 {where.zh} 行",
        f"Keys are numbers of over 15 digits, whose last digits Excel has lost: rows {where.en}",
    )
    help_ = Text(
        "请从原系统重新导出，并把这一列设为文本格式。",
        "Export it again with this column formatted as text.",
    )
    return fault("QC414", path, message, help_)
