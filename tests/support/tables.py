"""Cases with tables as files of every kind, and a run over them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

Row = Mapping[str, str | None]
Rows = Sequence[Row]


def csv_text(rows: Rows, names: Sequence[str] | None = None) -> str:
    """Rows as CSV; the names are those of the first row unless given."""
    out = io.StringIO()
    writer = csv.DictWriter(out, names or list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_csv(path: Path, rows: Rows, encoding: str = "utf-8", names: Sequence[str] = ()) -> Path:
    path.write_bytes(csv_text(rows, names or None).encode(encoding))
    return path


def write_jsonl(path: Path, rows: Rows) -> Path:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_parquet(path: Path, rows: Rows) -> Path:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def write_book(path: Path, sheets: Mapping[str, Rows]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, list(rows[0]))
            for number, row in enumerate(rows, 1):
                sheet.write_row(number, 0, list(row.values()))
    return path


CASES: Rows = (
    {"住院号": "1", "科室": "内科", "入院时间": "2025-01-01 08:00", "现病史": "咳嗽3天",
     "出院时间": "2025-01-05 08:00"},
    {"住院号": "2", "科室": "内科", "入院时间": "2025-01-01 08:00", "现病史": "摔伤2小时",
     "出院时间": "2025-01-05 08:00"},
    {"住院号": "3", "科室": "日间病房", "入院时间": "2025-01-01 08:00", "现病史": "",
     "出院时间": ""},
    {"住院号": "4", "科室": "外科", "入院时间": "2025-01-01 08:00", "现病史": "咳嗽",
     "出院时间": "2025-01-02 08:00"},
)  # fmt: skip
_ORDER = {"开始时间": "2025-01-02 08:00", "药品": "莫西沙星片", "状态": "已执行", "用途": "静滴"}
ORDERS: Rows = (
    {"住院号": "1", "医嘱号": "A1", **_ORDER, "内容": "0.4g qd"},
    {"住院号": "1", "医嘱号": "A2", **_ORDER, "内容": "滴眼", "用途": "外用"},
    {"住院号": "1", "医嘱号": "A3", **_ORDER, "开始时间": "2025-02-01 08:00", "内容": ""},
    {"住院号": "4", "医嘱号": "A4", **_ORDER, "状态": "停了", "内容": "0.4g"},
    {"住院号": "9", "医嘱号": "A9", **_ORDER, "内容": "x"},
    {"住院号": "", "医嘱号": "A0", **_ORDER, "内容": "y"},
)
NOTES: Rows = (
    {"住院号": "1", "记录时间": "2025-01-03 09:00", "内容": "予拜复乐抗感染，结论：好转"},
    {"住院号": "2", "记录时间": "2025-01-03", "内容": "换药"},
)


def write_folder(folder: Path) -> Path:
    """The cases, orders and notes as a folder with one CSV a table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("病例", CASES), ("医嘱", ORDERS), ("病程", NOTES)):
        write_csv(folder / f"{name}.csv", rows)
    return folder
