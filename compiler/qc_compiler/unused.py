"""Declarations that nothing in the rulebook mentions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qc_compiler.bindings import THIS
from qc_dsl import ast
from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_dsl.rulebook import (
    FieldDecl,
    PhraseDecl,
    QuestionDecl,
    Rulebook,
    TableDecl,
    TermDecl,
)
from qc_dsl.source import Span

Declared = FieldDecl | TermDecl | PhraseDecl | QuestionDecl | TableDecl


def unused(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Fields, terms, phrases, questions, tables and their columns that are never used.

    Not those of included files: a library offers more than one rulebook uses. Nor a field with
    headings: it says where other sections end.
    """
    used = set(_mentioned(rulebook))

    def own(name: str, decl: Declared) -> Iterator[Diagnostic]:
        if decl.span.source is rulebook.source and not getattr(decl, "headings", ()):
            yield _warning(name, decl.span)

    kinds = (rulebook.fields, rulebook.terms, rulebook.phrases, rulebook.questions)
    for kind in kinds:
        for decl in kind:
            if decl.name not in used and not _group_used(decl.name, rulebook, used):
                yield from own(decl.name, decl)
    for table in rulebook.tables:
        if not _is_used(table, used):
            yield from own(table.name, table)
            continue
        for column in table.columns:
            if not _column_used(table, column, used):
                yield from own(f"{table.name}.{column.name}", column)


def _mentioned(rulebook: Rulebook) -> Iterator[str]:
    """Every name that a sentence, a message, a question or another declaration uses."""
    conditions = [phrase.condition for phrase in rulebook.phrases]
    for rule in rulebook.rules:
        conditions += ast.conditions(rule.sentence)
        conditions += [exception.condition for exception in rule.exceptions]
        if isinstance(rule.sentence, ast.Obligation):
            yield from re.findall(r"\{\s*([^{}]*?)\s*\}", rule.sentence.message.text)
            yield from (table.text for table in (rule.sentence.table,) if table)
    for condition in conditions:
        yield from (name.text for name in ast.names(condition))
    yield from (name for name in (rulebook.key, rulebook.department) if name)
    yield from getattr(rulebook.otherwise, "show", ())
    for question in rulebook.questions:
        yield from question.show
    for declared in (rulebook.fields, *(table.columns for table in rulebook.tables)):
        for decl in declared:
            yield from (n for n in (decl.source, decl.since, decl.until) if n)


def _group_used(name: str, rulebook: Rulebook, used: set[str]) -> bool:
    """A list of a file is used where one of its groups is, and the other way round."""
    names = {term.name for term in rulebook.terms}
    whole = name.rpartition(".")[0]
    if whole in names:
        return True  # its file was read for the whole list; which groups there are is the file's
    return name in names and any(other.startswith(f"{name}.") for other in used)


def _is_used(table: TableDecl, used: set[str]) -> bool:
    return table.name in used or any(name.startswith(f"{table.name}.") for name in used)


def _column_used(table: TableDecl, column: FieldDecl, used: set[str]) -> bool:
    """By its name in whatever form; its table's key and time are used by every finding."""
    forms = {column.name, *(f"{head}.{column.name}" for head in (table.name, *THIS))}
    return bool(forms & used) or column.name in (table.key, table.case, table.time)


def _warning(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "QC303",
        Text(f"“{name}”从未用到", f"“{name}” is never used"),
        span,
        severity="warning",
    )
