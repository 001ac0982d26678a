"""A compiled rulebook: what the runtime runs. Frozen, and the same for the same text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from qc_compiler import ir
from qc_compiler.values import Field
from qc_dsl import ast
from qc_dsl.lang import Lang


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
    side by side.
    """

    role: Literal["scope", "condition"]
    condition: ast.Condition
    expr: ir.Expr


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
    """What the model is asked about a record that no rule decides.

    ``fields`` are shown, in this order, under ``labels``. ``answers`` pairs each answer with
    the index of its verdict; ``codes`` are what the model writes for them. ``decide_at`` is the
    probability from which the first answer is taken; ``review_below`` the confidence under
    which a person decides.
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


@dataclass(frozen=True)
class TestCase:
    """An inline test; ``expected`` is a verdict's name or a status."""

    record: tuple[tuple[str, str | None], ...]
    expected: str
    rules: tuple[str, ...]
    place: str


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

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def verdict(self, name: str) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if verdict.name == name), None)
