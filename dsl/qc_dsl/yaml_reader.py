"""YAML text to a tree in which every key and value knows its place.

PyYAML's event stream is read with a stack rather than composed, so that aliases (the stuff of
alias bombs) and deep nesting are refused before anything is expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from qc_dsl import yaml_errors
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.source import Source, Span
from qc_dsl.yaml_errors import MAX_DEPTH, offset

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Scalar:
    """A text value. ``offsets[i]`` is where its character ``i`` stands in the source."""

    value: str
    span: Span
    style: str | None = None
    offsets: tuple[int, ...] = field(default=(), repr=False)

    def span_of(self, start: int, end: int) -> Span:
        """The place of the value's characters ``start`` to ``end``."""
        if not self.offsets:
            return self.span
        last = len(self.offsets) - 1
        first = self.offsets[min(start, last)] + (1 if start > last else 0)
        stop = self.offsets[end] if 0 < end <= last else self.offsets[last] + 1
        return Span(self.span.source, first, max(first, stop))


@dataclass(frozen=True)
class Sequence:
    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True)
class Mapping:
    items: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, *keys: str) -> Node | None:
        """The value under the first of these keys that is present."""
        return next((value for key, value in self.items if key.value in keys), None)

    def key(self, name: str) -> Scalar | None:
        return next((key for key, _ in self.items if key.value == name), None)


Node = Scalar | Sequence | Mapping


def section(root: Mapping, *keys: str) -> tuple[tuple[Scalar, Node], ...]:
    """The items of the mapping under one of these keys; none where there is no mapping."""
    node = root.get(*keys)
    return node.items if isinstance(node, Mapping) else ()


def plain(node: Node | None) -> object:
    """The tree as plain dictionaries, lists and texts; an empty value is `None`."""
    if node is None or (isinstance(node, Scalar) and node.value == "" and node.style is None):
        return None
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.value: plain(value) for key, value in node.items}


def at(node: Node, path: tuple[str | int, ...]) -> Span:
    """The place of a path of keys and indices, as near as the tree reaches."""
    span = node.span
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str):
            key, value = node.key(step), node.get(step)
            if key is None or value is None:
                return span
            node, span = value, key.span if isinstance(value, Mapping) else value.span
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            span = node.span
    return span


ESCAPED = {'"': ('\\"', "\\\\"), "'": ("''",)}  # two characters that stand for their second


def _align(
    source: Source, value: str, start: int, end: int, style: str | None = None
) -> tuple[int, ...]:
    """Where each character of a scalar's value stands; empty when escapes break the match.

    Characters are matched in order; YAML's own indentation and line folding are white space
    on both sides and are stepped over.
    """
    doubled = ESCAPED.get(style or "", ())
    if not doubled and start + len(value) <= end and source.text.startswith(value, start):
        return tuple(range(start, start + len(value)))  # as most are: on one line, as it stands
    text, at_, offsets = source.text, start, []
    for ch in value:
        if ch.isspace():
            if at_ < end and text[at_].isspace():
                offsets.append(at_)
                at_ += 1
            else:
                offsets.append(max(start, min(at_, end - 1)))
            continue
        while at_ < end and text[at_] != ch and not _escapes(text, at_, ch, doubled):
            if not text[at_].isspace() and at_ != start:
                return ()
            at_ += 1
        if at_ >= end:
            return ()
        offsets.append(at_)
        at_ += 2 if text[at_ : at_ + 2] in doubled else 1
    return tuple(offsets)


def _escapes(text: str, at_: int, ch: str, doubled: tuple[str, ...]) -> bool:
    return text[at_ + 1 : at_ + 2] == ch and text[at_ : at_ + 2] in doubled


def _scalar(source: Source, event: yaml.ScalarEvent) -> Scalar:
    start, end = offset(source, event.start_mark), offset(source, event.end_mark)
    body = start
    if event.style in ("|", ">"):
        body = source.text.find("\n", start) + 1 or start
        end = max(body, end)
    elif event.style in ("'", '"'):
        body, end_body = start + 1, end - 1
        return Scalar(
            event.value,
            Span(source, start, end),
            event.style,
            _align(source, event.value, body, end_body, event.style),
        )
    offsets = _align(source, event.value, body, end)
    last = offsets[len(event.value.rstrip()) - 1] + 1 if event.value.strip() and offsets else end
    begin = offsets[0] if offsets and event.style else start
    begin = min(begin, len(source.text) - 1)  # an empty value at the very end
    last = max(last, begin + 1)
    return Scalar(event.value, Span(source, begin, last), event.style or None, offsets)


class _Builder:
    """Builds the tree from events and collects what a rulebook may not contain."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.errors: list[Diagnostic] = []
        self.stack: list[tuple[yaml.Event, list[Node]]] = []
        self.roots: list[Node] = []

    def span(self, event: yaml.Event) -> Span:
        start = offset(self.source, event.start_mark)
        end = offset(self.source, event.end_mark)
        return Span(self.source, start, max(end, start + 1))

    def add(self, node: Node) -> None:
        (self.stack[-1][1] if self.stack else self.roots).append(node)

    def feed(self, event: yaml.Event) -> None:
        if anchor := getattr(event, "anchor", None):
            start = self.span(event).start
            place = Span(self.source, start, start + 1 + len(anchor))
            alias = isinstance(event, yaml.AliasEvent)
            self.errors += [] if alias else [yaml_errors.no_anchor(place)]
        if isinstance(event, yaml.AliasEvent):
            self.add(Scalar("*", self.span(event)))
        elif isinstance(event, yaml.ScalarEvent):
            self.add(_scalar(self.source, event))
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(self.stack) >= MAX_DEPTH:
                raise QcError(yaml_errors.too_deep(self.span(event)))
            self.stack.append((event, []))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.close()

    def close(self) -> None:
        event, children = self.stack.pop()
        start = self.span(event)
        span = start.to(children[-1].span) if children else start
        if isinstance(event, yaml.SequenceStartEvent):
            self.add(Sequence(tuple(children), span))
            return
        items: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.errors.append(yaml_errors.bad_key(key.span))
                continue
            if (first := seen.get(fold(key.value))) is not None:
                where = (key.span, first.value, first.span)
                self.errors.append(yaml_errors.duplicate(key.value, *where))
                continue
            seen[fold(key.value)] = key
            items.append((key, value))
        self.add(Mapping(tuple(items), span))


def _events(source: Source) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(source.text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise QcError(yaml_errors.syntax_error(source, error)) from None


def read_yaml(source: Source) -> Mapping:
    """The file's one mapping.

    Raises `QcError` with every anchor, duplicate key and bad key of the file, or with the
    first place where it stops being YAML.
    """
    builder = _Builder(source)
    for event in _events(source):
        builder.feed(event)
    start = Span(source, 0, 1)
    if builder.errors:
        raise QcError(*builder.errors)
    if not builder.roots:
        message = Text("文件是空的", "The file is empty")
        raise QcError(Diagnostic("QC002", message, start, yaml_errors.SHAPE))
    if len(builder.roots) > 1:
        message = Text("一个文件只能有一个规则集", "One file holds one rulebook")
        raise QcError(Diagnostic("QC003", message, builder.roots[1].span))
    root = builder.roots[0]
    if not isinstance(root, Mapping):
        message = Text("这不是规则集", "This is not a rulebook")
        raise QcError(Diagnostic("QC002", message, root.span, yaml_errors.SHAPE))
    return root
