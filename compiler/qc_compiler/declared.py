"""Whether a rulebook's declarations make sense, before any sentence is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import re2

from qc_compiler.interpret import compile_pattern
from qc_compiler.terms import Terms
from qc_compiler.type_errors import bad_pattern, said_by_re2, unfolded_pattern
from qc_compiler.values import CASES
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, did_you_mean
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.rulebook import FieldDecl, Rulebook, TableDecl

_TIMES = ("date", "datetime")


def unsound(rulebook: Rulebook) -> tuple[Diagnostic, ...]:
    """What is wrong with the declarations of fields, tables and terms."""
    found = [*_field_errors(rulebook.fields), *_key_errors(rulebook)]
    found += _derived_errors(rulebook.fields)
    for table in rulebook.tables:
        found += [*_field_errors(table.columns), *_derived_errors(table.columns)]
        found += _table_errors(table)
    return (*found, *_clashes(rulebook), *_term_errors(rulebook))


def _field_errors(decls: Sequence[FieldDecl]) -> Iterator[Diagnostic]:
    for decl in decls:
        if decl.type == "list" and decl.separator is not None and not fold(decl.separator):
            yield Diagnostic(
                "QC212",
                Text("分隔不能是空格或看不见的字符", "A separator must be visible"),
                decl.span,
                Text('例如 分隔: "+"', 'For instance separator: "+"'),
            )
        if decl.separator is not None and decl.type != "list":
            yield _useless(decl, "分隔", "separator", "列表", "list")
        if decl.values and decl.type != "category":
            yield _useless(decl, "值", "values", "类别", "category")


def _key_errors(rulebook: Rulebook) -> Iterator[Diagnostic]:
    for decl in rulebook.fields:
        if decl.name == rulebook.key and decl.type != "text":
            message = Text("主键的类型必须是文本", "The key must be a text field")
            yield Diagnostic("QC208", message, decl.span)


def _useless(decl: FieldDecl, zh: str, en: str, type_zh: str, type_en: str) -> Diagnostic:
    return Diagnostic(
        "QC207",
        Text(f"只有{type_zh}类型的字段才有“{zh}”", f"“{en}” goes with type {type_en} only"),
        decl.span,
        Text(f"请写 类型: {type_zh}，或去掉“{zh}”", f"Write type: {type_en}, or drop “{en}”"),
    )


def _term_errors(rulebook: Rulebook) -> Iterator[Diagnostic]:
    for term in rulebook.terms:
        if not all(Terms.of(term.words).words) or not term.words:
            what = ("里有空词", "hold an empty word") if term.words else ("是空的", "are empty")
            message = Text(f"词表“{term.name}”{what[0]}", f"The terms “{term.name}” {what[1]}")
            yield Diagnostic("QC209", message, term.span)


def _derived_errors(decls: Sequence[FieldDecl]) -> Iterator[Diagnostic]:
    by_name = {decl.name: decl for decl in decls}
    for decl in decls:
        yield from _badly_taken(decl, by_name)
        yield from _pattern_errors(decl)


def _badly_taken(decl: FieldDecl, by_name: dict[str, FieldDecl]) -> Iterator[Diagnostic]:
    """A text is cut out of a text; a stretch of time lies between two times."""
    source = by_name[decl.source] if decl.source is not None else None
    if source is not None and source.type not in ("text", "category"):
        message = Text(
            f"“{decl.name}”只能取自文本，“{source.name}”不是文本",
            f"“{decl.name}” can be taken from a text only: “{source.name}” is none",
        )
        yield Diagnostic("QC216", message, decl.span)
    ends = (by_name[name] for name in (decl.since, decl.until) if name is not None)
    if any(end.type not in _TIMES for end in ends):
        message = Text(
            f"“{decl.name}”的“从”“到”须是日期或时间",
            f"“{decl.name}”: since and until must be dates or times",
        )
        yield Diagnostic("QC216", message, decl.span)


def _pattern_errors(decl: FieldDecl) -> Iterator[Diagnostic]:
    if decl.pattern is None:
        return
    written = ast.Literal(decl.pattern, "text", span=decl.span)
    try:
        compile_pattern(decl.pattern)
    except re2.error as error:
        yield bad_pattern(written, said_by_re2(error))
        return
    if bad := [ch for ch in decl.pattern if not ch.isspace() and fold(ch) not in (ch, "")]:
        yield unfolded_pattern(written, bad[0], fold(bad[0]))


def _table_errors(table: TableDecl) -> Iterator[Diagnostic]:
    by_name = {column.name: column for column in table.columns}
    if table.time is not None and by_name[table.time].type not in _TIMES:
        times = [column.name for column in table.columns if column.type in _TIMES]
        yield Diagnostic(
            "QC215",
            Text(
                f"表“{table.name}”的时间列“{table.time}”要在“列”里写成日期或时间",
                f"“{table.time}”, the time of “{table.name}”, must be a date or datetime column",
            ),
            table.span,
            did_you_mean(table.time, times),
        )
    key = by_name.get(table.key or "")
    if key is not None and key.type not in ("text", "category"):
        message = Text(
            f"表“{table.name}”的键“{table.key}”必须是文本",
            f"“{table.key}”, the key of “{table.name}”, must be a text column",
        )
        yield Diagnostic("QC215", message, table.span)


def _clashes(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Names that a database could not tell apart, or that could mean two things."""
    qualified = {f"{t.name}.{c.name}" for t in rulebook.tables for c in t.columns}
    for field in rulebook.fields:
        if field.name in qualified:
            message = Text(
                f"字段“{field.name}”和表的列同名", f"“{field.name}” is a column of a table too"
            )
            yield Diagnostic("QC219", message, field.span)
    groups: list[Sequence[TableDecl | FieldDecl]] = [rulebook.tables]
    groups += [table.columns for table in rulebook.tables]
    for group in groups:
        seen: dict[str, str] = {}
        for decl in group:
            first = seen.setdefault(decl.name.casefold(), decl.name)
            if first != decl.name:
                message = Text(
                    f"“{decl.name}”和“{first}”只差大小写",
                    f"“{decl.name}” and “{first}” differ in case only",
                )
                yield Diagnostic("QC219", message, decl.span)
    for table in rulebook.tables:
        if table.name.casefold() == CASES:
            message = Text("表名不能是 records", "A table cannot be named records")
            yield Diagnostic("QC219", message, table.span)
