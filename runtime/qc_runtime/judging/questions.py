"""Questions put to a model, and what its answers amount to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from qc_compiler.program import Kind, Program, Question
from qc_compiler.prompts import (
    ANSWER_LEAD,
    quote_leads,
    reason_after_quote,
    reason_leads,
    system_prompt,
    user_prompt,
)
from qc_dsl.lang import Lang
from qc_runtime.backend import ANSWER, QUOTE, REASON, Choice, Line, Quote, Reply, Request, Step
from qc_runtime.outcome import Evidence
from qc_runtime.records.recordset import RecordSet

Explain = Literal["all", "fail", "none"]
_QUOTED_FROM = 80  # characters shown: two names are read at a glance, a history is not


@dataclass(frozen=True)
class Asking:
    """One question and every record (by row) that it is about: identical ones are asked once.

    ``shown`` are the texts that it shows, by field.
    """

    request: Request
    rows: tuple[int, ...]
    shown: tuple[tuple[str, str], ...] = ()

    def quoted(self, reply: Reply) -> tuple[Evidence, ...]:
        """What the model quoted of the record."""
        return quoted(reply, dict(self.shown))


def ask(
    program: Program, records: RecordSet, rows: Iterable[int], explain: Explain
) -> list[Asking]:
    """The questions about these rows, in the order in which each first comes up."""
    question = program.otherwise
    assert isinstance(question, Question)
    system = system_prompt(question, program.lang)
    explained = _explained(program, question, explain)
    columns = [records.display[name] for name in question.fields]
    grouped: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        grouped.setdefault(tuple(column[row] or "" for column in columns), []).append(row)
    askings = []
    for cells, found in grouped.items():
        shown = dict(zip(question.fields, cells, strict=True))
        user = user_prompt(question, shown, program.lang)
        steps = steps_of(question, cells, explained, program.lang)
        request = Request(system, user, steps, question.review_below)
        askings.append(Asking(request, tuple(found), tuple(shown.items())))
    return askings


def steps_of(
    question: Question, shown: Iterable[str], explained: tuple[str, ...], lang: Lang
) -> tuple[Step, ...]:
    """What a question is answered with: a code, then for some codes a quotation and a reason.

    A quotation is asked for where there is enough to read that finding the place takes time.
    """
    leads = reason_leads(question, lang)
    answer = Step(ANSWER, Choice(question.codes, weights_of(question)), (ANSWER_LEAD.in_(lang),))
    source = "\n".join(shown)
    if len(source) < _QUOTED_FROM:
        return answer, Step(REASON, Line(), leads, explained)
    quote = Step(QUOTE, Quote(source), quote_leads(question, lang), explained)
    return answer, quote, Step(REASON, Line(), (reason_after_quote(lang),), explained)


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
    choice, shares = request.choice, reply.probabilities
    best = choice.chosen(shares)
    return Answered(best, choice.weighted(shares)[best])


def is_sound(request: Request, reply: Reply) -> bool:
    """Whether a reply holds a probability for every code, so that it is an answer at all."""
    shares = reply.probabilities
    if reply.error is not None or len(shares) != len(request.choice.codes):
        return False
    return all(0 <= share <= 1.000001 for share in shares) and sum(shares) > 0  # NaN is neither


def is_complete(request: Request, reply: Reply) -> bool:
    """Whether a stored reply holds all that the request now wants: a reason may be lacking."""
    return is_sound(request, reply) and all(n in reply.values for n in request.wanted(reply))


def quoted(reply: Reply, shown: Mapping[str, str]) -> tuple[Evidence, ...]:
    """What the model quoted, with the field where it stands, in the field's own characters."""
    text = (reply.text(QUOTE) or "").split("\n")[0].strip()
    return tuple(Evidence(name, text) for name, cell in shown.items() if text and text in cell)[:1]
