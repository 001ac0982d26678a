"""The syntax tree of a sentence, as written. Places are outside equality."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal as OneOf

from qc_dsl.source import Span


@dataclass(frozen=True, kw_only=True)
class Located:
    """Every node knows its place, which is no part of what it means."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Name(Located):
    """A field, term list, phrase or verdict, by name."""

    text: str


@dataclass(frozen=True)
class Literal(Located):
    """A quoted text, or a number as written."""

    text: str
    kind: OneOf["text", "number"]


Operand = Name | Literal


class Op(StrEnum):
    """Predicates, named after the canonical keyword's entry in `qc_dsl.keywords`."""

    EQ = "EQ"
    NE = "NE"
    IN = "IN"
    NOT_IN = "NOT_IN"
    CONTAINS = "CONTAINS"
    NOT_CONTAINS = "NOT_CONTAINS"
    CONTAINS_ANY = "CONTAINS_ANY"
    CONTAINS_ALL = "CONTAINS_ALL"
    MATCHES = "MATCHES"
    IS_BLANK = "IS_BLANK"
    NOT_BLANK = "NOT_BLANK"
    GT = "GT"
    LT = "LT"
    GE = "GE"
    LE = "LE"
    BEFORE = "BEFORE"
    AFTER = "AFTER"
    NOT_BEFORE = "NOT_BEFORE"
    NOT_AFTER = "NOT_AFTER"
    SIDES_DIFFER = "SIDES_DIFFER"
    TERMS_DIFFER = "TERMS_DIFFER"


Join = OneOf["any", "all"]


@dataclass(frozen=True)
class Predicate(Located):
    """``subject op operands``; several operands of 为 and 包含 are joined by 或 or 和."""

    subject: Name
    op: Op
    operands: tuple[Operand, ...] = ()
    join: Join = "any"


@dataclass(frozen=True)
class Phrase(Located):
    """A condition that the rulebook has given a name (说法)."""

    name: Name


@dataclass(frozen=True)
class Not(Located):
    item: Condition


@dataclass(frozen=True)
class And(Located):
    items: tuple[Condition, ...]


@dataclass(frozen=True)
class Or(Located):
    items: tuple[Condition, ...]


Condition = Predicate | Phrase | Not | And | Or


@dataclass(frozen=True)
class Gate(Located):
    """如果 … 直接标记为 …: decides before every other rule."""

    condition: Condition
    verdict: Name


@dataclass(frozen=True)
class Equivalence(Located):
    """当 scope → condition 即视为 verdict，否则 otherwise.

    Without a scope the condition alone decides. Where the scope holds and the condition does
    not, ``otherwise`` is the verdict; without one the rule says nothing.
    """

    scope: Condition | None
    condition: Condition
    verdict: Name
    otherwise: Name | None = None


Sentence = Gate | Equivalence
