"""What an obligation says of one row: this is what `qc_compiler.obligation_sql` must agree with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from qc_compiler import ir
from qc_compiler.interpret import bind, evaluate
from qc_compiler.program import Obligation
from qc_compiler.residual import Atom, open_atoms
from qc_compiler.values import ROW, Record, RowsOf


class State(StrEnum):
    EXEMPT = "exempt"
    MET = "met"
    VIOLATED = "violated"
    OPEN = "open"


@dataclass(frozen=True)
class RowJudgement:
    """The state of one row; ``label`` names the exception that exempts it.

    ``open`` are the expressions that keep an open row open.
    """

    state: State
    label: str | None = None
    open: tuple[ir.Expr, ...] = ()

    def atoms(self, record: Record) -> tuple[Atom, ...]:
        """The questions whose answers it waits for; none: data is missing."""
        found = {atom.key: atom for expr in self.open for atom in open_atoms(expr, record)}
        return tuple(found.values())


def judge_row(duty: Obligation, record: Record) -> RowJudgement:
    """The state of the row that ``record`` binds under ``duty.row``, or of the case.

    Scope false: exempt. An exception true: exempt. Scope unknown: open. Then ``must`` decides:
    but a violation is open as long as an exception may still hold.
    """
    scope = evaluate(duty.scope, record)
    if scope is False:
        return RowJudgement(State.EXEMPT)
    exempt = [(label, expr, evaluate(expr, record)) for label, expr in duty.exceptions]
    if label := next((label for label, _, truth in exempt if truth), None):
        return RowJudgement(State.EXEMPT, label)
    if scope is None:
        return RowJudgement(State.OPEN, open=(duty.scope,))
    must = evaluate(duty.must, record)
    if must:
        return RowJudgement(State.MET)
    unknown = tuple(expr for _, expr, truth in exempt if truth is None)
    if must is None or unknown:
        return RowJudgement(State.OPEN, open=unknown + ((duty.must,) if must is None else ()))
    return RowJudgement(State.VIOLATED)


def rows(duty: Obligation, record: Record) -> Iterator[Record]:
    """The case's record once for each row the obligation goes through; once without a table.

    Nothing where the table was not extracted: then the whole obligation is missing its data.
    """
    if duty.table is None:
        yield record
        return
    for number, row in enumerate(record.get(RowsOf(duty.table)) or ()):
        yield bind(record, duty.row, {ROW: number, **row})
