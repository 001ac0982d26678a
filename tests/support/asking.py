"""Requests as tests write them: one choice, and perhaps a reason after some of its codes."""

from __future__ import annotations

from qc_runtime.backend import ANSWER, REASON, Choice, Line, Request, Step


def asked(
    system: str,
    user: str,
    codes: tuple[str, ...],
    *,
    answer_lead: str = "",
    explain: tuple[str, ...] = (),
    explain_leads: tuple[str, ...] = ("",),
    explain_tokens: int = 96,
    weights: tuple[float, ...] = (),
) -> Request:
    """A request for one of the codes, with a line of reason after those in ``explain``."""
    answer = Step(ANSWER, Choice(codes, weights), (answer_lead,))
    return Request(
        system, user, (answer, Step(REASON, Line(explain_tokens), explain_leads, explain))
    )
