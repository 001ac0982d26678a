"""Every key once in the whole of the data, although no process ever sees all of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qc_compiler.program import Program
from qc_compiler.values import ROW
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.dataset import Dataset
from qc_runtime.bulk.matching import given_fields
from qc_runtime.bulk.staged import KEY, Rows, folded_key, sorting, speaking, streamed
from qc_runtime.records.faults import listed
from qc_runtime.report.atomic import atomic_path
from qc_runtime.tables.workspace import Workspace, quoted

_CHECKED = "keys-are-distinct"
_SHOWN = 5


def check_keys(program: Program, dataset: Dataset, folder: Path) -> None:
    """Raise `QcError` (QC412) where two cases have one key; what was once found good is."""
    if (folder / _CHECKED).exists():
        return
    key = [field for field in given_fields(program) if field.name == program.key]
    with sorting(folder) as work:
        rows = streamed(work, dataset, key, program.key, as_text=True)
        check_distinct(work, rows, dataset.address)
    folder.mkdir(mode=0o700, exist_ok=True)
    with atomic_path(folder / _CHECKED) as path:
        path.write_bytes(b"")


def check_distinct(work: Workspace, rows: Rows, address: str, *, fold: bool = False) -> None:
    """The same for rows. Where tables hang on them, keys that fold to one are one key."""
    one = folded_key() if fold else quoted(KEY)
    key, row = quoted(KEY), quoted(ROW)
    query = f"""SELECT min({key}), min({row}), max({row}) {rows.origin}
        WHERE {key} IS NOT NULL GROUP BY {one} HAVING count(*) > 1 ORDER BY 2 LIMIT {_SHOWN}"""
    with speaking(Path(address), rows):
        found = work.rows(query)
    if found:
        raise QcError(_duplicates(address, found))


def _duplicates(address: str, found: Sequence[tuple[str, int, int]]) -> Diagnostic:
    zh = listed([f"“{key[:40]}”（第 {one} 行和第 {two} 行）" for key, one, two in found])
    en = listed([f"“{key[:40]}” (rows {one} and {two})" for key, one, two in found])
    message = Text(f"主键重复：{zh.zh}", f"The same key more than once: {en.en}")
    help_ = Text(
        "一行是一例，主键不能重复。行号从数据集的第一个文件数起。",
        "A row is a record and keys differ. Rows are counted from the dataset's first file.",
    )
    return Diagnostic("QC412", message, help=help_, place=Text(address, address))
