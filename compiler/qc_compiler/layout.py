"""Which part of a prompt stands first: the question or the record, whichever is less to read.

A model reads what several prompts begin with only once. Of ``k`` questions to each record, with
records of length ``r`` and questions of length ``q``, a record costs ``k * r`` with the questions
first (each question is read once for all records) and ``r + k * q`` with the record first. So the
record goes first where ``(k - 1) * r > k * q``: many questions to one long text.

Another layout is another prompt, whose stored answers do not count: so that a small change of
the data or of one question does not ask everything anew, the record goes first only where that
saves a fifth of the reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qc_compiler.ir import Column
from qc_compiler.program import Layout, Question
from qc_compiler.prompts import system_prompt, user_prompt
from qc_dsl.lang import Lang

_CLEARLY = 0.8


@dataclass(frozen=True)
class Planned:
    """Questions that look into the same columns: how they are laid out, and what that costs.

    ``records`` is how many different texts they show, ``asked`` how many prompts there are.
    Costs are the characters that a model has to read, shared beginnings once.
    """

    questions: tuple[str, ...]
    layout: Layout
    records: int
    asked: int
    question_first: int
    record_first: int

    @property
    def cost(self) -> int:
        """The characters to be read in the layout that was chosen."""
        return self.question_first if self.layout == "question_first" else self.record_first


Put = tuple[Question, Mapping[str, str]]  # a question, and what it shows by field


def plan(put: Iterable[Put], lang: Lang) -> tuple[Planned, ...]:
    """The layout of all these prompts, those that show the same columns together."""
    groups: defaultdict[tuple[Column, ...], list[Put]] = defaultdict(list)
    for question, shown in put:
        groups[question.columns].append((question, shown))
    return tuple(_planned(group, lang) for group in groups.values())


def _planned(group: list[Put], lang: Lang) -> Planned:
    questions = {question.id: question for question, _ in group}
    length = {name: len(system_prompt(one, lang)) for name, one in questions.items()}
    texts = [(one.id, tuple(shown.values()), user_prompt(one, shown, lang)) for one, shown in group]
    records = {cells: len(text) for _, cells, text in texts}
    question_first = sum(length.values()) + sum(len(text) for _, _, text in texts)
    record_first = sum(records.values()) + sum(length[name] for name, _, _ in texts)
    saves = record_first < _CLEARLY * question_first
    shorter: Layout = "record_first" if saves else "question_first"
    return Planned(
        tuple(questions), shorter, len(records), len(group), question_first, record_first
    )
