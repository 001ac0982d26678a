"""What is left of a condition for the model: the questions that its value still hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from qc_compiler import ir
from qc_compiler.interpret import candidates, evaluate, rows_of, shown
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
    return tuple({atom.key: atom for atom in reversed([*_open(expr, record)])}.values())[::-1]


def _open(expr: ir.Expr, record: Record) -> Iterator[Atom]:
    if evaluate(expr, record) is not None:
        return
    if isinstance(expr, ir.Ask):
        yield from _asked(expr, record)
    elif isinstance(expr, ir.AtLeast):
        for row in rows_of(expr, record) or ():
            yield from _open(expr.where, row)
    elif isinstance(expr, ir.Picked):
        for row, truth in candidates(expr, record) or ():
            if truth is None:
                yield from _open(expr.where, row)
            yield from _open(expr.then, row)
    else:
        for part in ir.children(expr):
            yield from _open(part, record)


def _asked(ask: ir.Ask, record: Record) -> Iterator[Atom]:
    values = shown(ask, record)
    if values is not None:
        variables = dict.fromkeys(column.row for column in ask.columns if column.row)
        places = tuple((row, record[f"{row}.{ROW}"]) for row in variables)
        yield Atom(ask, values, places)
