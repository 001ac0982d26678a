"""What stands at a place of a rulebook's file: a word of the language, a name, a file's name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lark import Token

from qc_dsl.expected import words_of
from qc_dsl.files import beside
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lexicon import THIS
from qc_dsl.parts import Parts
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping, Node, Scalar, section
from qc_runtime.lsp.context import context_at
from qc_runtime.lsp.reading import SENTENCES, Reading, quietly

DECLARED = {
    "field": ("字段", "fields"), "table": ("表", "tables"), "terms": ("词表", "terms"),
    "phrase": ("说法", "phrases"), "question": ("问题", "questions"),
}  # fmt: skip
RULES = (("适用", "applicability"), ("例外", "exceptions"), ("规则", "rules"))
_INCLUDES = ("引用", "include")
_FILES = ("文件", "file")
_ASKED = (("问",), ("ask",))


@dataclass(frozen=True)
class Word:
    """What a place names: ``kind`` is ``keyword``, ``rule``, ``file``, ``question_text`` or a
    key of `DECLARED`, or ``column``; ``name`` is a keyword's terminal or the name itself.

    ``within`` are the tables that the sentence has named before, the nearest first.
    """

    kind: str
    name: str
    start: int
    end: int
    within: tuple[str, ...] = ()


def word_at(reading: Reading, source: Source, offset: int) -> Word | None:
    """What stands at an offset of one of a rulebook's files, as its text is now."""
    sentences = source.path.lower().endswith(SENTENCES)
    context = context_at(source.text, offset, sentences_only=sentences)
    if context.start is not None and context.begin <= offset:
        return _in_sentence(reading, source, context.begin, offset)
    root = quietly(source)
    found = _scalar_at(root, offset) if root else None
    return _in_yaml(reading, *found) if found else None


def _in_sentence(reading: Reading, source: Source, begin: int, offset: int) -> Word | None:
    end = source.text.find("\n", offset)
    text = source.text[begin : end if end >= 0 else len(source.text)]
    tables: list[str] = []
    for token in words_of(text, reading.lexicon):
        start, stop = begin + (token.start_pos or 0), begin + (token.end_pos or 0)
        if start <= offset < stop or (offset == stop and _ends(text, stop - begin)):
            return _word(reading, token, start, stop, tuple(reversed(tables)))
        if token.type == "TABLE":
            tables.append(_spelt(reading, token))
    return None


def _ends(text: str, at: int) -> bool:
    """Whether nothing touches a word from behind."""
    return not text[at : at + 1].strip()


def _spelt(reading: Reading, token: Token) -> str:
    return reading.lexicon.spelling.get(token, str(token))


def _word(
    reading: Reading, token: Token, start: int, end: int, within: tuple[str, ...]
) -> Word | None:
    lexicon, name = reading.lexicon, _spelt(reading, token)
    if token.type in KEYWORDS:
        return Word("keyword", token.type, start, end)
    if token.type == "PHRASE":
        kind = "question" if name in lexicon.questions else "phrase"
        return Word(kind, name, start, end)
    if token.type == "FIELD":
        is_column = name not in lexicon.fields or any(
            name in dict(lexicon.tables).get(table, ()) for table in within
        )
        return Word("column" if is_column else "field", name, start, end, within)
    kinds = {"TABLE": "table", "TERM": "terms"}
    return Word(kinds[token.type], name, start, end) if token.type in kinds else None


def _scalar_at(
    node: Node, offset: int, path: tuple[str, ...] = ()
) -> tuple[Scalar, tuple[str, ...]] | None:
    """The key or value at an offset, with the keys above it; a key's own name is the last."""
    if isinstance(node, Scalar):
        return (node, path) if _holds(node.span, offset) else None
    if isinstance(node, Mapping):
        for key, value in node.items:
            if _holds(key.span, offset):
                return key, (*path, key.value, "")
            if found := _scalar_at(value, offset, (*path, key.value)):
                return found
        return None
    return next((found for item in node.items if (found := _scalar_at(item, offset, path))), None)


def _holds(span: Span, offset: int) -> bool:
    return span.start <= offset <= span.end


def _in_yaml(reading: Reading, scalar: Scalar, path: tuple[str, ...]) -> Word | None:
    span, name = scalar.span, scalar.value
    if path[0] in _INCLUDES and path[-1] != "":
        return Word("file", name, span.start, span.end)
    if path[0] in DECLARED["terms"] and len(path) == 3 and path[2] in _FILES:
        return Word("file", name, span.start, span.end)
    rules = {key for keys in RULES for key in keys}
    if path[0] in rules and len(path) == 3 and path[-1] == "":
        return Word("rule", name, span.start, span.end)
    if path[0] in ("其余", "otherwise") and (path[-1] == "" or path[1:] in _ASKED):
        return Word("question_text", "", span.start, span.end)
    if (
        path[0] in ("测试", "tests")
        and len(path) == 2
        and path[1] in ("依", "by", "缺陷", "findings")
    ):
        return Word("rule", name, span.start, span.end)
    return _named(reading, name, span, path)


def _named(reading: Reading, name: str, span: Span, path: tuple[str, ...]) -> Word | None:
    """A name that the rulebook declares, written outside a sentence."""
    lexicon = reading.lexicon
    table = path[1] if len(path) > 2 and path[0] in DECLARED["table"] else None
    if table and name in dict(lexicon.tables).get(table, ()):
        return Word("column", name, span.start, span.end, (table,))
    if "." in name and name in lexicon.qualified:
        return Word("column", name, span.start, span.end)
    groups = (
        ("field", lexicon.fields), ("table", lexicon.table_names), ("terms", lexicon.terms),
        ("phrase", lexicon.phrases), ("question", lexicon.questions),
    )  # fmt: skip
    found = next((kind for kind, names in groups if name in names), None)
    return Word(found, name, span.start, span.end) if found else None


def declaration(reading: Reading, word: Word) -> Span | None:
    """Where a word's name is declared: its key, or the file that it names."""
    parts = reading.parts
    if parts is None or word.kind in ("keyword", "question_text"):
        return None
    if word.kind == "column":
        return next((key.span for key, _ in columns(parts, word)), None)
    if word.kind == "rule":
        keys = (key for group in RULES for key, _ in parts.section(*group))
        return next((key.span for key in keys if key.value == word.name), None)
    if word.kind in DECLARED:
        keys = (key for key, _ in parts.section(*DECLARED[word.kind]))
        name = word.name
        whole = next((key.span for key in keys if key.value == name), None)
        return whole or _of_group(parts, name)
    return None


def _of_group(parts: Parts, name: str) -> Span | None:
    """The list that a group ``list.group`` belongs to."""
    keys = (key for key, _ in parts.section(*DECLARED["terms"]))
    return next((key.span for key in keys if name.startswith(f"{key.value}.")), None)


def columns(parts: Parts, word: Word) -> Iterator[tuple[Scalar, str]]:
    """The columns that a name may mean, with their tables: those spoken of come first."""
    head, dot, name = word.name.rpartition(".")
    wanted = [head] if dot and head not in THIS else list(word.within)
    tables = {key.value: _listed(value) for key, value in parts.section(*DECLARED["table"])}
    order = [table for table in wanted if table in tables]
    order += [] if dot and head not in THIS else [t for t in tables if t not in order]
    for table in order:
        yield from ((key, table) for key in tables[table] if key.value == name)


def _listed(table: Node) -> list[Scalar]:
    return [key for key, _ in section(table, "列", "columns")] if isinstance(table, Mapping) else []


def file_of(source: Source, word: Word) -> Path:
    """The file that a word names, whether or not it is there."""
    return beside(source, word.name)
