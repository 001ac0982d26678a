"""Tests in files beside a rulebook: YAML as in the rulebook itself, or a table with a test a row.

A table's columns are fields (by name, or by a name under which data carries them), ``应为``,
``依``, ``缺陷``, ``状态``, and ``回答.`` with a question's name. JSONL may hold tables' rows, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qc_compiler.values import display
from qc_dsl import yaml_reader as tree
from qc_dsl.case_files import cases_in
from qc_dsl.errors import Diagnostic, Errors, QcError
from qc_dsl.files import decode
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.source import Source, Span
from qc_runtime.records.files import kind_of, read_bytes, read_table

if TYPE_CHECKING:
    from qc_compiler.program import Program, TestCase
    from qc_dsl.rulebook import Rulebook

_YAML = (".yaml", ".yml")
_LISTS = ("依", "by", "缺陷", "findings")
_ANSWERS = ("回答", "answers")
_SPLIT = re.compile(r"[、;；,，]")
_NOTHING = ("无", "none", "[]")  # no finding, written out


def compile_with_tests(path: Path, files: Sequence[Path] = ()) -> Program:
    """A rulebook's program with all of its tests: its own, its files', and those given.

    Raises `QcError` with the mistakes of all of these.
    """
    from qc_compiler.analyse import analyse
    from qc_compiler.pipeline import read_and_compile
    from qc_dsl.reader import read_source

    rulebook, program = read_and_compile(read_source(path))
    if errors := [d for d in analyse(program, rulebook) if d.severity == "error"]:
        raise QcError(*errors)
    return with_test_files(rulebook, program, files)


def with_test_files(rulebook: Rulebook, program: Program, files: Sequence[Path] = ()) -> Program:
    """The program with the tests of the rulebook's files, then of these. Raises `QcError`."""
    from qc_dsl.files import beside

    named = [beside(rulebook.source, name) for name, _ in rulebook.test_files]
    errors = Errors()
    found = list(program.tests)
    for path in (*named, *files):
        found += errors.attempt(_tests_of, path, rulebook, program) or ()
    errors.raise_any()
    return replace(program, tests=tuple(found))


def _tests_of(path: Path, rulebook: Rulebook, program: Program) -> tuple[TestCase, ...]:
    from qc_compiler.inline_tests import compile_tests

    cases = cases_in(_root(path, rulebook), rulebook)
    return compile_tests(cases, rulebook, program.questions)


def _root(path: Path, rulebook: Rulebook) -> tree.Mapping:
    """A file of tests as the tree that a rulebook's own would be."""
    data = read_bytes(path)
    if path.suffix.lower() in _YAML:
        return tree.read_yaml(decode(path, data))
    if kind_of(path, data[:8]) == "jsonl":
        rows = _objects(path, data)
    else:
        rows = list(_cells(path, data, rulebook))
    last = max((number for number, _ in rows), default=1)
    shown = dict(rows)
    lines = [_line(shown.get(number, {})) for number in range(1, last + 1)]
    source = Source(str(path), "\n".join(lines))
    whole = Span(source, 0, 1)
    items = tuple(_node(row, _row_span(source, number)) for number, row in rows)
    key = tree.Scalar("测试", whole)
    return tree.Mapping(((key, tree.Sequence(items, whole)),), whole)


def _row_span(source: Source, number: int) -> Span:
    start = source.starts[number - 1]
    return Span(source, start, max(start + 1, start + len(source.line(number))))


def _line(row: dict[str, Any]) -> str:
    """A row as it is shown where something is wrong with it: what it expects, no more."""
    names = ("应为", "expect", *_LISTS)
    return "  ".join(f"{name}: {row[name]}" for name in names if row.get(name) is not None)


def _objects(path: Path, data: bytes) -> list[tuple[int, dict[str, Any]]]:
    numbers = read_table(path, data).numbers()  # which finds what is wrong with it
    lines = data.decode("utf-8-sig", "replace").split("\n")
    return [(number, json.loads(lines[number - 1])) for number in numbers]


def _cells(path: Path, data: bytes, rulebook: Rulebook) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table file, blank cells left out; rows in which nothing stands too."""
    table = read_table(path, data)
    names = [_key(name, rulebook) for name in table.names]
    if not {"应为", "expect"} & set(names):
        message = Text("没有“应为”列", "There is no column “expect”")
        help_ = Text("每行一个测试，“应为”写结论", "A test a row, its verdict under “expect”")
        raise QcError(Diagnostic("QC010", message, help=help_, place=Text(str(path), str(path))))
    columns = [table.column(at) for at in range(len(names))]
    for at, number in enumerate(table.numbers()):
        row: dict[str, Any] = {}
        for name, column in zip(names, columns, strict=True):
            text = display(column.cells[column.codes[at]])  # type: ignore[arg-type]
            if text is not None and name:
                _put(row, name, text, rulebook)
        if row:
            yield number, row


def _key(name: str, rulebook: Rulebook) -> str:
    """The field that a column carries; any other name as it is."""
    wanted = fold(name)
    for field in rulebook.fields:
        if wanted in map(fold, (field.name, *field.columns)):
            return field.name
    return name.strip()


def _put(row: dict[str, Any], name: str, text: str, rulebook: Rulebook) -> None:
    head, dot, rest = name.partition(".")
    if head in _ANSWERS and dot:
        row.setdefault(head, {})[rest] = text
    elif name in _LISTS:
        parts = [part.strip() for part in _SPLIT.split(text) if part.strip()]
        row[name] = [] if text.strip() in _NOTHING else parts
    elif any(table.name == name for table in rulebook.tables):
        row[name] = _json(text)
    else:
        row[name] = text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # a table needs rows, and this is said where the tests are read


def _node(value: Any, span: Span) -> tree.Node:
    """JSON as a tree whose every part stands where the row does."""
    if isinstance(value, dict):
        pairs = ((tree.Scalar(str(k), span), _node(v, span)) for k, v in value.items())
        return tree.Mapping(tuple(pairs), span)
    if isinstance(value, list):
        return tree.Sequence(tuple(_node(item, span) for item in value), span)
    if value is None:
        return tree.Scalar("", span)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return tree.Scalar(text, span, '"')
