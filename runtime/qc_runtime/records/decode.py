"""The encoding of a text file: UTF-8, with or without a mark, or GB18030. Nothing is guessed."""

from __future__ import annotations

import codecs
from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.records.faults import fault

_WIDE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE = Text(
    "请另存为 UTF-8 编码（Excel：另存为 → CSV UTF-8），再运行。",
    "Save it as UTF-8 (in Excel: Save As, CSV UTF-8) and run again.",
)


def to_utf8(path: Path, data: bytes) -> bytes:
    """The bytes of a text file as valid UTF-8 without a mark. Raises `QcError`."""
    if data.startswith(_WIDE):
        message = Text("文件是 UTF-16 编码", "The file is encoded in UTF-16")
        raise QcError(fault("QC403", path, message, _SAVE))
    data = data.removeprefix(codecs.BOM_UTF8)
    if (at := data.find(0)) >= 0:
        raise QcError(_nul(path, data, at))
    return _valid_utf8(path, data)


def _nul(path: Path, data: bytes, at: int) -> Diagnostic:
    message = Text(
        f"文本里有空字节（NUL），偏移 {at}", f"There is a NUL byte in the text, at offset {at}"
    )
    help_ = Text(
        "文件可能是 UTF-16 编码，或已损坏。请重新导出，或另存为 CSV UTF-8。",
        "The file may be UTF-16, or damaged. Export it again, or save it as CSV UTF-8.",
    )
    return fault("QC404", path, message, help_, _line(data, at))


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _valid_utf8(path: Path, data: bytes) -> bytes:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as utf8:
        try:
            return data.decode("gb18030").encode()
        except UnicodeDecodeError as gb:
            raise QcError(_undecodable(path, data, utf8, gb)) from None
    return data


def _looks_like(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data[: 1 << 16]).best()
    return best.encoding if best else None


def _undecodable(
    path: Path, data: bytes, utf8: UnicodeDecodeError, gb: UnicodeDecodeError
) -> Diagnostic:
    """Where decoding stops, for the encoding that reads further: that is likely the right one."""
    name, at = ("UTF-8", utf8.start) if utf8.start >= gb.start else ("GB18030", gb.start)
    message = Text(
        f"编码既不是 UTF-8 也不是 GB18030：按 {name} 读到偏移 {at} 处的字节 0x{data[at]:02X} 为止",
        f"Neither UTF-8 nor GB18030: as {name} it reads up to byte 0x{data[at]:02X} at offset {at}",
    )
    guess = _looks_like(data)
    help_ = Text(
        _SAVE.zh + (f"看起来像 {guess}。" if guess else ""),
        _SAVE.en + (f" It looks like {guess}." if guess else ""),
    )
    return fault("QC403", path, message, help_, _line(data, at))
