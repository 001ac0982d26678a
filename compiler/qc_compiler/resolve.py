"""What the names of a rulebook stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from qc_compiler.ir import Column
from qc_compiler.program import Table
from qc_compiler.terms import Terms
from qc_compiler.values import Field, FieldType
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Lang, Text
from qc_dsl.rulebook import FieldDecl, QuestionDecl, Rulebook, TableDecl

MAX_PHRASES = 20  # that use each other, in a chain


@dataclass(frozen=True)
class Scope:
    """The names that sentences may use, resolved: typed fields, folded terms, phrases, tables."""

    fields: dict[str, Field]
    terms: dict[str, Terms]
    phrases: dict[str, ast.Condition]
    tables: dict[str, Table] = field(default_factory=dict)
    questions: dict[str, QuestionDecl] = field(default_factory=dict)
    key: str = ""
    lang: Lang = "zh"

    def column(self, name: ast.Name) -> Column:
        return Column(name.text, self.fields[name.text].type)

    def field_of(self, column: Column, table: str | None) -> Field:
        """The declaration of a column, of the case or of a table."""
        if table is None:
            return self.fields[column.name]
        return next(f for f in self.tables[table].columns if f.name == column.name)


def resolve(rulebook: Rulebook) -> Scope:
    """The scope of a rulebook. Raises `QcError` for phrases that are defined by themselves."""
    if cycles := [*_phrase_cycles(rulebook)]:
        raise QcError(*cycles)
    return Scope(
        {field.name: field for field in _fields(rulebook)},
        {term.name: Terms.of(term.words) for term in rulebook.terms},
        {phrase.name: phrase.condition for phrase in rulebook.phrases},
        {decl.name: _table(decl, rulebook) for decl in rulebook.tables},
        {decl.name: decl for decl in rulebook.questions},
        rulebook.key,
        "zh" if rulebook.root.get("规则集") else "en",
    )


def _fields(rulebook: Rulebook) -> Iterator[Field]:
    """The declared fields; the key is a text field whether or not it is declared."""
    if all(decl.name != rulebook.key for decl in rulebook.fields):
        yield Field(rulebook.key, FieldType.TEXT, (rulebook.key,))
    yield from map(_field, rulebook.fields)


def _field(decl: FieldDecl) -> Field:
    return Field(
        decl.name,
        FieldType(decl.type),
        decl.columns,
        decl.label,
        (decl.separator or "+") if decl.type == FieldType.LIST else None,
        tuple(map(fold, decl.values)),
        decl.source,
        decl.headings,
        decl.pattern,
        tuple(map(fold, decl.blanks)),
        decl.since,
        decl.until,
    )


def _table(decl: TableDecl, rulebook: Rulebook) -> Table:
    """A table; its key is a text column whether or not it is declared."""
    columns = tuple(map(_field, decl.columns))
    if decl.key and all(column.name != decl.key for column in columns):
        columns = (Field(decl.key, FieldType.TEXT, (decl.key,)), *columns)
    known = next((f.columns for f in rulebook.fields if f.name == rulebook.key), ())
    case = (decl.case,) if decl.case else tuple(dict.fromkeys((rulebook.key, *known)))
    return Table(decl.name, decl.key, case, decl.time, decl.files, columns)


def _phrase_cycles(rulebook: Rulebook) -> Iterator[Diagnostic]:
    uses = {phrase.name: set(_phrases_in(phrase.condition)) for phrase in rulebook.phrases}
    for phrase in rulebook.phrases:
        reached: set[str] = set()
        frontier, levels = set(uses[phrase.name]), 0
        while frontier:
            reached, levels = reached | frontier, levels + 1
            frontier = {n for name in frontier for n in uses.get(name, ())} - reached
        if phrase.name in reached:
            yield Diagnostic(
                "QC210",
                Text(f"说法“{phrase.name}”绕回了自己", f"“{phrase.name}” is defined by itself"),
                phrase.span,
            )
        elif levels > MAX_PHRASES:
            yield Diagnostic(
                "QC210",
                Text(
                    f"说法“{phrase.name}”一层套一层，超过 {MAX_PHRASES} 层",
                    f"“{phrase.name}” is phrases of phrases, more than {MAX_PHRASES} deep",
                ),
                phrase.span,
            )


def _phrases_in(condition: ast.Condition) -> Iterable[str]:
    return (part.name.text for part in ast.walk(condition) if isinstance(part, ast.Phrase))
