"""The syntax tree of a sentence, as written. Places are outside equality."""

from __future__ import annotations

from collections.abc import Iterator
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
    """A field, column, table, term list, phrase or verdict, by name as written.

    ``医嘱.药品`` is a table's column, ``本条.药品`` (``this.药品``) that of the row of 每条.
    """

    text: str


@dataclass(frozen=True)
class Literal(Located):
    """A quoted text, or a number as written."""

    text: str
    kind: OneOf["text", "number"]


Unit = OneOf["minute", "hour", "day", "week", "month", "year", "calendar_day"]


@dataclass(frozen=True)
class Amount(Located):
    """A stretch of time: 3 天. Only `Within` knows calendar days (自然日)."""

    number: float
    unit: Unit


Operand = Name | Literal | Amount


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
    MENTIONS = "MENTIONS"
    NOT_MENTIONS = "NOT_MENTIONS"
    LITERAL_MENTIONS = "LITERAL_MENTIONS"
    NOT_LITERAL_MENTIONS = "NOT_LITERAL_MENTIONS"
    SAME_DAY = "SAME_DAY"


Join = OneOf["any", "all"]


@dataclass(frozen=True)
class Predicate(Located):
    """``subject op operands``; several operands of 为 and 包含 are joined by 或 or 和.

    The operands of 提及 are literals, a term list, or a field with the term list of 所属 after it.
    """

    subject: Name
    op: Op
    operands: tuple[Operand, ...] = ()
    join: Join = "any"


@dataclass(frozen=True)
class Phrase(Located):
    """A condition that the rulebook has given a name (说法), or a question of its own (问题)."""

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


@dataclass(frozen=True)
class Measured(Located):
    """A count compared: 主诉 字数 大于 20, 手术记录 项数, A 与 B 间隔 大于 3 小时, T 的数量.

    ``other`` and an `Amount` belong to a gap only; the subject of ``rows`` is a table.
    """

    what: OneOf["length", "items", "gap", "rows"]
    subject: Name
    other: Name | None
    op: Op
    amount: Literal | Amount


Direction = OneOf["after", "before", "around"]


@dataclass(frozen=True)
class Within(Located):
    """subject 在 anchor 后 3 天内; both ends belong to the window."""

    subject: Name
    anchor: Name | Literal
    direction: Direction
    amount: Amount


Quantifier = OneOf[
    "exists", "not_exists", "at_least", "at_most", "exactly", "all", "all_or_none",
    "latest", "first",
]  # fmt: skip


@dataclass(frozen=True)
class Quantified(Located):
    """Something about the rows of a table: 存在 病程，…; 至少 2 条 体温 …; 最近一条 检验 ….

    ``other`` leaves out the row of the same table that is in scope (另一条, 另外的). ``filter`` is
    what 最近一条 and 首条 choose among. Without a ``body`` every row will do.
    """

    kind: Quantifier
    table: Name
    count: int = 1
    other: bool = False
    filter: Condition | None = None
    body: Condition | None = None


Asked = OneOf["same_procedure", "related", "contradict", "reflects", "conforms", "judge"]


@dataclass(frozen=True)
class Ask(Located):
    """A semantic predicate of the language's own: A 与 B 为同一手术, A 体现 “…”.

    ``fields`` may be empty for ``judge`` only: all texts of the case.
    """

    kind: Asked
    fields: tuple[Name, ...]
    text: Literal | None = None
    negated: bool = False


Condition = Predicate | Phrase | Not | And | Or | Measured | Within | Quantified | Ask


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


@dataclass(frozen=True)
class Obligation(Located):
    """每条 table 当 scope：须 condition，否则 缺陷 message 扣 points 分.

    Without a table it is about the case. The message may hold ``{placeholders}``, which
    `placeholders` finds; what they name is the compiler's business.
    """

    table: Name | None
    scope: Condition | None
    condition: Condition
    message: Literal
    points: float = 0


Sentence = Gate | Equivalence | Obligation


def children(condition: Condition) -> tuple[Condition, ...]:
    """The conditions that a condition is made of, in their order."""
    match condition:
        case Not(item=item):
            return (item,)
        case And(items=items) | Or(items=items):
            return items
        case Quantified(filter=filter_, body=body):
            return tuple(part for part in (filter_, body) if part is not None)
        case _:
            return ()


def conditions(sentence: Sentence) -> tuple[Condition, ...]:
    """The conditions of a sentence: its scope (where it has one), then what it tests."""
    scope = None if isinstance(sentence, Gate) else sentence.scope
    return (sentence.condition,) if scope is None else (scope, sentence.condition)


def walk(condition: Condition) -> Iterator[Condition]:
    """A condition and every condition within it, outermost first."""
    yield condition
    for child in children(condition):
        yield from walk(child)


def own_names(condition: Condition) -> tuple[Name, ...]:
    """The names that a condition itself uses, not those of the conditions within it."""
    match condition:
        case Predicate(subject=subject, operands=operands):
            return (subject, *(o for o in operands if isinstance(o, Name)))
        case Phrase(name=name):
            return (name,)
        case Measured(subject=subject, other=other):
            return (subject,) if other is None else (subject, other)
        case Within(subject=subject, anchor=anchor):
            return (subject, anchor) if isinstance(anchor, Name) else (subject,)
        case Quantified(table=table):
            return (table,)
        case Ask(fields=fields):
            return fields
        case _:
            return ()


def names(condition: Condition) -> Iterator[Name]:
    """Every name that a condition uses, at any depth, in the order of the tree."""
    for part in walk(condition):
        yield from own_names(part)
