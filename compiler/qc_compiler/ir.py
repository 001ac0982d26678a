"""The typed intermediate representation of a condition.

An expression is true, false or unknown for a record (Kleene's strong logic). Every constant in
it is folded, every column carries its type, and nothing refers to the source text any more.
`qc_compiler.interpret` says what each node means; `qc_compiler.sql` must agree with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import get_args

from qc_compiler.leaves import (
    Affirms,
    AffirmsTermsOf,
    Among,
    Ask,
    Before,
    Column,
    Compare,
    Comparison,
    Contains,
    ContainsText,
    Gap,
    Items,
    Lasts,
    Leaf,
    Long,
    Matches,
    Missing,
    SameDay,
    SameText,
    SidesDiffer,
    TermsDiffer,
    Unknown,
    WithinWindow,
)

__all__ = [
    "Affirms",
    "AffirmsTermsOf",
    "Among",
    "And",
    "Ask",
    "AtLeast",
    "Before",
    "Column",
    "Compare",
    "Comparison",
    "Const",
    "Contains",
    "ContainsText",
    "Expr",
    "Gap",
    "Items",
    "Lasts",
    "Leaf",
    "Long",
    "Matches",
    "Missing",
    "Not",
    "Or",
    "Picked",
    "Rows",
    "SameDay",
    "SameText",
    "SidesDiffer",
    "TermsDiffer",
    "Unknown",
    "WithinWindow",
    "asks",
    "children",
    "columns",
    "is_flat",
    "is_scalar",
    "tables",
    "walk",
]


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
class AtLeast:
    """At least ``n`` rows of the case's table for which ``where`` is true.

    With t rows true and u unknown: true when t >= n, false when t + u < n, else unknown.
    Unknown also where the table was not extracted. Within ``where`` the variable ``row`` stands
    for the row; ``other_than`` is a variable in scope whose own row does not count.
    """

    row: str
    table: str
    where: Expr
    n: int
    other_than: str | None = None


@dataclass(frozen=True)
class Picked:
    """``then`` of the last (or first) row by time among those for which ``where`` is true.

    Which row that is may be unknown: a candidate is every row, true or unknown, than which no
    true one is definitely later (earlier); a row without a time always is one. Where no row is
    true, that there is no such row is possible too, and counts as false. True when all
    possibilities are true, false when all are false, else unknown; unknown where the table was
    not extracted. ``other_than`` is a variable in scope whose own row is not looked at.
    """

    row: str
    table: str
    time: Column
    last: bool
    where: Expr
    then: Expr
    other_than: str | None = None


Rows = AtLeast | Picked
Expr = Const | Not | And | Or | Rows | Leaf


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions that an expression is made of, in their order."""
    match expr:
        case Not(item=item):
            return (item,)
        case And(items=items) | Or(items=items):
            return items
        case AtLeast(where=where):
            return (where,)
        case Picked(where=where, then=then):
            return (where, then)
        case _:
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """An expression and every one within it, outermost first."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def columns(expr: Expr) -> frozenset[Column]:
    """Every column an expression reads, but for those of the rows it speaks about itself."""
    if isinstance(expr, (AtLeast, Picked)):
        inner = frozenset().union(*map(columns, children(expr)))
        return frozenset(column for column in inner if column.row != expr.row)
    if parts := children(expr):
        return frozenset().union(*map(columns, parts))
    if isinstance(expr, Ask):
        return frozenset(expr.columns)
    found = [getattr(expr, name) for name in _PLACES.get(type(expr), ())]
    return frozenset([part for part in found if isinstance(part, Column)])


# The parts of each kind of leaf that may be columns.
_PLACES: dict[type, tuple[str, ...]] = {
    leaf: tuple(
        part.name
        for part in fields(leaf)
        if part.name in ("column", "other", "left", "right", "anchor")
    )
    for leaf in get_args(Leaf)
}


def tables(expr: Expr) -> frozenset[str]:
    """Every table whose rows an expression goes through."""
    return frozenset(part.table for part in walk(expr) if isinstance(part, (AtLeast, Picked)))


def asks(expr: Expr) -> frozenset[Ask]:
    """Every question within an expression."""
    return frozenset(part for part in walk(expr) if isinstance(part, Ask))


def is_flat(expr: Expr) -> bool:
    """Whether an expression goes through no rows."""
    return not any(isinstance(part, (AtLeast, Picked)) for part in walk(expr))


def is_scalar(expr: Expr) -> bool:
    """Whether an expression is known as soon as nothing that it reads is missing or a day."""
    return not any(isinstance(part, (AtLeast, Picked, Ask, Unknown)) for part in walk(expr))
