"""Asking what is still open, round by round, until nothing hangs on the model any more.

A task is one thing to be settled about one case. Looking at it with the answers so far either
ends it or gives the questions it waits for; all tasks' questions are put together, identical
ones once, and the tasks that waited are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from qc_compiler.layout import Planned
from qc_compiler.program import Layout
from qc_compiler.residual import Atom
from qc_compiler.values import Value
from qc_dsl.lang import Text
from qc_runtime.outcome import Evidence
from qc_runtime.tables.rows import Case, Cases

Key = tuple[str, tuple[Value, ...]]  # of an atom: its question and what it shows
Known = Mapping[Key, bool]
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Waiting:
    """A task hangs on these questions."""

    atoms: tuple[Atom, ...]


@dataclass(frozen=True)
class Answer:
    """What a question came to: a truth, with the model's confidence and, if asked for, reason."""

    truth: bool
    confidence: float
    sure: bool = True  # not under the question's review line
    reason: str | None = None
    quotes: tuple[Evidence, ...] = ()


@dataclass
class Answers:
    """What is known of the questions of a run so far, and which of them failed.

    ``given`` are truths by question that hold whatever is shown (a rulebook's own tests).
    ``layouts`` are how the questions put so far are laid out, ``plans`` what that was to cost.
    """

    given: Mapping[str, bool] = field(default_factory=dict)
    of: dict[Key, Answer] = field(default_factory=dict)
    failed: dict[Key, Text] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    plans: list[Planned] = field(default_factory=list)

    def get(self, key: Key) -> Answer | None:
        if key[0] in self.given:
            return Answer(self.given[key[0]], 1.0)
        return self.of.get(key)

    def unasked(self, atoms: Sequence[Atom]) -> list[Atom]:
        return [one for one in atoms if self.get(one.key) is None and one.key not in self.failed]

    def failure(self, atoms: Sequence[Atom]) -> Text | None:
        """Why one of these questions has no answer; `None` when none of them was asked."""
        return next((self.failed[one.key] for one in atoms if one.key in self.failed), None)


@dataclass(frozen=True)
class Settled(Generic[Task, Result]):
    """A task at its end. ``result`` is `Waiting` where its questions found no answer.

    ``answers`` are those that the result rests on: without any of them it would not stand.
    """

    case: Case
    task: Task
    result: Result | Waiting
    answers: tuple[Answer, ...] = ()

    @property
    def confidence(self) -> float | None:
        """The lowest of the answers'; `None` where the model had no part in it."""
        return min((answer.confidence for answer in self.answers), default=None)

    @property
    def sure(self) -> bool:
        """Whether no answer is under its question's review line."""
        return all(answer.sure for answer in self.answers)


Look = Callable[[Case, Task, Known], Result | Waiting]
TasksOf = Callable[[Sequence[int]], Mapping[int, Sequence[Task]]]
Wanted = dict[Key, tuple[Atom, Case]]
Put = Callable[[Wanted, Answers, Sequence[int]], None]


def settle(
    cases: Cases,
    numbers: Sequence[int],
    tasks_of: TasksOf[Task],
    look: Look[Task, Result],
    answers: Answers,
    put: Put | None,
    *,
    rows: bool = True,
) -> Iterator[Settled[Task, Result]]:
    """Settle every task of these cases, ``tasks_of`` giving those of a few of them.

    ``put`` gets the answers to a round's questions, for the cases of these numbers; without it
    nothing is asked. ``rows``: whether looking takes the tables' rows.
    """
    while numbers:
        again: dict[int, list[Task]] = {}
        wanted: Wanted = {}
        for batch in cases.batches(numbers, rows=rows):
            tasks = tasks_of([case.number for case in batch])
            for case, task in [(one, task) for one in batch for task in tasks[one.number]]:
                settled = _looked(case, task, look, answers)
                new = _new(settled.result, answers) if put else []
                wanted |= {atom.key: (atom, case) for atom in new if atom.key not in wanted}
                if new:
                    again.setdefault(case.number, []).append(task)
                else:
                    yield settled
        if put and wanted:
            put(wanted, answers, list(again))
        numbers, tasks_of = list(again), _among(again)


def _among(tasks: Mapping[int, Sequence[Task]]) -> TasksOf[Task]:
    return lambda numbers: tasks


def _new(result: object, answers: Answers) -> list[Atom]:
    return answers.unasked(result.atoms) if isinstance(result, Waiting) else []


def _looked(
    case: Case, task: Task, look: Look[Task, Result], answers: Answers
) -> Settled[Task, Result]:
    """Look with only the answers that come to be asked for, then leave out what is needless."""
    used: dict[Key, Answer] = {}
    while True:
        result = look(case, task, _truths(used))
        if not isinstance(result, Waiting):
            break
        more = {atom.key: found for atom in result.atoms if (found := answers.get(atom.key))}
        if more.keys() <= used.keys():
            return Settled(case, task, result, tuple(used.values()))
        used |= more
    return Settled(case, task, result, _needed(case, task, look, result, used))


def _needed(
    case: Case, task: Task, look: Look[Task, Result], result: Result, used: dict[Key, Answer]
) -> tuple[Answer, ...]:
    """The answers that the result rests on; the least sure ones are done without first."""
    needed = dict(used)
    for key, _ in sorted(used.items(), key=lambda entry: entry[1].confidence):
        fewer = {one: answer for one, answer in needed.items() if one != key}
        if look(case, task, _truths(fewer)) == result:
            needed = fewer
    return tuple(needed.values())


def _truths(answers: Mapping[Key, Answer]) -> Known:
    return {key: answer.truth for key, answer in answers.items()}
