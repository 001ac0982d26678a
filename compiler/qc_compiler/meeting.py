"""Which conditions might be true of one record, told for all pairs at a glance.

A set of ways is an integer, bit *i* for the *i*-th, so that a thousand conditions are held
against a thousand in milliseconds. That two cannot meet is certain; of the others it is for
`qc_compiler.witness` to say.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from qc_compiler import ir
from qc_compiler.satisfiable import Literal
from qc_compiler.values import FieldType
from qc_compiler.ways import Found, Way, Ways

Edge = tuple[float, int]  # a number; 0: itself, 1: whatever is greater, -1: whatever is less
Range = tuple[Edge, Edge]
_NEGATED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_ANY = Way(frozenset(), frozenset(), {})  # of a condition of too many ways: it asks nothing


def meeting(
    exprs: Sequence[ir.Expr], kinds: Sequence[object], ways: Ways
) -> Iterator[tuple[int, int]]:
    """The pairs of different kinds that might meet, by their numbers, in order."""
    found = [ways.of(expr) for expr in exprs]
    for one, other in _at_a_glance(found, kinds, ways):
        if not ways.exclude(found[one], found[other]):
            yield one, other


def _at_a_glance(
    found: Sequence[Found | None], kinds: Sequence[object], ways: Ways
) -> Iterator[tuple[int, int]]:
    cells = [(at, way) for at, one in enumerate(found) for way in (one.ways if one else (_ANY,))]
    meets = _meets([way for _, way in cells], ways)
    of_kind: dict[object, int] = {}
    for cell, (at, _) in enumerate(cells):
        of_kind[kinds[at]] = of_kind.get(kinds[at], 0) | 1 << cell
    for at, group in groupby(range(len(cells)), lambda cell: cells[cell][0]):
        own, near = list(group), 0
        for cell in own:
            near |= meets[cell]
        later = (near & ~of_kind[kinds[at]]) >> own[-1] + 1
        others = (cells[own[-1] + 1 + bit][0] for bit in _bits(later))
        yield from ((at, other) for other, _ in groupby(others))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _meets(cells: Sequence[Way], ways: Ways) -> list[int]:
    """For each way those that nothing at a glance keeps apart from it."""
    meets = [(1 << len(cells)) - 1] * len(cells)
    having: dict[int, int] = {}
    asked: dict[int, dict[int, int]] = {}
    for cell, way in enumerate(cells):
        for literal in way.literals:
            having[literal] = having.get(literal, 0) | 1 << cell
        for column, group in way.asked.items():
            asked.setdefault(column, {})[cell] = group
    for cell, way in enumerate(cells):
        for opposite in way.opposites:
            meets[cell] &= ~having.get(opposite, 0)
    for groups in asked.values():
        for cell, others in _apart(groups, ways):
            meets[cell] &= ~others
    return meets


def _apart(groups: Mapping[int, int], ways: Ways) -> Iterator[tuple[int, int]]:
    """For ways those that ask for other texts of a column, or for other numbers."""
    known = {group: ways.groups[group] for group in set(groups.values())}
    texts = {group: _texts(asked) for group, asked in known.items()}
    named = ((cell, texts[group]) for cell, group in groups.items())
    yield from _other_texts({cell: one for cell, one in named if one is not None})
    bounds = {group: _bounds(asked) for group, asked in known.items()}
    bounded = ((cell, bounds[group]) for cell, group in groups.items())
    yield from _other_ranges({cell: one for cell, one in bounded if one is not None})


def _texts(asked: tuple[Literal, ...]) -> frozenset[str] | None:
    """The texts of which a column must have one, by what is asked of it."""
    named = [
        frozenset(expr.values)
        for expr, wanted in asked
        if wanted and isinstance(expr, ir.Among) and expr.column.type is not FieldType.LIST
    ]
    return frozenset.intersection(*named) if named else None


def _bounds(asked: tuple[Literal, ...]) -> Range | None:
    """The numbers of which a column must have one."""
    found: list[Range] = []
    for literal in asked:
        match literal:
            case (
                ir.Compare(op=op, right=float(right)) | ir.Lasts(op=op, seconds=float(right)),
                wanted,
            ) if wanted or op in _NEGATED:
                found.append(_range(op if wanted else _NEGATED[op], right))
    return (max(low for low, _ in found), min(high for _, high in found)) if found else None


def _range(op: str, right: float) -> Range:
    low = (right, 1 if op == ">" else 0) if op in (">", ">=", "=") else (-math.inf, 0)
    high = (right, -1 if op == "<" else 0) if op in ("<", "<=", "=") else (math.inf, 0)
    return low, high


def _other_texts(asked: Mapping[int, frozenset[str]]) -> Iterator[tuple[int, int]]:
    """For each conjunction those that ask for other texts of the column."""
    by_text: dict[str, int] = {}
    for cell, texts in asked.items():
        for text in texts:
            by_text[text] = by_text.get(text, 0) | 1 << cell
    everyone = sum(1 << cell for cell in asked)
    for cell, texts in asked.items():
        same = 0
        for text in texts:
            same |= by_text[text]
        yield cell, everyone & ~same


def _other_ranges(asked: Mapping[int, Range]) -> Iterator[tuple[int, int]]:
    """For each conjunction those whose numbers all lie above its own, or all below."""
    above = _beyond({cell: low for cell, (low, _) in asked.items()})
    below = _beyond({cell: _mirrored(high) for cell, (_, high) in asked.items()})
    for cell, (low, high) in asked.items():
        yield cell, above(high) | below(_mirrored(low))


def _mirrored(edge: Edge) -> Edge:
    return -edge[0], -edge[1]


def _beyond(edges: Mapping[int, Edge]) -> Callable[[Edge], int]:
    """To an edge, those whose own edge lies beyond it."""
    ordered = sorted(edges.items(), key=lambda item: item[1])
    own, sets = [edge for _, edge in ordered], [0]
    for cell, _ in reversed(ordered):
        sets.append(sets[-1] | 1 << cell)
    return lambda edge: sets[len(own) - bisect_right(own, edge)]
