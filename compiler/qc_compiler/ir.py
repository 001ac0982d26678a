"""The typed intermediate representation of a condition.

An expression is true, false or unknown for a record (Kleene's strong logic). Every constant in
it is folded, every column carries its type, and nothing refers to the source text any more.
`qc_compiler.interpret` says what each node means; `qc_compiler.sql` must agree with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from qc_compiler.terms import Terms
from qc_compiler.values import FieldType


@dataclass(frozen=True)
class Column:
    """A field of the record, with its type."""

    name: str
    type: FieldType


@dataclass(frozen=True)
class Const:
    value: bool


@dataclass(frozen=True)
class Not:
    item: Expr


@dataclass(frozen=True)
class And:
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Or:
    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Missing:
    """Nothing is written there. The one predicate that is never unknown."""

    column: Column


@dataclass(frozen=True)
class Among:
    """The text, or some item of the list, is one of these folded texts (sorted, unique)."""

    column: Column
    values: tuple[str, ...]


@dataclass(frozen=True)
class Contains:
    """The folded text stands within the text, or within some item of the list."""

    column: Column
    text: str


@dataclass(frozen=True)
class Matches:
    """The RE2 pattern is found within the text, or within some item of the list."""

    column: Column
    pattern: str


@dataclass(frozen=True)
class SameText:
    """The two texts are equal; for a list, some item equals the other text."""

    column: Column
    other: Column


@dataclass(frozen=True)
class ContainsText:
    """The other column's text stands within the text, or within some item of the list."""

    column: Column
    other: Column


@dataclass(frozen=True)
class Compare:
    """A number against a number or another column's."""

    column: Column
    op: Literal["=", "<", "<=", ">", ">="]
    right: float | Column


@dataclass(frozen=True)
class Before:
    """All of the left interval lies before the right one.

    False when none of the left can lie before any of the right, otherwise unknown. Two fields
    of type date are compared as calendar days, so the same day is not before itself.
    """

    left: Column | datetime
    right: Column | datetime


@dataclass(frozen=True)
class SidesDiffer:
    """Both texts name sides (左, 右, 双), and not the same ones."""

    column: Column
    other: Column


@dataclass(frozen=True)
class TermsDiffer:
    """Both texts mention words of the list, and none that is the same or a synonym."""

    column: Column
    other: Column
    terms: Terms


Leaf = (
    Missing
    | Among
    | Contains
    | Matches
    | SameText
    | ContainsText
    | Compare
    | Before
    | SidesDiffer
    | TermsDiffer
)
Expr = Const | Not | And | Or | Leaf


def columns(expr: Expr) -> frozenset[Column]:
    """Every column an expression reads."""
    if isinstance(expr, Const):
        return frozenset()
    if isinstance(expr, Not):
        return columns(expr.item)
    if isinstance(expr, (And, Or)):
        return frozenset().union(*map(columns, expr.items))
    parts = (getattr(expr, name, None) for name in ("column", "other", "left", "right"))
    return frozenset(part for part in parts if isinstance(part, Column))
