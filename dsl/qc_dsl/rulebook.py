"""What a rulebook file says: its declarations and the trees of its sentences, with places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qc_dsl import ast
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping

Section = Literal["applicability", "exceptions", "rules"]


Record = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class FieldDecl:
    """A field of the case, or a column of a table (then ``name`` is the bare column).

    ``source``: the field whose text holds this one (取自), under one of the ``headings`` and cut
    out by ``pattern`` (group 1, else the whole match). ``blanks``: cells that count as not
    written. ``since`` and ``until``: the two times whose distance this duration is.
    """

    name: str
    span: Span
    type: str
    columns: tuple[str, ...]
    label: str | None
    separator: str | None
    values: tuple[str, ...]
    source: str | None = None
    headings: tuple[str, ...] = ()
    pattern: str | None = None
    blanks: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class TableDecl:
    """A related table: rows that belong to a case.

    ``key`` names a row, ``case`` is the column with the case's key (None: the key's own name),
    ``time`` the column that orders rows, ``files`` the names under which data may carry it.
    """

    name: str
    span: Span
    key: str | None
    case: str | None
    time: str | None
    files: tuple[str, ...]
    columns: tuple[FieldDecl, ...]


@dataclass(frozen=True)
class TermDecl:
    """A list of words, synonyms joined by ``=``.

    A group of a file's list is a list of its own, named ``list.group``; ``of`` is the list.
    """

    name: str
    span: Span
    words: tuple[str, ...]
    of: str | None = None


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
    exceptions: tuple[PhraseDecl, ...] = ()


@dataclass(frozen=True)
class QuestionDecl:
    """A question for the model: what it sees, how it decides, what its answers mean.

    One with a ``name`` (问题) is used as a condition; its answers mean ``"true"`` or ``"false"``.
    """

    text: str
    show: tuple[str, ...]
    criteria: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]
    examples: tuple[tuple[tuple[tuple[str, str], ...], str], ...]
    review_below: float
    decide_at: float
    span: Span
    name: str = ""


@dataclass(frozen=True)
class ScoreDecl:
    """Points from ``total`` down; grade 甲 from ``a``, 乙 from ``b``, else 丙."""

    total: float
    a: float
    b: float


@dataclass(frozen=True)
class CaseDecl:
    """An inline test: a record, the verdict it must get and the rules it must get it from.

    ``tables``: the rows of each table that the test has (one left out was not extracted).
    ``findings``: the rules of the findings, exactly, one a row. ``answers``: what the model is
    taken to answer, by the question's name. ``todo``: it is known not to hold yet.
    """

    record: Record
    expected: str
    rules: tuple[str, ...]
    span: Span
    tables: tuple[tuple[str, tuple[Record, ...]], ...] = ()
    findings: tuple[str, ...] | None = None
    answers: tuple[tuple[str, str], ...] = ()
    todo: bool = False


@dataclass(frozen=True)
class Rulebook:
    """Everything a rulebook file says. ``otherwise`` is a question, a verdict or nothing.

    ``test_files`` are the files of further tests, as written: they are read only to be run.
    """

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
    tables: tuple[TableDecl, ...] = ()
    questions: tuple[QuestionDecl, ...] = ()
    score: ScoreDecl | None = None
    department: str | None = None
    sources: tuple[Source, ...] = ()
    roots: tuple[Mapping, ...] = ()
    test_files: tuple[tuple[str, Span], ...] = ()

    @property
    def verdicts(self) -> tuple[str, ...]:
        return tuple(v for v in (self.passed, self.failed, self.excluded) if v)

    def section_span(self, *keys: str) -> Span:
        """The place of the first of these top-level keys that the file has."""
        found = (key.span for key, _ in self.root.items if key.value in keys)
        return next(found, self.root.span)
