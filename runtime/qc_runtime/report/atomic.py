"""Files that are either whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text

_HELP = Text(
    "请检查磁盘空间和写权限；若文件正在 Excel 中打开，请先关闭。",
    "Check the disk's free space and your rights; close the file if it is open in Excel.",
)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name (mode 0600, same folder) that becomes ``path`` when all went well.

    On any error the temporary file goes and ``path`` stays as it was. What the system refuses
    is a `QcError` with code QC605.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            yield Path(name)
            _sync(Path(name))
            os.replace(name, path)
            _sync(path.parent)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise QcError(unwritable(path, error)) from error


def unwritable(path: Path, error: Exception) -> Diagnostic:
    """Why a result could not be written."""
    reason = getattr(error, "strerror", None) or str(error)
    message = Text(f"结果写不进去（{reason}）", f"The result cannot be written ({reason})")
    return Diagnostic("QC605", message, help=_HELP, place=Text(str(path), str(path)))


def _sync(path: Path) -> None:
    """Have the disk hold a file, or a folder's names, before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
