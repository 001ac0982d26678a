"""Which of many conditions leave nothing to another: every record that it holds of, they do.

The proof is that of `qc_compiler.satisfiable`: no way of making the one true goes with a way of
making the other false. So that not every condition is held against every other, each stands in
an index under what a condition must ask that it leaves nothing to.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from qc_compiler import ir
from qc_compiler.satisfiable import MOST, Literal, values_for
from qc_compiler.values import FieldType
from qc_compiler.ways import Way, Ways

NOTHING = -1  # in place of a number: no record at all is left even without the others
_MOST_TRIED = 200_000  # pairs of conditions that are compared: some tenths of a second
_WHOLE = (FieldType.TEXT, FieldType.CATEGORY)  # one text, not a list of them
_Key = tuple[str, int, object]  # a kind of thing asked; of which column, or which literal; what


class Covering:
    """Conditions in an order, and the first of them that covers another.

    ``bounded`` is set where there were more pairs than are compared.
    """

    def __init__(self, ways: Ways) -> None:
        self.bounded = False
        self._ways, self._left = ways, _MOST_TRIED
        self._new: list[ir.Expr] = []  # those that nothing was held against yet
        self._conditions: list[ir.Expr] = []
        self._always: list[int] = []  # those that never come out false, or in too many ways
        self._index: dict[_Key, list[int]] = defaultdict(list)
        self._present: dict[int, list[int]] = defaultdict(list)  # by a column they ask to be there
        self._lengths: dict[int, set[int]] = defaultdict(set)

    def add(self, expr: ir.Expr) -> None:
        """One more condition. One that is false in too many ways to go through covers none."""
        self._new.append(expr)

    def _file(self, expr: ir.Expr) -> None:
        number = len(self._conditions)
        self._conditions.append(expr)
        way = self._rarest(expr)
        if way is None:
            self._always.append(number)
            return
        for key in self._keys(way):
            self._index[key].append(number)
        for column in way.asked:
            self._present[column].append(number)

    def _rarest(self, expr: ir.Expr) -> Way | None:
        """Of the ways of being false, any of which would do, that with fewest under its keys."""
        fewest, found = math.inf, None
        for part in _parts_of(expr):
            false = self._ways.of(ir.Not(part))
            for way in false.ways if false is not None else ():
                others = sum(len(self._index.get(key, ())) for key in self._keys(way))
                if others < fewest:
                    fewest, found = others, way
                if not others:
                    return way
        return found

    def first(self, expr: ir.Expr) -> int | None:
        """The number of the first that covers a condition; `NOTHING` where it can never hold."""
        found = self._ways.of(expr)
        if found is None:
            return None
        if not found.ways:
            return NOTHING
        while self._new:
            self._file(self._new.pop(0))
        for number in self._likely(found.ways[0]):
            false = self._ways.of(ir.Not(self._conditions[number]))
            # What a rule says of further columns leaves room.
            if false is None or not false.columns <= found.columns:
                continue
            if found.count * false.count > MOST:
                continue
            if not self._left:
                self.bounded = True
                return None
            self._left -= 1
            if self._ways.exclude(found, false):
                return number
        return None

    def _likely(self, way: Way) -> list[int]:
        found = set(self._always)
        for key in set(self._wanted(way)):
            found.update(self._index.get(key, ()))
        for column, group in way.asked.items():
            if any(wanted and isinstance(e, ir.Missing) for e, wanted in self._ways.groups[group]):
                found.update(self._present[column])
        return sorted(found)

    def _keys(self, way: Way) -> Iterator[_Key]:
        """What another way must ask, one thing of these at least, to clash with this one."""
        yield from (("is", opposite, None) for opposite in way.opposites)
        for column, group in way.asked.items():
            asked = self._ways.groups[group]
            whole = self._ways.columns[column].type in _WHOLE
            if whole and all(isinstance(e, ir.Among) and not wanted for e, wanted in asked):
                named = (v for e, _ in asked if isinstance(e, ir.Among) for v in e.values)
                yield from (("value", column, value) for value in named)
            elif all(isinstance(e, ir.Contains) and not wanted for e, wanted in asked):
                parts = {e.text for e, _ in asked if isinstance(e, ir.Contains)}
                self._lengths[column] |= set(map(len, parts))
                yield from (("part", column, part) for part in parts)
            else:
                yield "any", column, None

    def _wanted(self, way: Way) -> Iterator[_Key]:
        """The keys under which those stand that this way might clash with."""
        yield from (("is", literal, None) for literal in way.literals)
        for column, group in way.asked.items():
            asked = self._ways.groups[group]
            yield "any", column, None
            whole = self._texts(column, asked)
            held = [e.text for e, wanted in asked if wanted and isinstance(e, ir.Contains)]
            yield from (("value", column, value) for value in whole)
            yield from (("part", column, part) for part in self._parts(column, [*held, *whole]))

    def _texts(self, column: int, asked: tuple[Literal, ...]) -> list[str]:
        """The whole texts that a column has where this is asked of it, if it must be some."""
        one = self._ways.columns[column]
        if one.type not in _WHOLE:
            return []
        return [str(value) for value in values_for(one, asked, self._ways.declared) or ()]

    def _parts(self, column: int, texts: Iterable[str]) -> Iterator[str]:
        """The pieces of texts that are as long as some piece that is looked for."""
        for length in self._lengths.get(column, ()):
            for text in texts:
                yield from (text[at : at + length] for at in range(len(text) - length + 1))


def _parts_of(expr: ir.Expr) -> Iterator[ir.Expr]:
    """What a conjunction is made of, the last first: there rules that are alike begin to differ."""
    if isinstance(expr, ir.And):
        for item in reversed(expr.items):
            yield from _parts_of(item)
    else:
        yield expr
