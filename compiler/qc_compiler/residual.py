"""What is left of a condition for the model: the questions that its value still hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from qc_compiler import ir
from qc_compiler.interpret import (
    Truth,
    candidates,
    enough,
    evaluate,
    kleene_not,
    rows_of,
    shown,
)
from qc_compiler.values import ROW, Record, Value

Shown = tuple[Value, ...]


@dataclass(frozen=True)
class Atom:
    """A question about these values, open for one record.

    ``values`` are those of ``ask.columns``; with the question's id they are the key under which
    the answer is looked up (`qc_compiler.values.ANSWERS`). ``rows`` says where a column's value
    stands: the table's row number under each row variable that the columns use.
    """

    ask: ir.Ask
    values: Shown
    rows: tuple[tuple[str, int], ...] = field(default=(), compare=False)

    @property
    def key(self) -> tuple[str, Shown]:
        return self.ask.question, self.values


def open_atoms(expr: ir.Expr, record: Record) -> tuple[Atom, ...]:
    """The unanswered questions that the expression's truth still depends on, each once.

    None when the truth is known, or when only missing data keeps it unknown. Once all of them
    are answered, what is still unknown is missing data: no further question comes up.
    """
    truth, atoms = _look(expr, record)
    if truth is not None:
        return ()
    return tuple({atom.key: atom for atom in reversed(atoms)}.values())[::-1]


def _look(expr: ir.Expr, record: Record) -> tuple[Truth, list[Atom]]:
    """The truth of an expression, and the questions that keep it unknown, in one walk."""
    if isinstance(expr, ir.Not):
        truth, atoms = _look(expr.item, record)
        return kleene_not(truth), atoms
    if isinstance(expr, ir.And):
        return _look_at_all((_look(item, record) for item in expr.items), ends=False)
    if isinstance(expr, ir.Or):
        return _look_at_all((_look(item, record) for item in expr.items), ends=True)
    if isinstance(expr, ir.AtLeast):
        return _look_at_rows(expr, record)
    truth = evaluate(expr, record)
    if truth is not None:
        return truth, []
    if isinstance(expr, ir.Ask):
        return None, list(_asked(expr, record))
    return None, list(_of_picked(expr, record)) if isinstance(expr, ir.Picked) else []


def _look_at_all(
    parts: Iterable[tuple[Truth, list[Atom]]], *, ends: bool
) -> tuple[Truth, list[Atom]]:
    """Of 且 (which a false part ends) or 或 (which a true part ends)."""
    result: Truth = not ends
    found: list[Atom] = []
    for truth, atoms in parts:
        if truth is ends:
            return ends, []
        if truth is None:
            result = None
            found += atoms
    return result, found


def _look_at_rows(expr: ir.AtLeast, record: Record) -> tuple[Truth, list[Atom]]:
    rows = rows_of(expr, record)
    if rows is None:
        return None, []
    looked = [_look(expr.where, row) for row in rows]
    truth = enough([truth for truth, _ in looked], expr.n)
    if truth is not None:
        return truth, []
    return None, [atom for truth, atoms in looked if truth is None for atom in atoms]


def _of_picked(expr: ir.Picked, record: Record) -> Iterator[Atom]:
    for row, truth in candidates(expr, record) or ():
        if truth is None:
            yield from _look(expr.where, row)[1]
        yield from open_atoms(expr.then, row)


def _asked(ask: ir.Ask, record: Record) -> Iterator[Atom]:
    values = shown(ask, record)
    if values is not None:
        variables = dict.fromkeys(column.row for column in ask.columns if column.row)
        places = tuple((row, record[f"{row}.{ROW}"]) for row in variables)
        yield Atom(ask, values, places)
