"""Texts as an editor has them: lines and columns counted its way, files that are not saved yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

from qc_dsl.files import read_included
from qc_dsl.source import Source, Span

Encoding = types.PositionEncodingKind | str


def source_of(path: str, text: str) -> Source:
    """A text as the reader takes it: every end of a line is one character, halves of characters
    are replaced."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return Source(path, _HALF.sub("\ufffd", lines))


_HALF = re.compile("[\ud800-\udfff]")


def units(text: str, encoding: Encoding) -> int:
    """How long a text is in the units of a protocol's columns."""
    if encoding == types.PositionEncodingKind.Utf32:
        return len(text)
    if encoding == types.PositionEncodingKind.Utf8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) if text.isascii() else len(text) + sum(ch > "\uffff" for ch in text)


def position_of(source: Source, offset: int, encoding: Encoding) -> types.Position:
    """The place of a character, lines and columns from 0."""
    line, column = source.position(min(offset, len(source.text)))
    before = source.line(line)[: column - 1]
    return types.Position(line - 1, units(before, encoding))


def range_of(span: Span, encoding: Encoding) -> types.Range:
    return types.Range(
        position_of(span.source, span.start, encoding),
        position_of(span.source, span.end, encoding),
    )


def offset_of(source: Source, position: types.Position, encoding: Encoding) -> int:
    """The character at a place; a line or column beyond the text is taken as its end."""
    if position.line >= len(source.starts):
        return len(source.text)
    line = source.line(position.line + 1)
    passed = at = 0
    while at < len(line) and passed < position.character:
        passed += units(line[at], encoding)
        at += 1
    return source.starts[position.line] + at


def path_of(uri: str) -> Path:
    """The file that an address names; for one that names no file, the address itself."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path) if path else Path(uri)


def uri_of(path: str | Path, known: Mapping[Path, str]) -> str:
    """The address of a file, as the editor wrote it where it did."""
    return known.get(Path(path)) or from_fs_path(str(path)) or str(path)


@dataclass(frozen=True)
class Buffers:
    """What is open in the editor, by path: its address and its text. Other files are on disk."""

    uris: Mapping[Path, str]
    texts: Mapping[Path, str]

    def load(self, path: Path) -> bytes:
        """A file's bytes as `qc_dsl.files.Load` wants them. Raises `OSError`."""
        if path in self.texts:
            return source_of(str(path), self.texts[path]).text.encode()
        return read_included(path)

    def source(self, path: Path) -> Source | None:
        """A file that is open; `None` for others."""
        return source_of(str(path), self.texts[path]) if path in self.texts else None
