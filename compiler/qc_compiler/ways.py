"""The ways in which conditions come out true, and which two of them exclude each other.

A rulebook's conditions ask the same things of the same columns again and again: each is given
a number and settled once, by `qc_compiler.satisfiable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qc_compiler import ir
from qc_compiler.satisfiable import Declared, Literal, column_of, conjunctions, no_rows, no_value


@dataclass(frozen=True, eq=False)
class Way:
    """A conjunction that is not impossible.

    ``asked`` are its literals, by number, of each single column, by number. Those of an
    expression and of its negation differ in the last bit.
    """

    literals: frozenset[int]
    opposites: frozenset[int]
    asked: dict[int, int]


@dataclass(frozen=True)
class Found:
    """The ways of an expression, their number with the impossible, all columns it reads."""

    ways: tuple[Way, ...]
    count: int
    columns: frozenset[int]


class Ways:
    """Remembers what it has been asked."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.columns: list[ir.Column] = []
        self.groups: list[tuple[Literal, ...]] = []  # what is asked of a column
        self._found: dict[ir.Expr, Found | None] = {}
        self._never: dict[ir.Expr, bool] = {}
        self._column_numbers: dict[ir.Column, int] = {}
        self._numbers: dict[ir.Expr, int] = {}
        self._about: list[int | None] = []  # the number of the column that an expression is about
        self._hopeless: set[int] = set()
        self._group_numbers: dict[tuple[int, ...], int] = {}
        self._nothing: list[bool] = []  # whether no value does what a group asks
        self._clashes: dict[tuple[int, int], bool] = {}

    def of(self, expr: ir.Expr) -> Found | None:
        """The ways in which an expression comes out true; `None` where there are too many."""
        if expr not in self._found:
            self._found[expr] = self._ways(expr)
        return self._found[expr]

    def _ways(self, expr: ir.Expr) -> Found | None:
        found = conjunctions(expr)
        if found is None:
            return None
        ways = (self._way(one) for one in found)
        columns = frozenset(map(self._column, ir.columns(expr)))
        return Found(tuple(way for way in ways if way is not None), len(found), columns)

    def never(self, expr: ir.Expr) -> bool:
        """Whether no record at all makes an expression true."""
        known = self._never.get(expr)
        if known is None:
            found = conjunctions(expr)
            known = found is not None and all(self._way(one) is None for one in found)
            self._never[expr] = known
        return known

    def clash(self, one: Way, other: Way) -> bool:
        """Whether two ways cannot both be."""
        if not one.literals.isdisjoint(other.opposites):
            return True
        for column, asked in other.asked.items():
            mine = one.asked.get(column)
            if mine is not None and self._no_value(mine, asked):
                return True
        return False

    def exclude(self, one: Found | None, other: Found | None) -> bool:
        """Whether no way of one condition goes with any of the other."""
        if one is None or other is None:
            return False
        return all(self.clash(way, second) for way in one.ways for second in other.ways)

    def _no_value(self, one: int, other: int) -> bool:
        known = self._clashes.get((one, other))
        if known is None:
            asked = (*self.groups[one], *self.groups[other])
            column = column_of(asked[0][0])
            assert column is not None
            known = self._clashes[one, other] = no_value(column, asked, self.declared)
        return known

    def _way(self, literals: Sequence[Literal]) -> Way | None:
        by_number = {self._literal(one): one for one in literals}
        opposites = frozenset(number ^ 1 for number in by_number)
        if not opposites.isdisjoint(by_number) or not self._hopeless.isdisjoint(by_number):
            return None
        of_column: dict[int, list[int]] = {}
        for number in by_number:
            if (column := self._about[number >> 1]) is not None:
                of_column.setdefault(column, []).append(number)
        asked = {
            column: self._group(tuple(numbers), (by_number[n] for n in numbers))
            for column, numbers in of_column.items()
        }
        if any(self._nothing[group] for group in asked.values()):
            return None
        return Way(frozenset(by_number), opposites, asked)

    def _literal(self, literal: Literal) -> int:
        expr, wanted = literal
        number = self._numbers.get(expr)
        if number is None:
            number = self._numbers[expr] = len(self._numbers)
            column = column_of(expr)
            self._about.append(None if column is None else self._column(column))
            if no_rows(expr, self.declared):
                self._hopeless.add(number << 1 | 1)
        return number << 1 | wanted

    def _column(self, column: ir.Column) -> int:
        number = self._column_numbers.setdefault(column, len(self.columns))
        if number == len(self.columns):
            self.columns.append(column)
        return number

    def _group(self, numbers: tuple[int, ...], literals: Iterable[Literal]) -> int:
        group = self._group_numbers.setdefault(numbers, len(self.groups))
        if group == len(self.groups):
            asked = tuple(literals)
            self.groups.append(asked)
            column = self.columns[self._about[numbers[0] >> 1] or 0]
            self._nothing.append(no_value(column, asked, self.declared))
        return group
