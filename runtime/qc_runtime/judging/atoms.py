"""Questions within conditions: put to the model, and what its answers make true."""

from __future__ import annotations

from collections.abc import Sequence

from qc_compiler import ir
from qc_compiler.layout import plan
from qc_compiler.program import Layout, Program, Question
from qc_compiler.prompts import prompt
from qc_compiler.residual import Atom
from qc_runtime.backend import REASON, Request
from qc_runtime.judging.answering import Answering
from qc_runtime.judging.questions import Explain, quoted, read_reply, steps_of
from qc_runtime.judging.rounds import Answer, Answers, Key, Wanted
from qc_runtime.tables.rows import Case


def put_atoms(
    program: Program,
    answering: Answering,
    explain: Explain,
    wanted: Wanted,
    answers: Answers,
    records: Sequence[int],
) -> None:
    """Ask a round's questions and note what they come to; ``records`` need the answers."""
    asked = [(key, *_put(program, key, atom, case)) for key, (atom, case) in wanted.items()]
    plans = plan(((question, shown) for _, question, shown in asked), program.lang)
    answers.plans += plans
    for planned in plans:
        for name in planned.questions:  # as in the round before, where there was one
            answers.layouts.setdefault(name, planned.layout)
    requests = [
        atom_request(program, question, shown, answers.layouts[question.id], explain)
        for _, question, shown in asked
    ]
    for at, reply in answering.replies(requests, records):
        key, question, shown = asked[at]
        if reply.error is not None:
            answers.failed[key] = reply.error
            continue
        answered = read_reply(requests[at], reply)
        answers.of[key] = Answer(
            question.truths[answered.answer],
            answered.confidence,
            answered.confidence >= question.review_below and not reply.flickers,
            reply.text(REASON),
            quoted(reply, shown),
        )


def _put(program: Program, key: Key, atom: Atom, case: Case) -> tuple[Question, dict[str, str]]:
    question = program.question(key[0])
    return question, texts_of(question, atom, case)


def texts_of(question: Question, atom: Atom, case: Case) -> dict[str, str]:
    """What a question shows, as it is written in the data, by the question's fields."""
    places = dict(atom.rows)
    return {
        name: text_of(column, case, places)
        for name, column in zip(question.fields, atom.ask.columns, strict=True)
    }


def text_of(column: ir.Column, case: Case, places: dict[str, int]) -> str:
    """A column of the case, or of the row with this number, as it is written."""
    if not column.row:
        return case.shown[column.name] or ""
    table = column.row.split("#")[0]
    return case.rows[table][places[column.row]].shown[column.name] or ""


def atom_request(
    program: Program, question: Question, shown: dict[str, str], layout: Layout, explain: Explain
) -> Request:
    """The request for one question about these texts."""
    system, user = prompt(question, shown, layout, program.lang)
    explained = _explained(program, question, explain)
    steps = steps_of(question, shown.values(), explained, program.lang)
    return Request(system, user, steps, question.review_below)


def _explained(program: Program, question: Question, explain: Explain) -> tuple[str, ...]:
    """The codes whose answers someone will want a reason for: those that speak for a finding."""
    if explain != "fail":
        return question.codes if explain == "all" else ()
    bad = {truth for duty in program.obligations for truth in _against(duty.must, question.id)}
    pairs = zip(question.codes, question.truths, strict=True)
    return tuple(code for code, truth in pairs if truth in bad)


def _against(must: ir.Expr, question: str, wanted: bool = True) -> set[bool]:
    """The truths of a question that speak against what is demanded."""
    if isinstance(must, ir.Ask):
        return {not wanted} if must.question == question else set()
    inner = not wanted if isinstance(must, ir.Not) else wanted
    return {truth for part in ir.children(must) for truth in _against(part, question, inner)}
