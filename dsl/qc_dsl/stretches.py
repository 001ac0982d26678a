"""Where the characters of a value stand in its file, and changes to a file's text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from qc_dsl.yaml_reader import ESCAPED, Scalar


@dataclass(frozen=True, order=True)
class Edit:
    """The characters ``start`` to ``end`` of a file's text become ``text``."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """A text with its edits made; they do not overlap."""
    out, at = [], 0
    for edit in sorted(edits):
        assert edit.start >= at
        out += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join((*out, text[at:]))


def apply_raw(raw: str, edits: Iterable[Edit]) -> str:
    """The same to a text as its file has it, whose lines may end in CR LF or in LF.

    The edits are those of the text without CRs (`qc_dsl.files.decode`).
    """
    ends = [match.start() for match in re.finditer("\r\n", raw)]
    removed = [at - number for number, at in enumerate(ends)]
    line = "\r\n" if ends else "\n"

    def at(offset: int) -> int:
        return offset + bisect_left(removed, offset)

    return apply(raw, (Edit(at(e.start), at(e.end), e.text.replace("\n", line)) for e in edits))


def bounds(scalar: Scalar, start: int, end: int) -> tuple[int, int]:
    """Where the value's characters ``start`` to ``end`` begin and end in the file.

    The value's offsets are known. An empty stretch is the place between its neighbours.
    """
    if start < end:
        return scalar.offsets[start], _after(scalar, end - 1)
    at = _after(scalar, start - 1) if start else scalar.offsets[0]
    return at, at


def _after(scalar: Scalar, index: int) -> int:
    """Where a character ends: some are written as two."""
    text, at = scalar.span.source.text, scalar.offsets[index]
    return at + (2 if text[at : at + 2] in ESCAPED.get(scalar.style or "", ()) else 1)


def own_text(scalar: Scalar, start: int, end: int) -> str:
    """How the characters of a value are written, and nothing around them."""
    if not scalar.offsets:
        return scalar.value[start:end]
    first, last = bounds(scalar, start, end)
    return scalar.span.source.text[first:last]


def stretch(scalar: Scalar, start: int, end: int) -> str:
    """How a part of a value is written, line breaks and comments between included.

    Of a value whose places are not known: the part itself.
    """
    if not scalar.offsets or not 0 < start <= end < len(scalar.value):
        return scalar.value[start:end]
    return scalar.span.source.text[_after(scalar, start - 1) : scalar.offsets[end]]
