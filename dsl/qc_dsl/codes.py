"""What each diagnostic means, with a bad and a good example: read from ``docs/errors.md``.

The page is the one source: it is packed with the program, and in a checkout read where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import cast

from qc_dsl.lang import Lang, Text

_ROW = re.compile(r"^\| (QC\d{3}) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_HEADING = re.compile(r"^### (QC\d{3})$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)-(bad|good) (zh|en)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WARNING = re.compile(r"^（警告）|^\(warning\) ")


@dataclass(frozen=True)
class Example:
    """A piece of a rulebook, of data or of a command line. ``kind``: qc, yaml or sh."""

    kind: str
    good: bool
    lang: Lang
    body: str


@dataclass(frozen=True)
class CodeDoc:
    """A diagnostic's documentation."""

    code: str
    meaning: Text
    warning: bool
    examples: tuple[Example, ...] = ()

    def examples_in(self, lang: Lang) -> tuple[Example, ...]:
        """The examples in a language, bad ones first."""
        found = [example for example in self.examples if example.lang == lang]
        return tuple(sorted(found, key=lambda example: example.good))


@cache
def codes() -> dict[str, CodeDoc]:
    """Every diagnostic, by its code, in the order of the page."""
    return read_page(_page())


def _page() -> str:
    packed = resources.files("qc_dsl").joinpath("errors.md")
    if packed.is_file():
        return packed.read_text("utf-8")
    return (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")


def read_page(text: str) -> dict[str, CodeDoc]:
    """The codes of a page: a table of meanings, then a section of examples for each."""
    examples = dict(_sections(text))
    return {
        code: CodeDoc(
            code,
            Text(_WARNING.sub("", _plain(zh)), _WARNING.sub("", _plain(en))),
            _WARNING.match(zh) is not None,
            examples.get(code, ()),
        )
        for code, zh, en in _ROW.findall(text)
    }


def _plain(cell: str) -> str:
    return cell.replace("\\|", "|")


def _sections(text: str) -> Iterator[tuple[str, tuple[Example, ...]]]:
    _, *parts = _HEADING.split(text)
    for code, body in zip(parts[::2], parts[1::2], strict=True):
        blocks = _BLOCK.findall(body)
        yield code, tuple(Example(k, g == "good", cast(Lang, at), b) for k, g, at, b in blocks)
