"""A record that makes a condition true, built from the condition's own constants.

The condition is brought into disjunctive form; for each conjunction every column gets the
value that its positive predicates ask for, and the interpreter has the last word. The search
is bounded and incomplete by design: it may miss a witness, it never makes one up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, pairwise, product

from qc_compiler import ir
from qc_compiler.interpret import evaluate
from qc_compiler.values import Field, FieldType, Moment, Record, Value

_MOST_CONJUNCTIONS = 64
_MOST_RECORDS = 256
_SOME_DAY = datetime(2025, 1, 15, 8, 0)
Literals = tuple[tuple[ir.Leaf, bool], ...]


class Tries:
    """How many records may still be tried, over many searches."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def find_record(
    expr: ir.Expr, fields: Sequence[Field], tries: Tries | None = None
) -> Record | None:
    """A complete record for which the expression is true, or `None` if none was found.

    Of tables it has no rows at all, so that what is said about rows is never true of it.
    """
    for conjunction in islice(_disjuncts(expr, True), _MOST_CONJUNCTIONS):
        for record in islice(_records(conjunction, fields), _MOST_RECORDS):
            if tries is not None and not tries.take():
                return None
            if evaluate(expr, record) is True:
                return record
    return None


def _disjuncts(expr: ir.Expr, wanted: bool) -> Iterator[Literals]:
    """The conjunctions of leaves, each wanted true or false, whose disjunction it is."""
    if isinstance(expr, ir.Const):
        if expr.value is wanted:
            yield ()
    elif isinstance(expr, ir.Not):
        yield from _disjuncts(expr.item, not wanted)
    elif isinstance(expr, (ir.AtLeast, ir.Picked, ir.Ask, ir.Unknown)):
        return  # rows and answers are not made up
    elif isinstance(expr, (ir.And, ir.Or)):
        if isinstance(expr, ir.And) is wanted:
            parts = [list(islice(_disjuncts(i, wanted), _MOST_CONJUNCTIONS)) for i in expr.items]
            for chosen in product(*parts):
                yield tuple(leaf for part in chosen for leaf in part)
        else:
            for item in expr.items:
                yield from _disjuncts(item, wanted)
    else:
        yield ((expr, wanted),)


def _records(literals: Literals, fields: Sequence[Field]) -> Iterator[Record]:
    """Records in which every column has one of the values its predicates suggest."""
    named = {column.name for leaf, _ in literals for column in ir.columns(leaf)}
    choices = [
        list(_candidates(field, literals)) if field.name in named else [_filler(field)]
        for field in fields
    ]
    for values in product(*choices):
        yield dict(zip((field.name for field in fields), values, strict=True))


def _filler(field: Field) -> Value:
    if field.type in (FieldType.NUMBER, FieldType.DURATION):
        return 1.0
    if field.type.is_temporal:
        return _at(field, _SOME_DAY)
    text = field.values[0] if field.values else "某"
    return (text,) if field.type is FieldType.LIST else text


def _at(field: Field, when: datetime) -> Moment:
    return Moment.of_day(when.date()) if field.type is FieldType.DATE else Moment(when, when)


def _candidates(field: Field, literals: Literals) -> Iterable[Value]:
    about = [(leaf, wanted) for leaf, wanted in literals if _is_about(leaf, field.name)]
    if any(isinstance(leaf, ir.Missing) and wanted for leaf, wanted in about):
        return [None]
    if field.type in (FieldType.NUMBER, FieldType.DURATION):
        return _numbers(about)
    if field.type.is_temporal:
        return _moments(field, about)
    return _texts(field, about, literals)


def _is_about(leaf: ir.Leaf, name: str) -> bool:
    return any(column.name == name for column in ir.columns(leaf))


def _numbers(about: list[tuple[ir.Leaf, bool]]) -> Iterator[Value]:
    bounds = {
        leaf.right
        for leaf, _ in about
        if isinstance(leaf, ir.Compare) and isinstance(leaf.right, float)
    } | {leaf.seconds for leaf, _ in about if isinstance(leaf, ir.Lasts)}
    for bound in sorted(bounds):
        yield from (bound, bound - 1, bound + 1)
    ordered = sorted(bounds)
    for low, high in pairwise(ordered):
        yield (low + high) / 2
    yield from (0.0, 1.0)


def _moments(field: Field, about: list[tuple[ir.Leaf, bool]]) -> Iterator[Value]:
    bounds = {
        side
        for leaf, _ in about
        if isinstance(leaf, ir.Before)
        for side in (leaf.left, leaf.right)
        if isinstance(side, datetime)
    }
    for bound in sorted(bounds):
        for days in (0, -1, 1):
            yield _at(field, bound + timedelta(days=days))
    yield from (_at(field, _SOME_DAY), _at(field, _SOME_DAY + timedelta(days=2)))


def _texts(field: Field, about: list[tuple[ir.Leaf, bool]], literals: Literals) -> Iterator[Value]:
    """Whole values first, then the wanted pieces side by side, then a filler."""
    whole = [v for leaf, w in about if w and isinstance(leaf, ir.Among) for v in leaf.values]
    pieces = [leaf.text for leaf, w in about if w and isinstance(leaf, ir.Contains)]
    pieces += [leaf.terms.words[0] for leaf, w in about if w and isinstance(leaf, ir.Affirms)]
    pieces = [p for p in pieces if not any(p != other and p in other for other in pieces)]
    sides = [leaf for leaf, w in about if w and isinstance(leaf, ir.SidesDiffer)]
    prefixes = ("左", "右") if sides else ("",)
    joined = "".join(dict.fromkeys(pieces))
    elsewhere = [v for leaf, w in literals if w and isinstance(leaf, ir.Among) for v in leaf.values]
    for text in dict.fromkeys([*whole, joined, *(p + joined for p in prefixes), *elsewhere, "某"]):
        if text and field.type is FieldType.LIST:
            yield (text,)
            yield tuple(dict.fromkeys([text, *pieces]))
        elif text:
            yield text
