"""Obligations under two versions: the rows that come out otherwise, and records' outcomes.

A record is left to the obligations where no level decides it. Where only one version leaves it,
its findings there count as gone, or as new, and its outcome there is what they make it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qc_compiler.decide import Open
from qc_compiler.program import Kind, Program
from qc_runtime.prefilter import parts
from qc_runtime.workbench.diffing_codes import Side

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

LEFT = ""  # what the levels leave to obligations, before these have been looked at
_STATES = "CASE WHEN {0}.n IS NULL THEN 'exempt' WHEN {0}.code = 1 THEN 'met' " \
          "WHEN {0}.code = 0 THEN 'violated' ELSE 'open' END"  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """A row (`None`: the case) under an obligation that came out otherwise."""

    number: int
    row: int | None


Duties = dict[tuple[str, str, str], list[Moved]]  # by rule, state before and state after


@dataclass(frozen=True)
class _Query:
    """An obligation of one version: the rows that it is about, with their codes."""

    table: str | None
    text: str


class DutiesCompared:
    """The obligations of both versions on records whose levels' codes are known."""

    def __init__(self, a: Side, b: Side, codes: Sequence[Sequence[int]]) -> None:
        self.sides = (a, b)
        self.left = tuple(
            {number for number, code in enumerate(found) if code == Open.UNCOVERED}
            if side.program.obligations
            else set[int]()
            for side, found in zip(self.sides, codes, strict=True)
        )
        self._queries = tuple(map(_queries, self.sides))
        self._worst: tuple[dict[int, str], ...] = ({}, {})

    @cached_property
    def both(self) -> set[int]:
        """The records that both versions leave to their obligations."""
        return self.left[0] & self.left[1]

    @cached_property
    def mixed(self) -> set[int]:
        """The records that one version leaves to its obligations, and the other does not."""
        return self.left[0] ^ self.left[1]

    def moved(self) -> Duties:
        """Every row whose state differs; of records left by one version alone, the findings."""
        import duckdb

        found: Duties = {}
        a, b = self.sides
        named = dict.fromkeys((*self._queries[0], *self._queries[1]))
        rules = [rule for rule in named if self.mixed or self._differs(rule)]
        if not rules:
            return found
        with _opened(a) as one, _opened(b, beside=a, connection=one) as other:
            for rule in rules:
                old, new = (
                    self._rows(at, connection, rule) for at, connection in enumerate((one, other))
                )
                with duckdb.connect(":memory:") as memory:
                    for number, row, before, after in _differing(memory, old, new):
                        if self._counts(number, (before, after)):
                            found.setdefault((rule, before, after), []).append(Moved(number, row))
        return found

    def _counts(self, number: int, states: Collection[str]) -> bool:
        return number in self.both or (number in self.mixed and "violated" in states)

    def outcome(self, at: int, number: int) -> str:
        """The outcome under one version (0, 1) of a mixed record that it leaves; after `moved`."""
        program = self.sides[at].program
        state = self._worst[at].get(number, "met")
        if state == "violated":
            return _verdict(program, Kind.FAIL)
        if state == "open" or self.sides[at].absent & {one.table for one in program.obligations}:
            return "data_missing"
        if isinstance(program.otherwise, int):
            return program.verdicts[program.otherwise].name
        return _verdict(program, Kind.PASS)

    def _differs(self, rule: str) -> bool:
        one, other = (queries.get(rule) for queries in self._queries)
        same_data = self.sides[0].records is self.sides[1].records
        return not (same_data and one is not None and one == other)

    def _rows(self, at: int, connection: duckdb.DuckDBPyConnection, rule: str) -> pa.Table:
        """The rows of an obligation; those of records that the version does not leave are out."""
        import pyarrow as pa

        found = _run(self.sides[at], connection, self._queries[at].get(rule))
        if not self.mixed:
            return found  # what levels decide, they decide in both versions
        numbers = found.column("n").to_pylist()
        self._note(at, zip(numbers, found.column("code").to_pylist(), strict=True))
        return found.filter(pa.array([number in self.left[at] for number in numbers], pa.bool_()))

    def _note(self, at: int, rows: Iterable[tuple[int, int | None]]) -> None:
        worst, mine = self._worst[at], self.mixed & self.left[at]
        for number, code in rows:
            if number in mine and code != 1 and worst.get(number) != "violated":
                worst[number] = "open" if code is None else "violated"


def _verdict(program: Program, kind: Kind) -> str:
    return next(verdict.name for verdict in program.verdicts if verdict.kind is kind)


def _queries(side: Side) -> Mapping[str, _Query]:
    from qc_compiler.obligation_sql import obligation_query

    absent = side.absent
    return {
        side.program.rules[duty.rule].id: _Query(
            duty.table, obligation_query(side.program, at, absent)
        )
        for at, duty in enumerate(side.program.obligations)
        if duty.table not in absent
    }


@contextmanager
def _opened(
    side: Side, beside: Side | None = None, connection: duckdb.DuckDBPyConnection | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The side's database with its cases; the other side's where both read the same."""
    if beside is not None and connection is not None and beside.records is side.records:
        yield connection
        return
    with side.database.opened(side.arrow) as opened:
        yield opened


def _run(side: Side, connection: duckdb.DuckDBPyConnection, query: _Query | None) -> pa.Table:
    """The rows of an obligation with their codes; none for a rule that the version lacks."""
    import pyarrow as pa

    schema = pa.schema([("n", pa.int32()), ("r", pa.int64()), ("code", pa.int8())])
    if query is None:
        return schema.empty_table()
    row = '"#row"' if query.table else "NULL"
    found = []
    for _ in parts(connection, side.database.tables, len(side.records)):
        read = connection.sql(f'SELECT "#case" AS n, {row} AS r, code FROM ({query.text})')
        found.append(read.to_arrow_table().cast(schema))
    return pa.concat_tables(found)


def _differing(
    memory: duckdb.DuckDBPyConnection, old: pa.Table, new: pa.Table
) -> Collection[tuple[int, int | None, str, str]]:
    """The rows whose state differs: number, row, state before and after."""
    memory.register("a", old)
    memory.register("b", new)
    return memory.sql(
        f"""SELECT * FROM (
            SELECT coalesce(a.n, b.n) AS n, coalesce(a.r, b.r) AS r,
                {_STATES.format("a")} AS before, {_STATES.format("b")} AS after
            FROM a FULL JOIN b ON a.n = b.n AND a.r IS NOT DISTINCT FROM b.r)
        WHERE before <> after ORDER BY n, r"""
    ).fetchall()
