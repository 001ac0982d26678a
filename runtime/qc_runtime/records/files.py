"""Which reader a file is for: told by its first bytes, then by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.records.delimited import read_delimited
from qc_runtime.records.faults import fault
from qc_runtime.records.jsonlines import read_jsonl
from qc_runtime.records.table import Table

Kind = Literal["sheet", "parquet", "jsonl", "delimited"]
_SHEETS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
_DELIMITED = {".csv": None, ".txt": None, ".tsv": "\t", ".tab": "\t"}
_JSONL = {".jsonl", ".ndjson"}
_KNOWN = Text(
    "可以用：CSV、TSV、XLSX、XLS、ODS、Parquet、JSONL。",
    "What is read: CSV, TSV, XLSX, XLS, ODS, Parquet, JSONL.",
)


def read_bytes(path: Path, count: int = -1) -> bytes:
    """The bytes of a data file, or the first ``count`` of them. Raises `QcError`."""
    if not path.exists():
        raise QcError(fault("QC401", path, Text("没有这个文件", "No such file")))
    if not path.is_file():
        message = Text("这不是文件，请写到具体的数据文件", "This is not a file; name a data file")
        raise QcError(fault("QC401", path, message))
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = Text(f"文件读不出来（{reason}）", f"The file cannot be read ({reason})")
        raise QcError(fault("QC401", path, message)) from None


def kind_of(path: Path, head: bytes) -> Kind:
    """The reader for a file that begins with these bytes. Raises `QcError` (QC402, QC406)."""
    suffix = path.suffix.lower()
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "sheet"
    if head.startswith(b"PAR1") or suffix in {".parquet", ".pq"}:
        return "parquet"
    if suffix in _SHEETS:
        raise QcError(_not_a_workbook(path, head))
    if suffix in _JSONL:
        return "jsonl"
    if suffix in _DELIMITED:
        return "delimited"
    raise QcError(_unknown(path, suffix))


def delimiter_of(path: Path) -> str | None:
    """The delimiter that a file's suffix tells; `None`: its header does."""
    return _DELIMITED.get(path.suffix.lower())


def is_data_file(path: Path) -> bool:
    """Whether a file of a folder is meant as data, by its suffix."""
    known = {*_SHEETS, *_DELIMITED, *_JSONL, ".parquet", ".pq"}
    return path.is_file() and not path.name.startswith((".", "~$")) and path.suffix.lower() in known


def read_table(path: Path, data: bytes, sheet: str | None = None) -> Table:
    """The table in a data file, ``sheet`` being for workbooks. Raises `QcError`."""
    match kind_of(path, data[:8]):
        case "sheet":
            from qc_runtime.records.sheets import read_sheet

            return read_sheet(path, data, sheet)
        case "parquet":
            from qc_runtime.records.columnar import read_parquet

            return read_parquet(path, data)
        case "jsonl":
            return read_jsonl(path, data)
        case "delimited":
            return read_delimited(path, data, delimiter_of(path))


def _not_a_workbook(path: Path, data: bytes) -> Diagnostic:
    """Hospital systems export HTML and text under the name .xls, and Excel opens them."""
    if not data:
        return fault("QC406", path, Text("文件是空的", "The file is empty"))
    message = Text(
        "后缀是 Excel，内容却不是 Excel 工作簿",
        "The name says Excel, but this is not an Excel workbook",
    )
    help_ = Text(
        "请用 Excel 打开并另存为 .xlsx；若内容是文本表格，请把后缀改为 .csv 或 .tsv。",
        "Open it in Excel and save it as .xlsx; if it is a text table, name it .csv or .tsv.",
    )
    return fault("QC406", path, message, help_)


def _unknown(path: Path, suffix: str) -> Diagnostic:
    if suffix == ".json":
        message = Text("不读 .json，请改为一行一个对象的 .jsonl", "Not .json but .jsonl is read")
    else:
        name = suffix or path.name
        message = Text(f"不认识的文件类型“{name}”", f"Unknown kind of file “{name}”")
    return fault("QC402", path, message, _KNOWN)
