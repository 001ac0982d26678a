"""Questions within conditions: put to the model, and what its answers make true."""

from __future__ import annotations

from collections.abc import Sequence

from qc_compiler import ir
from qc_compiler.program import Program, Question
from qc_compiler.prompts import ANSWER, prompt, reason_leads
from qc_compiler.residual import Atom
from qc_runtime.answering import Answering
from qc_runtime.backend import Request
from qc_runtime.questions import Explain, read_reply, weights_of
from qc_runtime.rounds import Answer, Answers, Wanted
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
    asked = [(key, program.question(key[0]), atom, case) for key, (atom, case) in wanted.items()]
    requests = [
        atom_request(program, question, texts_of(question, atom, case), explain)
        for _, question, atom, case in asked
    ]
    for at, reply in answering.replies(requests, records):
        key, question, _, _ = asked[at]
        if reply.error is not None:
            answers.failed[key] = reply.error
            continue
        answered = read_reply(requests[at], reply)
        answers.of[key] = Answer(
            question.truths[answered.answer],
            answered.confidence,
            answered.confidence >= question.review_below,
            reply.explanation,
        )


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
    program: Program, question: Question, shown: dict[str, str], explain: Explain
) -> Request:
    """The request for one question about these texts."""
    system, user = prompt(question, shown, program.lang)
    return Request(
        system=system,
        user=user,
        codes=question.codes,
        answer_lead=ANSWER.in_(program.lang),
        explain=_explained(program, question, explain),
        explain_leads=reason_leads(question, program.lang),
        weights=weights_of(question),
    )


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
