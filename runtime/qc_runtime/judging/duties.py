"""Obligations: every row met, exempt, open or a finding; by SQL, and by Python what is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qc_compiler.evidence import Display
from qc_compiler.interpret import bind, evaluate
from qc_compiler.obligation_sql import MET, VIOLATED, obligation_query
from qc_compiler.obligations import RowJudgement, State, judge_row
from qc_compiler.program import Obligation, Program
from qc_compiler.values import ANSWERS, CASE, ROW, Record
from qc_runtime.judging.accounts import Account, Accounts
from qc_runtime.judging.rounds import Known, Waiting
from qc_runtime.prefilter import parts
from qc_runtime.tables.rows import Case
from qc_runtime.tables.workspace import quoted

if TYPE_CHECKING:
    import duckdb

_FLAGGED = "#flagged"


@dataclass(frozen=True)
class Duty:
    """One row (`None`: the case itself) under one obligation, and what the pre-filter said."""

    index: int
    row: int | None
    violated: bool


class Flagged:
    """The rows that the pre-filter found violated or open, in the run's database."""

    def __init__(self, program: Program, connection: duckdb.DuckDBPyConnection) -> None:
        self.program, self._connection = program, connection
        self._run(
            f"""CREATE OR REPLACE TABLE {quoted(_FLAGGED)}
            ({quoted(CASE)} INTEGER, {quoted(ROW)} BIGINT, duty INTEGER, violated BOOLEAN)"""
        )

    def _run(self, statement: str) -> None:
        self._connection.execute(statement)

    def judge(self, absent: Iterable[str], accounts: Accounts, open_: bytearray) -> None:
        """Run every obligation; those met are noted, for the cases that ``open_`` marks."""
        absent = set(absent)
        queries: list[tuple[int, str]] = []
        for index, duty in enumerate(self.program.obligations):
            if duty.table in absent:
                accounts.raise_all(duty.rule, _marked(open_), Account.DATA_MISSING)
            else:
                queries.append((index, obligation_query(self.program, index, absent)))
        tables = [table.name for table in self.program.tables if table.name not in absent]
        for _ in parts(self._connection, tables, len(open_)):
            for index, query in queries:
                self._judge(index, query, accounts, open_)
        self._run('DROP TABLE IF EXISTS "#found"')

    def _judge(self, index: int, query: str, accounts: Accounts, open_: bytearray) -> None:
        """Run one obligation over the cases in sight."""
        duty = self.program.obligations[index]
        self._run(f'CREATE OR REPLACE TEMP TABLE "#found" AS {query}')
        case, row = quoted(CASE), quoted(ROW) if duty.table else "NULL"
        met = self._connection.sql(
            f'SELECT DISTINCT {case} FROM "#found" WHERE code = {MET}'
        ).fetchall()
        known = (number for (number,) in met if open_[number])
        accounts.raise_all(duty.rule, known, Account.DECIDED)
        self._run(
            f"""INSERT INTO {quoted(_FLAGGED)}
            SELECT {case}, {row}, {index}, code IS NOT DISTINCT FROM {VIOLATED}
            FROM "#found" WHERE code IS DISTINCT FROM {MET}"""
        )

    def cases(self, open_: bytearray) -> list[int]:
        """The cases with something flagged, of those that ``open_`` marks, ascending."""
        query = f"SELECT DISTINCT {quoted(CASE)} FROM {quoted(_FLAGGED)} ORDER BY 1"
        return [case for (case,) in self._connection.sql(query).fetchall() if open_[case]]

    def tasks_of(self, cases: Sequence[int]) -> dict[int, list[Duty]]:
        """What was flagged for some cases (ascending)."""
        found: dict[int, list[Duty]] = {case: [] for case in cases}
        query = f"""FROM {quoted(_FLAGGED)}
            WHERE {quoted(CASE)} BETWEEN {cases[0]} AND {cases[-1]} ORDER BY ALL"""
        for case, row, index, violated in self._connection.sql(query).fetchall():
            if case in found:
                found[case].append(Duty(index, row, violated))
        return found


def _marked(flags: bytearray) -> Iterator[int]:
    return (at for at, flag in enumerate(flags) if flag)


class Duties:
    """Looking at rows under their obligations: the definition, with the model's answers."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def of(self, task: Duty) -> Obligation:
        return self.program.obligations[task.index]

    def record(self, case: Case, task: Duty, known: Known) -> Record:
        """The case's record with the task's row bound, and these answers."""
        record = {**case.record, ANSWERS: known}
        duty = self.of(task)
        if duty.table is None or task.row is None:
            return record
        return bind(record, duty.row, case.rows[duty.table][task.row].values)

    def display(self, case: Case, task: Duty) -> Display:
        """Everything as it is written, the task's row under its variable."""
        duty = self.of(task)
        if duty.table is None or task.row is None:
            return case.display
        return bind(case.display, duty.row, case.rows[duty.table][task.row].shown)

    def look(self, case: Case, task: Duty, known: Known) -> RowJudgement | Waiting:
        """The state of the row, or the questions it waits for.

        Where the scope waits for the model but the obligation is met whatever the answer, it
        is met: nothing is asked in vain.
        """
        record = self.record(case, task, known)
        judged = judge_row(self.of(task), record)
        if judged.state is not State.OPEN or not (atoms := judged.atoms(record)):
            return judged
        if evaluate(self.of(task).must, record):
            return RowJudgement(State.MET)
        return Waiting(atoms)
