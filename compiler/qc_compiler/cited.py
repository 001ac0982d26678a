"""What a single predicate rests on, quoted from the record.

What a text does not say cannot be quoted. What a predicate found can, and so can every cell that
it compared whole: a time, a number, a name, a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from qc_compiler import ir
from qc_compiler.found import Quote
from qc_compiler.interpret import affirmed_items, compile_pattern, items
from qc_compiler.quote import find_quote
from qc_compiler.sides import LEFT, RIGHT
from qc_compiler.terms import Terms
from qc_compiler.values import ITEM_MARK, Record
from qc_compiler.windows import Bounds, span_of

Display = Mapping[Any, Any]  # like a record: under a column's key its text as written, or None
_PLAIN = re.compile(r"#\d+(?=\.)")  # how a table's second row variable differs from its name
_LONGEST = 60  # characters of a cell that was compared whole; of a longer one its beginning
_WHOLE = (ir.Compare, ir.Lasts, ir.SameText, ir.Long, ir.Items)


def cited(expr: ir.Expr, truth: bool, record: Record, display: Display) -> Iterator[Quote]:
    """The pieces of the record that made a predicate true or false."""
    yield from _times(expr, record, display)
    yield from _cells(expr, truth, display)
    if truth:
        yield from _texts(expr, record, display)


def name_of(column: ir.Column) -> str:
    """A column as people know it: one of a table's second row, ``病程#2.内容``, by the table."""
    return _PLAIN.sub("", column.key)


def written(column: ir.Column, display: Display) -> str:
    """What stands in a column, the empty text where nothing does."""
    return str(display.get(column.key) or "")


def _times(expr: ir.Expr, record: Record, display: Display) -> Iterator[Quote]:
    """The times that were compared, the first with its window."""
    if (span := span_of(expr)) is None and not isinstance(expr, (ir.Before, ir.Gap)):
        return
    window = Bounds((span,)).window(record) if isinstance(expr, ir.WithinWindow) and span else None
    sides = [getattr(expr, name, None) for name in ("left", "right", "column", "anchor", "other")]
    for at, column in enumerate(side for side in sides if isinstance(side, ir.Column)):
        yield Quote(name_of(column), written(column, display), None if at else window)


def _cells(expr: ir.Expr, truth: bool, display: Display) -> Iterator[Quote]:
    """Cells that were compared whole; one that is blank, or none of the values, if that decides."""
    if isinstance(expr, _WHOLE) or (
        truth if isinstance(expr, ir.Missing) else isinstance(expr, ir.Among) and not truth
    ):
        for name in ("column", "other", "right"):
            if isinstance(column := getattr(expr, name, None), ir.Column):
                yield Quote(name_of(column), written(column, display)[:_LONGEST])


def _texts(expr: ir.Expr, record: Record, display: Display) -> Iterator[Quote]:
    """The pieces of text that a true predicate found."""
    if isinstance(expr, ir.Contains):
        yield _quote(expr.column, expr.text, display)
    elif isinstance(expr, ir.Matches):
        yield from _matched(expr.column, expr.pattern, items(record[expr.column.key]), display)
    elif isinstance(expr, ir.Among):
        named = (text for text in items(record[expr.column.key]) if text in expr.values)
        yield from (_quote(expr.column, text, display) for text in named)
    elif isinstance(expr, ir.ContainsText):
        yield from _shared(expr, record, display)
    elif isinstance(expr, (ir.SidesDiffer, ir.TermsDiffer)):
        yield from _differing(expr, record, display)
    elif isinstance(expr, ir.Affirms):
        said = affirmed_items(expr.column, expr.lines, record) or ()
        yield from _matched(expr.column, expr.terms.pattern, said, display)
    elif isinstance(expr, ir.AffirmsTermsOf):
        yield from _terms_of(expr, record, display)


def _shared(expr: ir.ContainsText, record: Record, display: Display) -> Iterator[Quote]:
    """What the other text says, where the one holds it."""
    texts = items(record[expr.column.key])
    for part in items(record[expr.other.key]):
        if any(part in text for text in texts):
            yield _quote(expr.column, part, display)
            yield _quote(expr.other, part, display)


def _differing(
    expr: ir.SidesDiffer | ir.TermsDiffer, record: Record, display: Display
) -> Iterator[Quote]:
    """Both texts if they are short; of a long one the word that speaks of a side or a term."""
    pattern = expr.terms.pattern if isinstance(expr, ir.TermsDiffer) else f"{LEFT}|{RIGHT}"
    for column in (expr.column, expr.other):
        if len(text := written(column, display)) <= _LONGEST:
            yield Quote(name_of(column), text)
        else:
            yield from _matched(column, pattern, items(record[column.key]), display)


def _quote(column: ir.Column, text: str, display: Display) -> Quote:
    return Quote(name_of(column), find_quote(written(column, display), text))


def _matched(column: ir.Column, pattern: str, texts: Any, display: Display) -> Iterator[Quote]:
    """The first match in each text."""
    for text in texts:
        found = compile_pattern(pattern).search(text)
        if found and found.group():
            yield _quote(column, found.group(), display)


def _terms_of(expr: ir.AffirmsTermsOf, record: Record, display: Display) -> Iterator[Quote]:
    """The words in the one text that stand for what the other one affirms."""
    said = affirmed_items(expr.column, expr.lines, record) or ()
    if expr.terms is None:
        words = items(record[expr.other.key])
        yield from (_quote(expr.column, w, display) for w in words if any(w in s for s in said))
        return
    other = affirmed_items(expr.other, expr.lines, record) or ()
    meant = expr.terms.mentioned(ITEM_MARK.join(other))
    groups = tuple(group for group in expr.terms.groups if group[0] in meant)
    yield from _matched(expr.column, Terms(groups).pattern, said, display)
