"""Running a rulebook's own tests: each judged by itself, as far as what it gives differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from qc_compiler.inline_tests import OTHERWISE
from qc_compiler.program import Program, Question, TestCase
from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_runtime.backend import Backend
from qc_runtime.cache import AnswerBook
from qc_runtime.judging.accounts import Account
from qc_runtime.judging.judge import Given, Judged, judge
from qc_runtime.outcome import Outcome, Status
from qc_runtime.prefilter import Database
from qc_runtime.records.memory import recordset_of
from qc_runtime.records.recordset import RecordSet
from qc_runtime.tables.rows import Case, Cases

Group = tuple[frozenset[str], tuple[tuple[str, str], ...]]  # the tables given, the answers


@dataclass(frozen=True)
class Tested:
    """What became of a test; ``waits``: something of it would need the model."""

    outcome: Outcome
    waits: bool


def run_cases(
    program: Program, connect: Callable[[], Backend] | None, store: AnswerBook, source: str
) -> list[Tested]:
    """Judge every test, in order. A table that a test does not have was not extracted.

    Tests that have the same tables and answers are judged together.
    """
    found: dict[int, Tested] = {}
    for (_, answers), numbers in _groups(program).items():
        cases = [program.tests[number] for number in numbers]
        judged = _judged(
            program, cases, given_of(program, answers, cases[0]), connect, store, source
        )
        for at, number in enumerate(numbers):
            waiting = judged.accounts.having(at, Account.PENDING)
            outcome = judged.outcomes[at]
            found[number] = Tested(outcome, bool(waiting) or outcome.status is Status.PENDING)
    return [found[number] for number in range(len(program.tests))]


def _groups(program: Program) -> dict[Group, list[int]]:
    groups: dict[Group, list[int]] = {}
    for number, case in enumerate(program.tests):
        tables = frozenset(name for name, _ in case.tables)
        groups.setdefault((tables, case.answers), []).append(number)
    return groups


@dataclass(frozen=True)
class Posed:
    """A test as the interpreter sees it: the case, and what the model is taken to answer."""

    test: TestCase
    case: Case
    given: Given


def posed(program: Program, source: str) -> list[Posed]:
    """Every test in order, its tables' rows read. Raises `QcError` for an answer that is none."""
    found: dict[int, Posed] = {}
    for (_, answers), numbers in _groups(program).items():
        tests = [program.tests[number] for number in numbers]
        given = given_of(program, answers, tests[0])
        with staged(program, tests, source) as (records, database):
            cases = Cases(program, records, database.connection, database.tables)
            read = [case for batch in cases.batches(range(len(tests))) for case in batch]
        found |= {n: Posed(t, c, given) for n, t, c in zip(numbers, tests, read, strict=True)}
    return [found[number] for number in range(len(program.tests))]


def _judged(
    program: Program,
    cases: Sequence[TestCase],
    given: Given,
    connect: Callable[[], Backend] | None,
    store: AnswerBook,
    source: str,
) -> Judged:
    with staged(program, cases, source) as (records, database):
        return judge(
            program, records, connect, store, explain="none", database=database, given=given
        )


@contextmanager
def staged(
    program: Program, cases: Sequence[TestCase], source: str
) -> Iterator[tuple[RecordSet, Database]]:
    """Tests that have the same tables as the data of a run, keys counting from 1.

    What a test itself writes as its key is what its rules see; two tests may write the same.
    """
    from qc_runtime.tables.load import load_rows
    from qc_runtime.tables.workspace import workspace_in_memory

    keys = [str(number) for number in range(1, len(cases) + 1)]
    rows = [{program.key: n, **dict(case.record)} for n, case in zip(keys, cases, strict=True)]
    records = replace(recordset_of(program.fields, program.key, rows, source), keys=keys)
    tables: dict[str, list[tuple[str, Mapping[str, str | None]]]] = {}
    for number, case in enumerate(cases, 1):
        for name, lines in case.tables:
            tables.setdefault(name, []).extend((str(number), dict(line)) for line in lines)
    with workspace_in_memory() as work:
        load_rows(work, program, records, tables)
        yield records, Database(work.connection, tuple(tables)) if tables else Database()


def given_of(program: Program, answers: Sequence[tuple[str, str]], case: TestCase) -> Given:
    """What the answers of a test say. Raises `QcError` for one that is not among the question's."""
    truths: dict[str, bool] = {}
    otherwise = None
    for name, answer in answers:
        if name in OTHERWISE and isinstance(program.otherwise, Question):
            otherwise = _number(program.otherwise, answer, case)
        else:
            question = program.question(name)
            truths[name] = question.truths[_number(question, answer, case)]
    return Given(truths, otherwise)


def _number(question: Question, answer: str, case: TestCase) -> int:
    names = [name for name, _ in question.answers]
    if answer not in names:
        message = Text(
            f"问题没有答案“{answer[:20]}”", f"The question has no answer “{answer[:20]}”"
        )
        place = Text(case.place, case.place)
        raise QcError(Diagnostic("QC615", message, help=did_you_mean(answer, names), place=place))
    return names.index(answer)
