"""Values of a column that its predicates suggest, for `qc_compiler.witness` to try."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, pairwise

from qc_compiler import ir
from qc_compiler.values import Field, FieldType, Moment, Value

Literals = tuple[tuple[ir.Leaf, bool], ...]  # predicates, each wanted true or false
_SOME_DAY = datetime(2025, 1, 15, 8, 0)
_HOUR = 3600.0
_LONGEST = 2000  # characters, or items, of a text that is made up


def filler(field: Field) -> Value:
    """A value of a column of which nothing is wanted."""
    if field.type in (FieldType.NUMBER, FieldType.DURATION):
        return 1.0
    if field.type.is_temporal:
        return _at(field, _SOME_DAY)
    text = field.values[0] if field.values else "某"
    return (text,) if field.type is FieldType.LIST else text


def _at(field: Field, when: datetime) -> Moment:
    return Moment.of_day(when.date()) if field.type is FieldType.DATE else Moment(when, when)


def candidates(field: Field, row: str, literals: Literals) -> Iterable[Value]:
    """What a column (of a row, by its variable) might hold so that the literals come out."""
    key = ir.Column(field.name, field.type, row).key
    about = [(leaf, wanted) for leaf, wanted in literals if _is_about(leaf, key)]
    if any(isinstance(leaf, ir.Missing) and wanted for leaf, wanted in about):
        return [None]
    if field.type in (FieldType.NUMBER, FieldType.DURATION):
        return _numbers(literals if _compares(about) else about)
    if field.type.is_temporal:
        return _moments(field, about, literals)
    return _texts(field, about, literals)


def _is_about(leaf: ir.Leaf, key: str) -> bool:
    return any(column.key == key for column in ir.columns(leaf))


def _compares(about: Sequence[tuple[ir.Leaf, bool]]) -> bool:
    """Whether a number is held against another column's."""
    return any(isinstance(e, ir.Compare) and isinstance(e.right, ir.Column) for e, _ in about)


def _numbers(about: Sequence[tuple[ir.Leaf, bool]]) -> Iterator[Value]:
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


def _moments(
    field: Field, about: Sequence[tuple[ir.Leaf, bool]], literals: Literals
) -> Iterator[Value]:
    bounds = {
        side
        for leaf, _ in about
        for side in (getattr(leaf, name, None) for name in ("left", "right", "anchor"))
        if isinstance(side, datetime)
    }
    for bound in sorted(bounds):
        for days in (0, -1, 1):
            yield _at(field, bound + timedelta(days=days))
    yield from (_at(field, _SOME_DAY), _at(field, _SOME_DAY + timedelta(days=2)))
    apart = list(dict.fromkeys(chain.from_iterable(map(_distances, (e for e, _ in literals)))))
    for base in (*sorted(bounds), _SOME_DAY):
        yield from (_at(field, base + timedelta(seconds=seconds)) for seconds in apart)


def _distances(leaf: ir.Leaf) -> Iterator[float]:
    """How far apart, in seconds, two times must be for a predicate to turn over."""
    match leaf:
        case ir.WithinWindow(lo_seconds=low, hi_seconds=high):
            ends = [end for end in (low, high) if math.isfinite(end)]
            yield from (*ends, low - _HOUR, high + _HOUR, (low + high) / 2)
        case ir.Gap(seconds=seconds) | ir.Lasts(seconds=seconds):
            for end in (seconds, seconds + _HOUR, seconds / 2):
                yield from (end, -end)
        case ir.Before():
            yield from (_HOUR, -_HOUR, 86400.0, -86400.0)


def _texts(
    field: Field, about: Sequence[tuple[ir.Leaf, bool]], literals: Literals
) -> Iterator[Value]:
    """Whole values first, then the wanted pieces side by side, then a filler."""
    whole = [v for leaf, w in about if w and isinstance(leaf, ir.Among) for v in leaf.values]
    whole += [sample(leaf.pattern) for leaf, w in about if w and isinstance(leaf, ir.Matches)]
    pieces = [piece for leaf, w in about if w for piece in _pieces(leaf, field.name)]
    pieces = [p for p in pieces if not any(p != other and p in other for other in pieces)]
    sides = [leaf for leaf, w in about if w and isinstance(leaf, ir.SidesDiffer)]
    prefixes = ("左", "右") if sides else ("",)
    joined = "".join(dict.fromkeys(pieces))
    elsewhere = [v for leaf, w in literals if w and isinstance(leaf, ir.Among) for v in leaf.values]
    if any(isinstance(leaf, (ir.SameText, ir.ContainsText)) for leaf, _ in about):
        elsewhere += [p for leaf, w in literals if w for p in _pieces(leaf, "")]
    texts = [*whole, joined, *(p + joined for p in prefixes), *elsewhere, *field.values, "某"]
    for text in filter(None, dict.fromkeys(texts)):
        found = _listed(text, pieces) if field.type is FieldType.LIST else (text,)
        for value in found:
            yield value
            yield from _sized(value, about)


def _pieces(leaf: ir.Leaf, name: str) -> Iterator[str]:
    """What a text must hold for a predicate to be true of it."""
    match leaf:
        case ir.Contains(text=text):
            yield text
        case ir.Affirms(terms=terms) | ir.AffirmsTermsOf(terms=terms) if terms is not None:
            yield terms.words[0]
        case ir.TermsDiffer(column=column, terms=terms):
            yield terms.groups[0 if column.name == name else -1][0]


def _listed(text: str, pieces: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield (text,)
    yield tuple(dict.fromkeys([text, *pieces]))


def _sized(value: Value, about: Sequence[tuple[ir.Leaf, bool]]) -> Iterator[Value]:
    """The value made as long as predicates about its length, or its items, ask."""
    for leaf, _ in about:
        if isinstance(leaf, ir.Long) and isinstance(value, str):
            yield from (value.ljust(n, "某") for n in _sizes(leaf.right, len(value)))
        if isinstance(leaf, ir.Items) and isinstance(value, tuple):
            more = (*value, *(f"某{n}" for n in range(_LONGEST)))
            yield from (more[:n] for n in _sizes(leaf.right, 1))


def _sizes(right: float, least: int) -> Iterator[int]:
    sizes = (math.floor(right), math.floor(right) + 1, math.ceil(right) - 1)
    return (size for size in sizes if least <= size <= _LONGEST)


_CLASSES = {"d": "1", "w": "a", "s": " ", "b": "", "D": "某", "W": "某", "S": "某", "B": ""}
_TOKEN = re.compile(
    r"\\(?P<escaped>.)|\[\^[^\]]*\](?P<other>)|\[(?P<first>\\?.)[^\]]*\]"
    r"|\(\?(?P<flags>:|[a-z]+:?\)?)|(?P<quantifier>[*+?]\??|\{(?P<times>\d+)[^}]*\})|(?P<plain>.)",
    re.DOTALL,
)


def sample(pattern: str) -> str:
    """A text that an everyday pattern might match: its first alternative, each part once.

    A guess: whoever uses it asks the interpreter.
    """
    depth, skipped, out = 0, math.inf, list[str]()
    for token in _TOKEN.finditer(pattern):
        plain = token["plain"]
        if plain == "(" or (token["flags"] or "").endswith(":"):
            depth += 1
        elif plain == ")":
            depth, skipped = depth - 1, math.inf if skipped >= depth else skipped
        elif plain == "|":
            skipped = min(skipped, depth)
        elif depth < skipped:
            out += _said(token, out)
    return "".join(out)


def _said(token: re.Match[str], out: list[str]) -> Iterator[str]:
    if token["times"] is not None:
        yield from out[-1:] * (int(token["times"]) - 1)
    elif token["escaped"] is not None:
        yield _CLASSES.get(token["escaped"], token["escaped"])
    elif token["first"] is not None:
        yield _CLASSES.get(token["first"][1:], token["first"][-1:])
    elif token["other"] is not None or token["plain"] == ".":
        yield "某"
    elif token["plain"] is not None and token["plain"] not in "^$":
        yield token["plain"]
