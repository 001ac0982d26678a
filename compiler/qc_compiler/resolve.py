"""What the names of a rulebook stand for, and whether its declarations make sense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qc_compiler.ir import Column
from qc_compiler.terms import Terms
from qc_compiler.values import Field, FieldType
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.rulebook import FieldDecl, Rulebook


@dataclass(frozen=True)
class Scope:
    """The names that sentences may use, resolved: typed fields, folded terms, phrases."""

    fields: dict[str, Field]
    terms: dict[str, Terms]
    phrases: dict[str, ast.Condition]

    def column(self, name: ast.Name) -> Column:
        return Column(name.text, self.fields[name.text].type)


def unsound(rulebook: Rulebook) -> tuple[Diagnostic, ...]:
    """What is wrong with the declarations of fields and terms."""
    return (*_field_errors(rulebook), *_term_errors(rulebook))


def resolve(rulebook: Rulebook) -> Scope:
    """The scope of a rulebook. Raises `QcError` for phrases that are defined by themselves."""
    if cycles := [*_phrase_cycles(rulebook)]:
        raise QcError(*cycles)
    return Scope(
        {field.name: field for field in _fields(rulebook)},
        {term.name: Terms.of(term.words) for term in rulebook.terms},
        {phrase.name: phrase.condition for phrase in rulebook.phrases},
    )


def _fields(rulebook: Rulebook) -> Iterator[Field]:
    """The declared fields; the key is a text field whether or not it is declared."""
    if all(decl.name != rulebook.key for decl in rulebook.fields):
        yield Field(rulebook.key, FieldType.TEXT, (rulebook.key,))
    for decl in rulebook.fields:
        yield Field(
            decl.name,
            FieldType(decl.type),
            decl.columns,
            decl.label,
            (decl.separator or "+") if decl.type == FieldType.LIST else None,
            tuple(map(fold, decl.values)),
        )


def _field_errors(rulebook: Rulebook) -> Iterator[Diagnostic]:
    for decl in rulebook.fields:
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
        if decl.name == rulebook.key and decl.type != "text":
            yield Diagnostic(
                "QC208",
                Text("主键的类型必须是文本", "The key must be a text field"),
                decl.span,
            )


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


def _phrase_cycles(rulebook: Rulebook) -> Iterator[Diagnostic]:
    uses = {phrase.name: set(_phrases_in(phrase.condition)) for phrase in rulebook.phrases}
    for phrase in rulebook.phrases:
        reached: set[str] = set()
        frontier = set(uses[phrase.name])
        while frontier:
            reached |= frontier
            frontier = {n for name in frontier for n in uses.get(name, ())} - reached
        if phrase.name in reached:
            yield Diagnostic(
                "QC210",
                Text(f"说法“{phrase.name}”绕回了自己", f"“{phrase.name}” is defined by itself"),
                phrase.span,
            )


def _phrases_in(condition: ast.Condition) -> Iterator[str]:
    if isinstance(condition, ast.Phrase):
        yield condition.name.text
    elif isinstance(condition, ast.Not):
        yield from _phrases_in(condition.item)
    elif isinstance(condition, (ast.And, ast.Or)):
        for item in condition.items:
            yield from _phrases_in(item)
