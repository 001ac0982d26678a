"""A ``.qc`` file: sentences only, one an entry, as a YAML file's sections would hold them.

``名称：句子``; indented lines go on with a sentence; ``#`` begins a comment; a line ``[例外]``
says that exceptions follow. Every character keeps its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import Lang, Text
from qc_dsl.quotes import CLOSERS
from qc_dsl.source import Source, Span
from qc_dsl.stretches import Edit
from qc_dsl.yaml_reader import Mapping, Node, Scalar

_SECTIONS = {
    "规则": "规则", "rules": "规则", "例外": "例外", "exceptions": "例外", "适用": "适用",
    "applicability": "适用",
}  # fmt: skip
_HEADING = re.compile(r"[\[【]\s*(.*?)\s*[\]】]\s*")
_ENTRY = re.compile(r"([^\s:：\"“”「」『』‘’#\[\]【】]+)[ \t　]*[:：]")
_OPENERS = ("IF", "WHEN", "EACH", "MUST", "MUST_NOT")
_HELP = Text(
    "一条写成：名称：句子；太长时另起一行，前面空两格",
    "Write NAME: SENTENCE; go on in a new line that begins with spaces",
)


@dataclass
class _Entry:
    """A sentence in the making: its name, and the stretches of the file that it is made of."""

    name: Span
    parts: list[Span] = field(default_factory=list)


def read_sentences(source: Source) -> Mapping:
    """The file's sections and their sentences. Raises `QcError` with all that is no entry."""
    sections: dict[str, tuple[Span, list[_Entry]]] = {}
    errors: list[Diagnostic] = []
    current, heading, entry = "规则", Span(source, 0, 1), None
    for line in _lines(source):
        if not line.text.strip():
            continue
        if line.text[0].isspace():
            if entry is None:
                errors.append(_nothing_to_go_on_with(line))
            else:
                entry.parts.append(_stripped(line))
        elif match := _HEADING.fullmatch(line.text):
            entry, heading = None, _stripped(line)
            current = _SECTIONS.get(match[1], current)
            errors += [] if match[1] in _SECTIONS else [_unknown_heading(match[1], heading)]
        elif (found := _entry(line)) is not None:
            entry = found
            sections.setdefault(current, (heading, []))[1].append(entry)
        else:
            entry = None
            errors.append(_no_entry(_stripped(line)))
    errors += [_empty(e.name) for _, entries in sections.values() for e in entries if not e.parts]
    if errors:
        raise QcError(*sorted(errors, key=lambda d: d.span.start if d.span else 0))
    items = [(name, at, entries) for name, (at, entries) in sections.items()]
    return Mapping(
        tuple((Scalar(name, at), _section(entries)) for name, at, entries in items),
        Span(source, 0, max(1, len(source.text))),
    )


def heading_edits(source: Source, lang: Lang) -> Iterator[Edit]:
    """The changes that put the headings of sections in a language."""
    for line in _lines(source):
        if (match := _HEADING.fullmatch(line.text)) and match[1] in _SECTIONS:
            zh, start = _SECTIONS[match[1]], line.start + match.start(1)
            said = zh if lang == "zh" else next(w for w, of in _SECTIONS.items() if zh == of != w)
            if said != match[1]:
                yield Edit(start, line.start + match.end(1), said)


def _lines(source: Source) -> Iterator[Span]:
    """Each line without its comment and its end."""
    for number, start in enumerate(source.starts, 1):
        text = source.line(number)
        yield Span(source, start, start + _comment(text))


def _comment(text: str) -> int:
    """Where a line's comment begins: a # at its beginning or after a space, outside quotes."""
    closers = ""
    for at, ch in enumerate(text):
        if closers:
            closers = "" if ch in closers else closers
        elif ch == "#" and (at == 0 or text[at - 1].isspace()):
            return at
        else:
            closers = CLOSERS.get(ch, "")
    return len(text)


def _stripped(span: Span) -> Span:
    text = span.text
    start = span.start + len(text) - len(text.lstrip())
    return Span(span.source, start, max(start + 1, span.start + len(text.rstrip())))


def _entry(line: Span) -> _Entry | None:
    match = _ENTRY.match(line.text)
    if match is None or _begins_a_sentence(match[1]):
        return None
    entry = _Entry(Span(line.source, line.start, line.start + match.end(1)))
    if line.text[match.end() :].strip():
        entry.parts.append(_stripped(Span(line.source, line.start + match.end(), line.end)))
    return entry


def _begins_a_sentence(name: str) -> bool:
    """每条医嘱：须 … is a sentence without a name; 必须签名 is a name."""
    words = {form for word in _OPENERS for form in KEYWORDS[word].forms}
    return name in words or name.startswith((*KEYWORDS["EACH"].zh, "如果"))


def _section(entries: list[_Entry]) -> Node:
    items = tuple((_scalar([entry.name]), _scalar(entry.parts)) for entry in entries)
    return Mapping(items, items[0][0].span.to(items[-1][1].span))


def _scalar(parts: list[Span]) -> Scalar:
    """The stretches as one text, a line break between them."""
    offsets: list[int] = []
    for part in parts:
        offsets += [offsets[-1]] if offsets else []  # the break between two stretches
        offsets += range(part.start, part.end)
    text = "\n".join(part.text for part in parts)
    return Scalar(text, parts[0].to(parts[-1]), "|", tuple(offsets))


def _no_entry(line: Span) -> Diagnostic:
    return Diagnostic("QC021", Text("这一行没有名称", "This line has no name"), line, _HELP)


def _nothing_to_go_on_with(line: Span) -> Diagnostic:
    message = Text("这一行接不上前面的句子", "There is no sentence that this line could go on with")
    return Diagnostic("QC021", message, _stripped(line), _HELP)


def _empty(name: Span) -> Diagnostic:
    return Diagnostic("QC021", Text("名称后面没有句子", "No sentence after the name"), name, _HELP)


def _unknown_heading(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "QC021",
        Text(f"没有“{name}”这一节", f"There is no section “{name}”"),
        span,
        did_you_mean(name, list(_SECTIONS)),
    )
