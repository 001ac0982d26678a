"""A compiled rulebook: what the runtime runs. Frozen, and the same for the same text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from qc_compiler import ir
from qc_compiler.values import Field
from qc_dsl import ast
from qc_dsl.lang import Lang

Layout = Literal["question_first", "record_first"]


class Kind(StrEnum):
    """What a verdict counts as in the indicator."""

    PASS = "pass"
    FAIL = "fail"
    EXCLUDE = "exclude"


@dataclass(frozen=True)
class Verdict:
    name: str
    kind: Kind


@dataclass(frozen=True)
class Clause:
    """A part of a sentence as a person reads it, with what it means.

    ``expr`` is not simplified: it has the shape of ``condition``, so that the two can be walked
    side by side. Those of an obligation are its scope (当), its exceptions (除外, by ``label``) and
    what it demands (须), about the row of 每条 where there is one.
    """

    role: Literal["scope", "condition", "exception", "must"]
    condition: ast.Condition
    expr: ir.Expr
    label: str = ""


@dataclass(frozen=True)
class Arm:
    """When ``expr`` is true the rule says ``verdict`` (an index into the verdicts)."""

    rule: int
    expr: ir.Expr
    verdict: int


@dataclass(frozen=True)
class Rule:
    """A labelled sentence. ``clauses`` are for explanation; its arms are in the levels."""

    id: str
    sentence: ast.Sentence
    text: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Level:
    """Rules of equal standing; every level before it goes first."""

    layer: Literal["gates", "exceptions", "rules"]
    priority: int
    arms: tuple[Arm, ...]


@dataclass(frozen=True)
class Question:
    """What the model is asked: about a record that no rule decides, or within a condition.

    ``fields`` are shown, in this order, under ``labels``. ``answers`` pairs each answer with
    the index of its verdict; ``codes`` are what the model writes for them. ``decide_at`` is the
    probability from which the first answer is taken; ``review_below`` the confidence under
    which a person decides.

    One within a condition (`ir.Ask`) has an ``id``, and its answers have ``truths`` instead of
    verdicts. Its ``columns`` are those of the case, or of a table under the table's own name;
    ``fields`` are their keys.
    """

    text: str
    fields: tuple[str, ...]
    labels: tuple[str, ...]
    criteria: tuple[str, ...]
    answers: tuple[tuple[str, int], ...]
    codes: tuple[str, ...]
    examples: tuple[tuple[tuple[tuple[str, str], ...], int], ...]
    review_below: float
    decide_at: float
    id: str = ""
    columns: tuple[ir.Column, ...] = ()
    truths: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Table:
    """A related table: many rows a case.

    ``key`` names a row; ``case`` are the columns that may hold the case's key, best first;
    ``time`` orders the rows. ``files`` are the names under which data may carry it.
    """

    name: str
    key: str | None
    case: tuple[str, ...]
    time: str | None
    files: tuple[str, ...]
    columns: tuple[Field, ...]


@dataclass(frozen=True)
class Obligation:
    """What must hold of every row of a table (or of the case) for which ``scope`` holds.

    ``row`` is the variable of the row, empty without a table. A true exception exempts the row,
    under its label. Where ``must`` is false there is a finding with this ``message``, whose
    columns are put in from the row and its case.
    """

    rule: int
    table: str | None
    row: str
    scope: ir.Expr
    must: ir.Expr
    exceptions: tuple[tuple[str, ir.Expr], ...]
    message: tuple[str | ir.Column, ...]
    points: float


@dataclass(frozen=True)
class Score:
    """Points from ``total`` down; grade 甲 from ``a``, 乙 from ``b``, else 丙."""

    total: float
    a: float
    b: float


TestRecord = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class TestCase:
    """An inline test; ``expected`` is a verdict's name or a status.

    ``tables`` holds the rows of every table that was extracted. ``findings`` are the rules of
    the findings, one a row; `None`: not tested. ``answers`` pairs a question's id with what the
    model is taken to answer. ``todo``: it is known not to hold yet.
    """

    record: TestRecord
    expected: str
    rules: tuple[str, ...]
    place: str
    tables: tuple[tuple[str, tuple[TestRecord, ...]], ...] = ()
    findings: tuple[str, ...] | None = None
    answers: tuple[tuple[str, str], ...] = ()
    todo: bool = False


@dataclass(frozen=True)
class Program:
    """Everything that running a rulebook needs.

    ``otherwise`` is a verdict's index, a question, or `None` when the rulebook leaves records
    that no rule decides to a person.
    """

    title: str
    id: str
    version: str
    basis: str
    verdicts: tuple[Verdict, ...]
    key: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    levels: tuple[Level, ...]
    otherwise: Question | int | None
    tests: tuple[TestCase, ...]
    lang: Lang = "zh"
    phrases: tuple[tuple[str, ast.Condition], ...] = ()
    terms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tables: tuple[Table, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    questions: tuple[Question, ...] = ()
    score: Score | None = None
    department: str | None = None

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def verdict(self, name: str) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if verdict.name == name), None)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    def question(self, id_: str) -> Question:
        """The question within conditions of this id."""
        return next(question for question in self.questions if question.id == id_)
