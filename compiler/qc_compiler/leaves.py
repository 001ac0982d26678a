"""The predicates of the IR: leaves of an expression, each about columns of one record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from qc_compiler.terms import Terms
from qc_compiler.values import FieldType

Comparison = Literal["=", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Column:
    """A field of the case, or a column of the row that the variable ``row`` stands for."""

    name: str
    type: FieldType
    row: str = ""

    def __hash__(self) -> int:
        # Conditions are looked up by what they are made of, again and again. A name has one type.
        return hash((self.name, self.row))

    @cached_property
    def key(self) -> str:
        """What a record is indexed by."""
        return f"{self.row}.{self.name}" if self.row else self.name


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
    op: Comparison
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


@dataclass(frozen=True)
class Affirms:
    """Some word of the list stands in the text outside negated stretches.

    `qc_compiler.negation` says what is negated. For a list: in some item. ``lines``: a text is
    read by its lines (`qc_compiler.lines`).
    """

    column: Column
    terms: Terms
    lines: bool = False


@dataclass(frozen=True)
class AffirmsTermsOf:
    """Some word of the list that ``other`` affirms is affirmed in the text, or a synonym.

    Without a list the other column's own text (some item of it) is affirmed as it stands.
    ``lines``: texts are read by their lines, but for a text that is looked for as it stands.
    """

    column: Column
    other: Column
    terms: Terms | None
    lines: bool = False


@dataclass(frozen=True)
class Long:
    """The number of characters of the folded text, compared."""

    column: Column
    op: Comparison
    right: float


@dataclass(frozen=True)
class Items:
    """The number of items of a list, compared."""

    column: Column
    op: Comparison
    right: float


@dataclass(frozen=True)
class Lasts:
    """A duration against a number of seconds."""

    column: Column
    op: Comparison
    seconds: float


@dataclass(frozen=True)
class Gap:
    """The distance of two times, either way round, against a number of seconds.

    Times are intervals: true when the comparison holds for all of their instants, false when
    for none, else unknown. Two fields of type date are compared as calendar days.
    """

    column: Column
    other: Column
    op: Comparison
    seconds: float


@dataclass(frozen=True)
class WithinWindow:
    """``column`` minus ``anchor`` lies in [lo_seconds, hi_seconds], both ends included.

    Intervals as for `Gap`. ``calendar``: only the days count, the clock times are left out; so
    they are between two fields of type date.
    """

    column: Column
    anchor: Column | datetime
    lo_seconds: float
    hi_seconds: float
    calendar: bool


@dataclass(frozen=True)
class SameDay:
    """Both times lie on one calendar day."""

    column: Column
    other: Column


@dataclass(frozen=True)
class Unknown:
    """Always unknown."""


@dataclass(frozen=True)
class Ask:
    """What the model says to a question (an id of the program's) about these columns.

    Unknown where a column is missing or no answer is there.
    """

    question: str
    columns: tuple[Column, ...]


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
    | Affirms
    | AffirmsTermsOf
    | Long
    | Items
    | Lasts
    | Gap
    | WithinWindow
    | SameDay
    | Unknown
    | Ask
)
