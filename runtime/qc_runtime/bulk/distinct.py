"""Every key once in the whole of the data, although no process ever sees all of it.

First the keys' hashes are counted: a few bytes a record, on disk where that is too much. Only
rows whose hash is there twice are then looked at themselves, in a second pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qc_compiler.program import Program
from qc_compiler.values import ROW
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.dataset import Dataset
from qc_runtime.bulk.matching import given_fields
from qc_runtime.bulk.staged import (
    KEY,
    ONE_STREAM,
    Rows,
    folded_key,
    sorting,
    speaking,
    streamed,
)
from qc_runtime.records.faults import listed
from qc_runtime.report.atomic import atomic_path
from qc_runtime.tables.workspace import Workspace, quoted

_CHECKED = "keys-are-distinct"
_SHOWN = 5
_SUSPECTS = 100  # hashes looked at: of 100 million keys, one pair has the same one by chance


def check_keys(program: Program, dataset: Dataset, folder: Path) -> None:
    """Raise `QcError` (QC412) where two cases have one key; what was once found good is."""
    if (folder / _CHECKED).exists():
        return
    key = [field for field in given_fields(program) if field.name == program.key]
    with sorting(folder, ONE_STREAM) as work:

        def again() -> Rows:
            return streamed(work, dataset, key, program.key, as_text=True)

        check_distinct(work, again, dataset.address)
    folder.mkdir(mode=0o700, exist_ok=True)
    with atomic_path(folder / _CHECKED) as path:
        path.write_bytes(b"")


def check_distinct(
    work: Workspace, again: Callable[[], Rows], address: str, *, fold: bool = False
) -> None:
    """The same for rows, which ``again`` gives from the beginning.

    Where tables hang on them, keys that fold to one are one key.
    """
    one = folded_key() if fold else quoted(KEY)
    key, row = quoted(KEY), quoted(ROW)
    twice = "HAVING count(*) > 1 ORDER BY"
    suspects = _first(
        (work, again(), address),
        f"SELECT hash({one}) AS h",
        f"WHERE {key} IS NOT NULL GROUP BY h {twice} min({row}) LIMIT {_SUSPECTS}",
    )
    if not suspects:
        return
    hashes = ", ".join(str(number) for (number,) in suspects)
    found = _first(
        (work, again(), address),
        f"SELECT min({key}), min({row}), max({row})",
        f"WHERE hash({one}) IN ({hashes}) GROUP BY {one} {twice} 2 LIMIT {_SHOWN}",
    )
    if found:
        raise QcError(_duplicates(address, found))


def _first(what: tuple[Workspace, Rows, str], select: str, rest: str) -> list[tuple[object, ...]]:
    work, rows, address = what
    with speaking(Path(address), rows):
        return work.rows(f"{select} {rows.origin} {rest}")


def _duplicates(address: str, found: Sequence[tuple[object, ...]]) -> Diagnostic:
    zh = listed([f"“{str(key)[:40]}”（第 {one} 行和第 {two} 行）" for key, one, two in found])
    en = listed([f"“{str(key)[:40]}” (rows {one} and {two})" for key, one, two in found])
    message = Text(f"主键重复：{zh.zh}", f"The same key more than once: {en.en}")
    help_ = Text(
        "一行是一例，主键不能重复。行号从数据集的第一个文件数起。",
        "A row is a record and keys differ. Rows are counted from the dataset's first file.",
    )
    return Diagnostic("QC412", message, help=help_, place=Text(address, address))
