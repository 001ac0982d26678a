"""Questions put to a model, and what its answers amount to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from qc_compiler.program import Kind, Program, Question
from qc_compiler.prompts import ANSWER, reason_leads, system_prompt, user_prompt
from qc_runtime.backend import Reply, Request
from qc_runtime.records.recordset import RecordSet

Explain = Literal["all", "fail", "none"]


@dataclass(frozen=True)
class Asking:
    """One question and every record (by row) that it is about: identical ones are asked once."""

    request: Request
    rows: tuple[int, ...]


def ask(
    program: Program, records: RecordSet, rows: Iterable[int], explain: Explain
) -> list[Asking]:
    """The questions about these rows, in the order in which each first comes up."""
    question = program.otherwise
    assert isinstance(question, Question)
    system = system_prompt(question, program.lang)
    explained = _explained(program, question, explain)
    leads = reason_leads(question, program.lang)
    columns = [records.display[name] for name in question.fields]
    grouped: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        grouped.setdefault(tuple(column[row] or "" for column in columns), []).append(row)
    return [
        Asking(
            Request(
                system=system,
                user=user_prompt(
                    question, dict(zip(question.fields, shown, strict=True)), program.lang
                ),
                codes=question.codes,
                answer_lead=ANSWER.in_(program.lang),
                explain=explained,
                explain_leads=leads,
                weights=weights_of(question),
            ),
            tuple(found),
        )
        for shown, found in grouped.items()
    ]


def _explained(program: Program, question: Question, explain: Explain) -> tuple[str, ...]:
    """The codes whose answers someone will want a reason for."""
    if explain == "none":
        return ()
    kinds = [program.verdicts[verdict].kind for _, verdict in question.answers]
    pairs = zip(question.codes, kinds, strict=True)
    return tuple(code for code, kind in pairs if explain == "all" or kind is not Kind.PASS)


def weights_of(question: Question) -> tuple[float, ...]:
    """What moves the point of indifference from one half to ``decide_at``.

    A shift of the first answer's log odds by log((1 - t) / t), the usual correction for
    another prior (Saerens et al., Neural Computation 14(1), 2002).
    """
    at = min(max(question.decide_at, 1e-6), 1 - 1e-6)
    return ((1 - at) / at, *(1.0 for _ in question.codes[1:]))


@dataclass(frozen=True)
class Answered:
    """An answer by its number, with the model's confidence in it (0 to 1)."""

    answer: int
    confidence: float


def read_reply(request: Request, reply: Reply) -> Answered:
    """The likeliest answer after the request's weights."""
    best = request.chosen(reply.probabilities)
    return Answered(best, request.weighted(reply.probabilities)[best])


def is_sound(request: Request, reply: Reply) -> bool:
    """Whether a reply holds a probability for every code, so that it is an answer at all."""
    shares = reply.probabilities
    if reply.error is not None or len(shares) != len(request.codes):
        return False
    return all(0 <= share <= 1.000001 for share in shares) and sum(shares) > 0  # NaN is neither


def is_complete(request: Request, reply: Reply) -> bool:
    """Whether a stored reply holds all that the request now wants: a reason may be lacking."""
    if not is_sound(request, reply):
        return False
    wanted = request.codes[read_reply(request, reply).answer] in request.explain
    return reply.explanation is not None or not wanted
