"""The ``{placeholders}`` of a defect's message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from qc_dsl import ast
from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.source import Span

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_STRAY = re.compile(r"[{}]")


def parts(message: ast.Literal) -> tuple[str | ast.Name, ...]:
    """A message as its texts and the names between them, in order.

    A name's place is exact where the message stands in its file as it is, else the message's.
    """
    found: list[str | ast.Name] = []
    text, at = message.text, 0
    for match in _PLACEHOLDER.finditer(text):
        found += [text[at : match.start()]] if match.start() > at else []
        found.append(ast.Name(match[1].strip(), span=_place(message, match.start(1), match.end(1))))
        at = match.end()
    return tuple([*found, text[at:]] if at < len(text) else found)


def _place(message: ast.Literal, start: int, end: int) -> Span:
    span = message.span
    if span.text[1:-1] != message.text:
        return span
    return Span(span.source, span.start + 1 + start, span.start + 1 + max(end, start + 1))


Place = Callable[[ast.Literal, int, int], Span]


def mistakes(message: ast.Literal, lexicon: Lexicon, place: Place) -> Iterator[Diagnostic]:
    """Placeholders that name nothing at all, and braces that do not pair."""
    known = {*lexicon.values, *lexicon.qualified}
    rest = list(message.text)
    for match in _PLACEHOLDER.finditer(message.text):
        rest[match.start() : match.end()] = " " * len(match[0])
        if (name := match[1].strip()) not in known:
            at = match.span(1) if name else match.span()  # nothing written: the braces
            span = place(message, *at)
            yield _names_nothing(name, lexicon, span)
    for match in _STRAY.finditer("".join(rest)):
        yield Diagnostic(
            "QC117",
            Text("大括号没有成对", "A brace without its pair"),
            place(message, match.start(), match.end()),
            Text("例如 {字段} 或 {表.列}", "For instance {FIELD} or {TABLE.COLUMN}"),
        )


def _names_nothing(name: str, lexicon: Lexicon, span: Span) -> Diagnostic:
    if not name:
        message = Text("大括号里没有名称", "Nothing between the braces")
    else:
        message = Text(f"没有字段或列“{name}”", f"There is no field or column “{name}”")
    known = lexicon.qualified if "." in name else lexicon.values
    return Diagnostic("QC117", message, span, lexicon.instead_of(name, known))
