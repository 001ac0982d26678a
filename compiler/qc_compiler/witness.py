"""A record that makes a condition true, built from the condition's own constants.

The condition is brought into disjunctive form; for each conjunction every column, of the case
and of rows made up for it, gets the values that its predicates suggest
(`qc_compiler.witness_values`), and the interpreter has the last word. The search is bounded and
incomplete by design: it may miss a witness, it never makes one up. Answers of the model are not
made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import count, islice, product
from typing import Any, cast, get_args

from qc_compiler import ir
from qc_compiler.interpret import evaluate
from qc_compiler.program import Table
from qc_compiler.values import ROW, Field, Moment, Record, RowsOf, Value
from qc_compiler.witness_values import Literals, candidates, filler

_MOST_CONJUNCTIONS = 64
_MOST_RECORDS = 256


class Tries:
    """How many records may still be tried, over many searches."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True)
class _Row:
    """So many rows of a table are wanted, of which the variable stands for each."""

    table: str
    variable: str
    copies: int


@dataclass(frozen=True)
class _NoRow:
    """No row of the table is to make ``where`` true, in which ``variable`` stands for it."""

    table: str
    variable: str
    where: ir.Expr


Wants = tuple["tuple[ir.Leaf, bool] | _Row | _NoRow", ...]


def find_record(
    expr: ir.Expr,
    fields: Sequence[Field],
    tables: Sequence[Table] = (),
    tries: Tries | None = None,
) -> Record | None:
    """A complete record for which the expression is true, or `None` if none was found.

    Every table is there, with the rows that the expression asks for.
    """
    for wants in islice(_ways(expr), _MOST_CONJUNCTIONS):
        for record in islice(_records(wants, fields, tables), _MOST_RECORDS):
            if tries is not None and not tries.take():
                return None
            if evaluate(expr, record) is True:
                return record
    return None


def _ways(expr: ir.Expr) -> Iterator[Wants]:
    """What an expression may want, with what its rows are not to be wanted of each row."""
    fresh = count(1)
    for wants in _disjuncts(expr, True, fresh):
        rows = [one for one in wants if isinstance(one, _Row)]
        kept = [
            [*islice(_disjuncts(_of(no, row), False, fresh), _MOST_CONJUNCTIONS)]
            for no in wants
            if isinstance(no, _NoRow)
            for row in rows
            if row.table == no.table
        ]
        for chosen in product(*kept):
            yield (*wants, *(one for part in chosen for one in part))


def _of(no: _NoRow, row: _Row) -> ir.Expr:
    return _renamed(no.where, no.variable, row.variable)


def _disjuncts(expr: ir.Expr, wanted: bool, fresh: Iterator[int]) -> Iterator[Wants]:
    """The conjunctions of leaves, each wanted true or false, whose disjunction it is."""
    match expr:
        case ir.Const(value=value):
            yield from [()] if value is wanted else []
        case ir.Not(item=item):
            yield from _disjuncts(item, not wanted, fresh)
        case ir.AtLeast() | ir.Picked():
            yield from _rows(expr, wanted, fresh)
        case ir.Ask() | ir.Unknown():
            return
        case ir.And(items=items) | ir.Or(items=items):
            if isinstance(expr, ir.And) is not wanted:
                for item in items:
                    yield from _disjuncts(item, wanted, fresh)
                return
            parts = [[*islice(_disjuncts(i, wanted, fresh), _MOST_CONJUNCTIONS)] for i in items]
            for chosen in product(*parts):
                yield tuple(one for part in chosen for one in part)
        case _:
            yield ((expr, wanted),)


def _rows(expr: ir.Rows, wanted: bool, fresh: Iterator[int]) -> Iterator[Wants]:
    """Rows are made up where they are wanted; where they are not, none is the first choice."""
    variable = f"{expr.row}/{next(fresh)}"  # two rules may call their rows alike
    where = _renamed(expr.where, expr.row, variable)
    if isinstance(expr, ir.AtLeast):
        if wanted:
            row = _Row(expr.table, variable, max(1, expr.n))
            yield from ((row, *part) for part in _disjuncts(where, True, fresh))
        else:
            yield (_NoRow(expr.table, variable, where),)
        return
    if not wanted:
        yield (_NoRow(expr.table, variable, where),)
    both = ir.And((where, _with_truth(_renamed(expr.then, expr.row, variable), wanted)))
    row = _Row(expr.table, variable, 1)
    yield from ((row, *part) for part in _disjuncts(both, True, fresh))


def _with_truth(expr: ir.Expr, wanted: bool) -> ir.Expr:
    return expr if wanted else ir.Not(expr)


def _renamed(expr: ir.Expr, old: str, new: str) -> ir.Expr:
    """An expression about another row variable."""
    return cast(ir.Expr, _put(expr, old, new))


def _put(part: Any, old: str, new: str) -> Any:
    if isinstance(part, ir.Column):
        return replace(part, row=new) if part.row == old else part
    if isinstance(part, tuple):
        return tuple(_put(item, old, new) for item in part)
    if isinstance(part, (ir.AtLeast, ir.Picked)) and part.other_than == old:
        part = replace(part, other_than=new)
    if isinstance(part, _ABOUT):
        return replace(
            part, **{f.name: _put(getattr(part, f.name), old, new) for f in fields(part)}
        )
    return part


_ABOUT = get_args(ir.Expr)


def _records(wants: Wants, fields: Sequence[Field], tables: Sequence[Table]) -> Iterator[Record]:
    """Records in which every column has one of the values its predicates suggest."""
    rows = [one for one in wants if isinstance(one, _Row)]
    literals: Literals = tuple(one for one in wants if isinstance(one, tuple))
    named = {column.key for leaf, _ in literals for column in ir.columns(leaf)}
    of_table = {table.name: table.columns for table in tables}
    places = [("", field) for field in fields]
    places += [(row.variable, field) for row in rows for field in of_table[row.table]]
    named |= {
        ir.Column(name, field.type, row).key
        for row, field in places
        if _key(row, field) in named
        for name in (field.since, field.until)
        if name is not None
    }
    choices = [
        [*candidates(field, row, literals)] if _key(row, field) in named else [filler(field)]
        for row, field in places
    ]
    for values in product(*choices):
        yield _record(dict(zip(places, values, strict=True)), rows, fields, tables)


def _key(row: str, field: Field) -> str:
    return ir.Column(field.name, field.type, row).key


def _record(
    values: dict[tuple[str, Field], Value],
    rows: Sequence[_Row],
    fields: Sequence[Field],
    tables: Sequence[Table],
) -> Record:
    made: dict[Any, Any] = _with_lengths(fields, {f.name: values["", f] for f in fields})
    for table in tables:
        found = [
            _with_lengths(table.columns, {f.name: values[row.variable, f] for f in table.columns})
            for row in rows
            if row.table == table.name
            for _ in range(row.copies)
        ]
        made[RowsOf(table.name)] = tuple({**row, ROW: at} for at, row in enumerate(found))
    return made


def _with_lengths(fields: Sequence[Field], values: dict[str, Value]) -> dict[str, Value]:
    """Durations between two other times are what those times make them."""
    for field in fields:
        if field.since is not None and field.until is not None:
            values[field.name] = _length(values.get(field.since), values.get(field.until))
    return values


def _length(since: Value, until: Value) -> Value:
    if not isinstance(since, Moment) or not isinstance(until, Moment):
        return None
    if since.lo < since.hi or until.lo < until.hi:
        seconds = (until.lo.date() - since.lo.date()).days * 86400.0
    else:
        seconds = (until.lo - since.lo).total_seconds()
    return seconds if seconds >= 0 else None
