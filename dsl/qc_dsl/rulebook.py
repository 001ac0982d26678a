"""What a rulebook file says: its declarations and the trees of its sentences, with places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qc_dsl import ast
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping

Section = Literal["applicability", "exceptions", "rules"]


@dataclass(frozen=True)
class FieldDecl:
    name: str
    span: Span
    type: str
    columns: tuple[str, ...]
    label: str | None
    separator: str | None
    values: tuple[str, ...]


@dataclass(frozen=True)
class TermDecl:
    name: str
    span: Span
    words: tuple[str, ...]


@dataclass(frozen=True)
class PhraseDecl:
    name: str
    span: Span
    condition: ast.Condition


@dataclass(frozen=True)
class RuleDecl:
    """A labelled sentence, the section it stands in and its priority there (higher first)."""

    id: str
    section: Section
    priority: int
    sentence: ast.Sentence
    text: str
    span: Span


@dataclass(frozen=True)
class QuestionDecl:
    """A question for the model: what it sees, how it decides, what its answers mean."""

    text: str
    show: tuple[str, ...]
    criteria: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]
    examples: tuple[tuple[tuple[tuple[str, str], ...], str], ...]
    review_below: float
    decide_at: float
    span: Span


@dataclass(frozen=True)
class CaseDecl:
    """An inline test: a record, the verdict it must get and the rules it must get it from."""

    record: tuple[tuple[str, str | None], ...]
    expected: str
    rules: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Rulebook:
    """Everything a rulebook file says. ``otherwise`` is a question, a verdict or nothing."""

    source: Source
    title: str
    id: str
    version: str
    basis: str
    passed: str
    failed: str
    excluded: str | None
    key: str
    fields: tuple[FieldDecl, ...]
    terms: tuple[TermDecl, ...]
    phrases: tuple[PhraseDecl, ...]
    rules: tuple[RuleDecl, ...]
    otherwise: QuestionDecl | str | None
    tests: tuple[CaseDecl, ...]
    root: Mapping

    @property
    def verdicts(self) -> tuple[str, ...]:
        return tuple(v for v in (self.passed, self.failed, self.excluded) if v)

    def section_span(self, *keys: str) -> Span:
        """The place of the first of these top-level keys that the file has."""
        found = (key.span for key, _ in self.root.items if key.value in keys)
        return next(found, self.root.span)
