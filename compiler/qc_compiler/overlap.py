"""Of the words of a list that a text holds: those that stand there by themselves.

A list may hold 头孢 and 头孢呋辛. Where a text says 头孢呋辛, that is what it says; 头孢 is quoted
only where it stands outside the longer word too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qc_compiler import ir
from qc_compiler.interpret import items
from qc_compiler.values import Record


def outermost(parts: Sequence[ir.Expr], record: Record) -> list[ir.Expr]:
    """True alternatives without those 包含 that only say part of what another one says."""
    words: dict[ir.Column, set[str]] = {}
    for part in parts:
        if isinstance(part, ir.Contains):
            words.setdefault(part.column, set()).add(part.text)
    kept = {column: _maximal(found, column, record) for column, found in words.items()}
    return [
        part
        for part in parts
        if not isinstance(part, ir.Contains) or part.text in kept[part.column]
    ]


def _maximal(words: set[str], column: ir.Column, record: Record) -> set[str]:
    """The words that stand somewhere in a column's texts outside every longer one of them."""
    if len(words) < 2:
        return words
    return {
        word
        for text in items(record[column.key])
        for word in words
        if _stands_alone(
            word, [longer for longer in words if longer != word and word in longer], text
        )
    }


def _stands_alone(word: str, longer: list[str], text: str) -> bool:
    covered = [(at, at + len(outer)) for outer in longer for at in _places(outer, text)]
    return any(
        not any(start <= at and at + len(word) <= end for start, end in covered)
        for at in _places(word, text)
    )


def _places(word: str, text: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)
