"""The canonical spelling of a rulebook's file, everything else as its author left it.

Changes are spans of the file's text: sentences in the canonical words of the language, and with
another language its keys too. Comments, blank lines, YAML layout, names and texts stay.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from rich.cells import cell_len

from qc_dsl import ast
from qc_dsl.emitted import emitted, is_flow, reads_back
from qc_dsl.errors import Diagnostic, Errors, QcError
from qc_dsl.files import Load, read_included
from qc_dsl.lang import Lang, Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.names import lexicon_of
from qc_dsl.parts import collect
from qc_dsl.printer import print_condition, print_sentence
from qc_dsl.respell import Piece, WordOrderError, breaks, changed, is_in, respell, text_of
from qc_dsl.sentence import parse_condition, parse_sentence
from qc_dsl.sentence_file import heading_edits
from qc_dsl.shapes import SECTIONS, PartShape, RulebookShape
from qc_dsl.source import Source
from qc_dsl.stretches import Edit, apply, bounds, stretch
from qc_dsl.translate import key_edits
from qc_dsl.yaml_reader import Mapping, Node, Scalar, read_yaml, section

WIDEST = 100  # columns beyond which an obligation of one line is broken over lines


def format_text(
    source: Source, lang: Lang | None = None, within: Source | None = None, load: Load | None = None
) -> str:
    """A file's text in canonical spelling; with ``lang`` its keywords in that language.

    ``within`` is the rulebook that includes the file, where the file is none itself. Raises
    `QcError` where the file's sentences cannot be read.
    """
    return apply(source.text, format_edits(source, lang, within, load))


def format_edits(
    source: Source, lang: Lang | None = None, within: Source | None = None, load: Load | None = None
) -> list[Edit]:
    """The changes that `format_text` makes, in the order of the text."""
    root, lexicon = _read(source, within, load or read_included)
    edits = [
        edit
        for scalar, is_sentence, flow in sentences(root)
        for edit in _Formatting(lexicon, lang, is_sentence, flow).edits(scalar)
    ]
    if lang is not None:
        shape = RulebookShape if within is None else PartShape
        is_yaml = not source.path.lower().endswith(".qc")
        edits += key_edits(root, shape, lang) if is_yaml else heading_edits(source, lang)
    return sorted(edits)


def _read(source: Source, within: Source | None, load: Load) -> tuple[Mapping, Lexicon]:
    """The tree of a file, and the words of the rulebook that it belongs to."""
    errors = Errors()
    parts = collect(read_yaml(within or source), load, errors)
    errors.raise_any()
    found = [root for root in parts.roots if same_file(root.span.source, source)]
    if not found:
        raise QcError(not_included(source, within or source))
    return found[0], lexicon_of(*parts.roots, groups=parts.groups)


def same_file(one: Source, other: Source) -> bool:
    return os.path.abspath(one.path) == os.path.abspath(other.path)


def not_included(source: Source, within: Source) -> Diagnostic:
    return Diagnostic(
        "QC651",
        Text(
            f"规则集“{within.path}”没有引用这个文件",
            f"The rulebook “{within.path}” does not include this file",
        ),
        place=Text(source.path, source.path),
    )


def sentences(root: Mapping) -> Iterator[tuple[Scalar, bool, bool]]:
    """Every sentence and condition of a file: its text, whether it is a sentence, and whether
    it stands within braces."""
    for value, flow in _values(root, "说法", "phrases"):
        if isinstance(value, Scalar):
            yield value, False, flow
    for keys in SECTIONS.values():
        whole = root.get(*keys)
        if isinstance(whole, Scalar):
            yield whole, True, is_flow(root)
        for value, flow in _values(root, *keys):
            yield from _of_rule(value, flow)


def _values(node: Mapping, *keys: str) -> Iterator[tuple[Node, bool]]:
    under = node.get(*keys)
    flow = is_flow(node) or (isinstance(under, Mapping) and is_flow(under))
    return ((value, flow) for _, value in section(node, *keys))


def _of_rule(value: Node, flow: bool) -> Iterator[tuple[Scalar, bool, bool]]:
    if isinstance(value, Scalar):
        yield value, True, flow
    if isinstance(value, Mapping):
        text = value.get("句", "sentence")
        if isinstance(text, Scalar):
            yield text, True, flow or is_flow(value)
        for condition, inside in _values(value, "除外", "exceptions"):
            if isinstance(condition, Scalar):
                yield condition, False, flow or inside


class _Formatting:
    """How the sentences of one place are formatted."""

    def __init__(self, lexicon: Lexicon, lang: Lang | None, is_sentence: bool, flow: bool) -> None:
        self.lexicon, self.lang = lexicon, lang
        self.is_sentence, self.flow = is_sentence, flow

    def edits(self, scalar: Scalar) -> Iterator[Edit]:
        """The changes of one sentence. Raises `QcError` where it cannot be read."""
        if not scalar.value.strip():
            return
        tree = self.parse(scalar, scalar.value)
        try:
            pieces = respell(scalar, self.lexicon, self.lang)
            text = text_of(scalar, pieces)
            same = self.means(scalar, text, tree)
        except WordOrderError:
            same = False
        if not same:
            yield from self.printed(scalar, tree)
        elif not scalar.offsets or not self.fits(scalar, text):
            yield from self.whole(scalar, text)
        else:
            broken = self.broken(scalar, pieces)
            yield from (
                Edit(*bounds(scalar, p.start, p.end), p.text) for p in changed(scalar, broken)
            )

    def parse(self, scalar: Scalar, text: str) -> ast.Sentence | ast.Condition:
        """The tree of a text that is to stand where a sentence does."""
        at = scalar if text == scalar.value else Scalar(text, scalar.span)
        parse = parse_sentence if self.is_sentence else parse_condition
        return parse(at, self.lexicon)

    def means(self, scalar: Scalar, text: str, tree: ast.Sentence | ast.Condition) -> bool:
        try:
            return self.parse(scalar, text) == tree
        except QcError:
            return False

    def fits(self, scalar: Scalar, text: str) -> bool:
        """Whether a text may stand as this value does: without quotes, not all may."""
        return scalar.style is not None or reads_back(text, flow=self.flow)

    def whole(self, scalar: Scalar, text: str) -> Iterator[Edit]:
        if text != scalar.value:
            new = emitted(text, scalar, flow=self.flow)
            yield Edit(scalar.span.start, scalar.span.end, new)

    def broken(self, scalar: Scalar, pieces: list[Piece]) -> list[Piece]:
        """The pieces, with line breaks in an obligation that is one long line of a block."""
        long = cell_len(text_of(scalar, pieces).strip()) > WIDEST
        if scalar.style != "|" or "\n" in written(scalar) or not long:
            return pieces
        places, line = set(breaks(scalar, self.lexicon)), f"\n{indent_of(scalar)}"
        return [
            replace(p, text=p.text.rstrip() + line) if p.end in places and _is_gap(p, scalar) else p
            for p in pieces
        ]

    def printed(self, scalar: Scalar, tree: ast.Sentence | ast.Condition) -> Iterator[Edit]:
        """The sentence as the printer writes it, in the other language."""
        if self.lang is None or is_in(scalar, self.lexicon, self.lang):
            return  # a sentence that cannot be respelt stays as it is
        text = print_tree(tree, self.lang)
        if scalar.style != "|":
            yield from self.whole(scalar, text)
            return
        if "\n" in written(scalar) or cell_len(text) > WIDEST:
            text = self.over_lines(scalar, text)
        notes = (f"\n{indent_of(scalar)}{note}" for note in notes_within(scalar))
        start, end = bounds(scalar, *_ends(scalar))
        yield Edit(start, end, "".join((text, *notes)))

    def over_lines(self, scalar: Scalar, text: str) -> str:
        lines, at = [], 0
        for place in breaks(Scalar(text, scalar.span), self.lexicon):
            lines.append(text[at:place].rstrip())
            at = place
        return f"\n{indent_of(scalar)}".join(filter(None, (*lines, text[at:])))


def _is_gap(piece: Piece, scalar: Scalar) -> bool:
    """Whether a piece stands between words: nothing but space and punctuation."""
    return not scalar.value[piece.start : piece.end].strip(" \t　,;:.，；：。")


def _ends(scalar: Scalar) -> tuple[int, int]:
    """The value's characters without the white space around it."""
    return len(scalar.value) - len(scalar.value.lstrip()), len(scalar.value.rstrip())


def written(scalar: Scalar) -> str:
    """How a value is written, without the white space around it."""
    start, end = bounds(scalar, *_ends(scalar))
    return scalar.span.source.text[start:end]


def notes_within(scalar: Scalar) -> list[str]:
    """The comments between the lines of a sentence of a ``.qc`` file."""
    lines = (i for i, ch in enumerate(scalar.value) if ch == "\n" and 0 < i < len(scalar.value) - 1)
    return [note for i in lines for note in re.findall(r"#.*", stretch(scalar, i, i + 1))]


def indent_of(scalar: Scalar) -> str:
    """What the further lines of a sentence begin with."""
    source, first = scalar.span.source, scalar.offsets[_ends(scalar)[0]]
    line = source.text[source.text.rfind("\n", 0, first) + 1 : first]
    return "  " if line.strip() else line


def print_tree(tree: ast.Sentence | ast.Condition, lang: Lang) -> str:
    if isinstance(tree, (ast.Gate, ast.Equivalence, ast.Obligation)):
        return print_sentence(tree, lang)
    return print_condition(tree, lang)
