"""One shape for everything that is wrong: collected, then raised or shown together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

from rich.cells import cell_len

from qc_dsl.lang import Lang, Text, current
from qc_dsl.source import Source, Span

Severity = Literal["error", "warning"]
T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Related:
    """A second place that belongs to a diagnostic, with what it is."""

    span: Span
    message: Text


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong, where, and what to write instead.

    ``code`` is stable (``QC101``). ``span`` is a place in a rulebook; ``place`` says in words
    where something is that has no source text (a row of a data file, a model file).
    """

    code: str
    message: Text
    span: Span | None = None
    help: Text | None = None
    related: tuple[Related, ...] = ()
    severity: Severity = "error"
    place: Text | None = None

    def as_json(self, lang: Lang | None = None) -> dict[str, Any]:
        """A JSON-ready form: code, severity, message, help and the place, columns from 1."""
        lang = lang or current()
        out: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity,
            "message": self.message.in_(lang),
            "help": self.help.in_(lang) if self.help else None,
        }
        if self.span:
            source = self.span.source
            line, column = source.position(self.span.start)
            end_line, end_column = source.position(self.span.end)
            out |= {"file": source.path, "line": line, "column": column}
            out |= {"end_line": end_line, "end_column": end_column}
        elif self.place:
            out["place"] = self.place.in_(lang)
        return out


class QcError(Exception):
    """A user's mistake, or several. Shown without a traceback."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("; ".join(f"{d.code} {d.message.en}" for d in diagnostics))


class Errors:
    """Collects the mistakes of independent parts, so that one does not hide the others."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.files: list[Source] = []  # whose mistakes come first; those of others come last

    def attempt(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return read(*args, **kwargs)
        except QcError as error:
            self.found.extend(error.diagnostics)
            return None

    def raise_any(self) -> None:
        """Raise what was found, in the order of the files and of their text."""
        if self.found:
            raise QcError(*sorted(self.found, key=self._order))

    def _order(self, diagnostic: Diagnostic) -> tuple[int, int]:
        if (span := diagnostic.span) is None:
            return -1, -1
        known = [at for at, source in enumerate(self.files) if source is span.source]
        return known[0] if known else len(self.files), span.start


def near(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known words most like a misspelt one, best first."""
    return difflib.get_close_matches(word, list(known), n=count, cutoff=0.5)


def did_you_mean(word: str, known: Sequence[str]) -> Text | None:
    """A help line that offers near matches, or what exists when nothing is near."""
    if not known:
        return None
    if close := near(word, known):
        zh, en = "”、“".join(close), "”, “".join(close)
        return Text(f"您是否想写“{zh}”？", f"Did you mean “{en}”?")
    shown = list(known)[:12]
    zh, en = "、".join(shown), ", ".join(shown)
    return Text(f"可以写：{zh}", f"What exists: {en}")


_LABEL = {"error": Text("错误", "error"), "warning": Text("警告", "warning")}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # shown as one column, so that the caret fits
_WIDEST = 120  # columns of source shown around the caret


def _excerpt(span: Span) -> list[str]:
    """The source line and a caret line under the span, by display width."""
    number, column = span.source.position(span.start)
    line = _CONTROL.sub("\ufffd", span.source.line(number).replace("\t", " "))
    begin, length = column - 1, max(1, span.end - span.start)
    if cell_len(line) > _WIDEST:
        cut = max(0, begin - 40)
        line, begin = ("…" if cut else "") + line[cut : cut + 100], begin - cut + bool(cut)
    marked = line[begin : begin + length]
    gutter = str(number)
    return [
        f"{gutter} | {line}",
        f"{' ' * len(gutter)} | {' ' * cell_len(line[:begin])}{'^' * max(1, cell_len(marked))}",
    ]


def render(diagnostic: Diagnostic, lang: Lang | None = None) -> str:
    """A diagnostic as text: place, message, source line with caret, help."""
    lang = lang or current()
    label = _LABEL[diagnostic.severity].in_(lang)
    place = diagnostic.span or (diagnostic.place.in_(lang) if diagnostic.place else None)
    head = f"{label}[{diagnostic.code}] {diagnostic.message.in_(lang)}"
    lines = [f"{place}: {head}" if place else head]
    if diagnostic.span:
        lines += [f"  {row}".rstrip() for row in _excerpt(diagnostic.span)]
    for other in diagnostic.related:
        lines.append(f"  {other.span}: {other.message.in_(lang)}")
        lines += [f"  {row}".rstrip() for row in _excerpt(other.span)]
    if diagnostic.help:
        lines.append(f"  = {diagnostic.help.in_(lang)}")
    return "\n".join(lines)
