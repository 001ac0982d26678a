"""Where in a rulebook's file a place is, told from its lines: the file may be half typed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from qc_dsl.sentence import Start

_KEY = re.compile(
    r"(?P<dashes>(?:-[ \t]+)*)(?P<key>\"[^\"]*\"|'[^']*'|[^\s:#'\"{}\[\],&*!|>%@`-][^:#{}\[\]]*?)"
    r"[ \t]*:(?=[ \t]|$)"
)
_DASHES = re.compile(r"(?:-[ \t]+)+|-$")
_ENTRY = re.compile(r"[^\s:：\"“”「」『』‘’#\[\]【】]+[ \t　]*[:：]")
_BLOCK = re.compile(r"[ \t]*[|>][-+0-9]*[ \t]*(?:#.*)?$")
_FLOW = re.compile(r"\"[^\"]*\"?|'[^']*'?|“[^”]*”?|[{}\[\],]|:(?=[ \t]|$)|[^{}\[\],:\"'“]+|:")

SENTENCES = {"规则", "rules", "例外", "exceptions", "适用", "applicability"}
CONDITIONS = {"说法", "phrases"}
_WITHIN_RULE = {"句": "sentence", "sentence": "sentence"}
_EXEMPTIONS = {"除外", "exceptions"}


@dataclass(frozen=True)
class Context:
    """The keys above a place, outermost first (``-`` for an item of a list), and its value.

    ``begin`` is where the value begins that the place is in; for a key that is being written
    there is no value, and ``begin`` is where the key begins.
    """

    path: tuple[str, ...]
    kind: Literal["key", "value"]
    begin: int

    @property
    def start(self) -> Start | None:
        """What the parser reads here: a sentence, a condition; `None` if neither."""
        if self.kind == "key" or not self.path:
            return None
        top, *rest = self.path
        if top in CONDITIONS and len(rest) == 1:
            return "lone_condition"
        if top in SENTENCES and len(rest) <= 1:
            return "sentence" if rest or top in ("适用", "applicability") else None
        if top in SENTENCES and len(rest) == 2 and rest[1] in _WITHIN_RULE:
            return "sentence"
        if top in SENTENCES and len(rest) == 3 and rest[1] in _EXEMPTIONS:
            return "lone_condition"
        return None


@dataclass(frozen=True)
class _Level:
    indent: int
    key: str
    value: int  # where the value begins


def context_at(text: str, offset: int, *, sentences_only: bool = False) -> Context:
    """Where an offset is. ``sentences_only``: the text is that of a ``.qc`` file."""
    return _in_sentence_file(text, offset) if sentences_only else _in_yaml(text, offset)


def _in_sentence_file(text: str, offset: int) -> Context:
    """In a sentence from behind the last name at a line's beginning; else in a name."""
    path: tuple[str, ...] = ()
    begin = 0
    at = 0
    for line in text[:offset].splitlines(keepends=True):
        if not line[0].isspace() and (match := _ENTRY.match(line)):
            path, begin = (match[0].rstrip(" \t　:："),), at + match.end()
        elif not line[0].isspace():
            path, begin = (), at
        at += len(line)
    if path:
        return Context(("规则", *path), "value", begin)
    return Context((), "key", begin)


def _in_yaml(text: str, offset: int) -> Context:
    scan = _Scan(text, offset)
    at = 0
    lines = text[:offset].split("\n")
    for number, line in enumerate(lines, 1):
        if (found := scan.line(line, at, number == len(lines))) is not None:
            return found
        at += len(line) + 1
    return scan.end()


@dataclass
class _Scan:
    """Goes through the lines up to an offset, with the keys that each of them stands under.

    ``opened`` counts the brackets of a flow collection that are still open.
    """

    text: str
    offset: int
    levels: list[_Level] = field(default_factory=list)
    opened: int = 0

    def line(self, line: str, at: int, last: bool) -> Context | None:
        """Take a line that begins at ``at``; where it is the last and no value, the answer."""
        body = line.lstrip(" ")
        indent = len(line) - len(body)
        found = None
        if self.opened:
            pass
        elif not body.strip() or body.startswith("#"):
            found = self._nothing(indent) if last else None
        else:
            found = self._something(body, at + indent, indent, last)
        self._count(line, at)
        return found

    def _up_to(self, indent: int) -> bool:
        """Leave the keys that end here; whether the line goes on with the text of one."""
        while self.levels and self.levels[-1].indent >= indent:
            self.levels.pop()
        return bool(self.levels) and _is_text(self.text, self.levels[-1])

    def _nothing(self, indent: int) -> Context | None:
        if self._up_to(indent):
            return None
        return Context(_path(self.levels), "key", self.offset)

    def _something(self, body: str, start: int, indent: int, last: bool) -> Context | None:
        if self._up_to(indent):
            return None
        found = _keys_of(body, start, indent)
        self.levels += found
        if not last or (found and found[-1].key != "-"):
            return None
        dashes = _DASHES.match(body)
        begin = start + (dashes.end() if dashes else 0)
        if self.text[begin : begin + 1] in ("{", "["):
            return _in_flow(self.text, self.levels, begin, self.offset)
        if self.levels and self.levels[-1].key == "-" and len(self.levels) == 2:
            listed = self.levels[0].key not in _LISTS
            return Context(_path(self.levels), "value" if listed else "key", begin)
        return Context(_path(self.levels), "key", begin)

    def _count(self, line: str, at: int) -> None:
        end = at + len(line)
        value = self.levels[-1].value if self.levels else -1
        if self.opened:
            self.opened = max(self.opened + _depth(line), 0)
        elif at <= value <= end and _is_flow(self.text, value, end):
            self.opened = max(_depth(self.text[value:end]), 0)

    def end(self) -> Context:
        """The answer where the last line has the value of a key, or goes on with one."""
        if not self.levels:
            return Context((), "key", self.offset)
        value = self.levels[-1].value
        if self.opened or _is_flow(self.text, value, min(self.offset, value + 200)):
            return _in_flow(self.text, self.levels, value, self.offset)
        return Context(_path(self.levels), "value", _content(self.text, value, self.offset))


_LISTS = ("测试", "tests")  # lists of mappings; the others are lists of texts


def _path(levels: list[_Level]) -> tuple[str, ...]:
    return tuple(level.key for level in levels)


def _keys_of(body: str, start: int, indent: int) -> list[_Level]:
    """The levels that a line opens: one for each dash, and one for its key."""
    dashes = _DASHES.match(body)
    found, at = [], 0
    for ch_at, ch in enumerate(body[: dashes.end()] if dashes else ""):
        if ch == "-":
            found.append(_Level(indent + ch_at, "-", start + ch_at + 1))
            at = ch_at
    if match := _KEY.match(body):
        inner = indent + match.start("key")
        key = match["key"].strip("\"'")
        found.append(_Level(max(inner, indent + at), key, start + match.end()))
    return found


def _is_text(text: str, level: _Level) -> bool:
    """Whether what is indented below a key goes on with its text, rather than holding keys."""
    end = text.find("\n", level.value)
    first = text[level.value : end if end >= 0 else len(text)]
    plain = first.strip()
    return bool(_BLOCK.match(first)) or bool(
        plain and plain[0] not in "#{[" and level.key != "-" and not plain.startswith("- ")
    )


def _content(text: str, begin: int, offset: int) -> int:
    """Where a value's own text begins: behind the mark of a block, or an opening quote."""
    end = text.find("\n", begin)
    first = text[begin : end if end >= 0 else len(text)]
    if _BLOCK.match(first) and end >= 0 and end < offset:
        begin = end + 1
    while begin < offset and text[begin] in " \t\n":
        begin += 1
    return begin + 1 if text[begin : begin + 1] in ("'", '"') and begin < offset else begin


def _is_flow(text: str, begin: int, end: int) -> bool:
    return text[begin:end].lstrip()[:1] in ("{", "[")


def _depth(line: str) -> int:
    """How many more brackets a stretch of a flow collection opens than it closes."""
    pieces = [piece for piece in _FLOW.findall(line) if len(piece) == 1]
    return sum((piece in "{[") - (piece in "}]") for piece in pieces)


def _in_flow(text: str, levels: list[_Level], begin: int, offset: int) -> Context:
    """Within ``{…}`` or ``[…]``: the keys that lead to the place."""
    stack: list[tuple[str, str]] = []  # bracket, key that is being given a value
    key, since = "", begin
    for match in _FLOW.finditer(text, begin, offset):
        piece = match[0]
        if piece in ("{", "["):
            stack.append((piece, key or ("-" if stack and stack[-1][0] == "[" else "")))
            key, since = "", match.end()
        elif piece in ("}", "]") and stack:
            stack.pop()
            key, since = "", match.end()
        elif piece == ",":
            key, since = "", match.end()
        elif piece == ":" and stack and stack[-1][0] == "{":
            key, since = text[since : match.start()].strip().strip("\"'"), match.end()
    inner = tuple(name for _, name in stack if name)
    path = (*_path(levels), *inner)
    if stack and stack[-1][0] == "{" and not key:
        return Context(path, "key", _skip(text, since, offset))
    return Context((*path, key) if key else path, "value", _content(text, since, offset))


def _skip(text: str, start: int, end: int) -> int:
    while start < end and text[start] in " \t\n":
        start += 1
    return start
