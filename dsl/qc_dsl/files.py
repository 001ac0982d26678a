"""The files of a rulebook: reading them, and what is wrong when they cannot be read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_dsl.source import Source

MAX_BYTES = 2 * 1024 * 1024
MAX_TERM_BYTES = 16 * 1024 * 1024

# Gives a file's bytes by its path, or raises `OSError`. Tests give texts without files.
Load = Callable[[Path], bytes]


def read_source(path: Path) -> Source:
    """A rulebook file's text: UTF-8, at most 2 MiB."""
    place = Text(str(path), str(path))
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise QcError(_unreadable(error, place)) from None
    if size > MAX_BYTES:
        message = Text(f"文件有 {size:,} 字节，太大了", f"The file has {size:,} bytes: too large")
        help_ = Text("规则集最大 2 MiB；请确认没有选错文件", "A rulebook is at most 2 MiB")
        raise QcError(Diagnostic("QC001", message, help=help_, place=place))
    return decode(path, data)


def decode(path: Path, data: bytes) -> Source:
    """A file's text. Raises `QcError` where it is not UTF-8."""
    try:
        return Source(str(path), data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = len(data[: error.start].rpartition(b"\n")[2].decode("utf-8-sig")) + 1
        place = Text(f"{path}:{line}:{column}", f"{path}:{line}:{column}")
        message = Text(f"第 {line} 行不是 UTF-8 编码", f"Line {line} is not UTF-8")
        help_ = Text("请另存为 UTF-8（记事本：另存为 → 编码 UTF-8）", "Save the file as UTF-8")
        raise QcError(Diagnostic("QC001", message, help=help_, place=place)) from None


def _unreadable(error: OSError, place: Text) -> Diagnostic:
    if isinstance(error, FileNotFoundError):
        message = Text("规则集文件不存在", "There is no such rulebook")
        return Diagnostic("QC001", message, place=place)
    if isinstance(error, IsADirectoryError):
        message = Text("这是文件夹，不是规则集文件", "This is a folder, not a rulebook")
        help_ = Text("请写出文件名，例如 规则/*.yaml", "Name its files, such as rules/*.yaml")
        return Diagnostic("QC001", message, place=place, help=help_)
    message = Text("规则集文件读不了", "The rulebook cannot be read")
    return Diagnostic("QC001", message, place=place)


def read_included(path: Path) -> bytes:
    """The bytes of a file that a rulebook names. Raises `OSError`; never waits for a pipe."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "no ordinary file", str(path))
    if status.st_size > MAX_TERM_BYTES:
        raise OSError(errno.EFBIG, "too large", str(path))
    return path.read_bytes()


def beside(source: Source, name: str) -> Path:
    """The path of a file that another names, relative to it."""
    return Path(os.path.normpath(Path(source.path).parent / name))


def why_not(error: OSError | ValueError, path: Path) -> tuple[Text, Text | None]:
    """Why an included file cannot be read, and what may have been meant."""
    if isinstance(error, FileNotFoundError):
        close = _most_alike(path)
        offer = Text(f"您是否想写“{close}”？", f"Did you mean “{close}”?") if close else None
        start = Text("路径从写它的文件所在的文件夹算起", "Paths start from this file's folder")
        return Text(f"文件“{path}”不存在", f"There is no file “{path}”"), offer or start
    if isinstance(error, IsADirectoryError):
        return Text(f"“{path}”是文件夹", f"“{path}” is a folder"), None
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return Text(f"文件“{path}”太大", f"The file “{path}” is too large"), None
    return Text(f"文件“{path}”读不了", f"The file “{path}” cannot be read"), None


def _most_alike(path: Path) -> str | None:
    """The neighbour of a missing file that it was likely meant to be: one of its kind.

    Names are compared without their endings, which many files share.
    """
    alike = [
        (SequenceMatcher(None, path.stem, name.stem).ratio(), name.name)
        for name in map(Path, sorted(_neighbours(path)))
        if (name.suffix.lower() in _RULES) is (path.suffix.lower() in _RULES)
    ]
    ratio, best = max(alike, key=lambda item: item[0], default=(0.0, ""))
    return best if ratio >= _ALIKE else None


_RULES = (".yaml", ".yml", ".qc")  # what may be included; everything else holds terms
_ALIKE = 0.6


def _neighbours(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except (OSError, ValueError):
        return []
