"""An OpenAI-compatible service as a back end.

Where the service gives log-probabilities, one token is asked for and the codes' shares of it
are the probabilities, as with the local engine. Where it gives none, nobody can know how sure
the model is from one answer. Then the question is put ``VOTES`` times at temperature 1, in
JSON whose schema allows the codes only, and the votes are counted with half a vote added to
every code (Jeffreys' prior): three of three for one of two codes is 0.875, two of three is
0.625. Such a probability is as coarse as it is honest, and never 1.

A thought is asked for first, with the model's own thinking switched on. What then follows a
choice is asked for in one JSON, checked, and asked for once more where it is wrong. An answer
stands without its reason and its quotation, which are then `None`; a number that cannot be had,
or a quotation of a request that has no answer besides, is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import groupby
from time import perf_counter
from typing import Any

from qc_dsl.lang import Text
from qc_runtime.backend import (
    Choice,
    Counters,
    Line,
    Number,
    Quote,
    Reply,
    Request,
    Step,
    Thought,
    Value,
)
from qc_runtime.endpoint import form, replies
from qc_runtime.endpoint.form import Message, message
from qc_runtime.endpoint.http import KEY_NAMES, Body, ChatHttp, FailedError, Patience
from qc_runtime.endpoint.talk import Talk
from qc_runtime.threads import in_threads

VOTES = 3
_FORM = 2  # to be raised when the hints change, for answers to other hints are other answers


class EndpointBackend:
    """Answers requests over HTTP, ``concurrency`` at a time; ``timeout`` in seconds.

    The key comes from the first of ``key_names`` that the environment has. Errors: QC510 bad
    address, QC511 no server, QC512 key or model refused, QC513 not on the allow list.
    Everything else is an error reply to one request.
    """

    thinks = True  # whether it does is for the service to say; it is asked to

    def __init__(
        self,
        url: str,
        model: str,
        *,
        concurrency: int = 8,
        timeout: float = 120.0,
        patience: Patience | None = None,
        key_names: Sequence[str] = KEY_NAMES,
    ) -> None:
        self._model = model
        self._concurrency = concurrency
        self._http = ChatHttp(
            url,
            timeout=timeout,
            patience=patience or Patience(),
            connections=concurrency,
            key_names=key_names,
        )
        self._gives_logprobs = True
        self.counters = Counters()

    def __repr__(self) -> str:
        return f"EndpointBackend({self._http.place!r}, {self._model!r})"

    @property
    def identity(self) -> str:
        return f"endpoint:{self._http.place}:{self._model}:votes={VOTES}:form={_FORM}"

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        stop = threading.Event()
        talks = [Talk(request, stop) for request in requests]
        started = perf_counter()
        try:
            for index, reply in in_threads(self._answer, talks, self._concurrency, stop):
                self._count(talks[index], perf_counter() - started)
                yield index, reply
                started = perf_counter()
        finally:
            stop.set()

    def close(self) -> None:
        self._http.close()

    def _count(self, talk: Talk, seconds: float) -> None:
        self.counters.seconds += seconds
        self.counters.prompt_tokens += talk.prompt_tokens - talk.reused_tokens
        self.counters.reused_prompt_tokens += talk.reused_tokens
        self.counters.generated_tokens += talk.generated_tokens

    def _answer(self, talk: Talk) -> Reply:
        try:
            for is_choice, some in groupby(talk.request.steps, _is_choice):
                if is_choice:
                    for step in some:
                        self._choose(talk, step)
                else:
                    self._fill(talk, [step for step in some if talk.reaches(step)])
        except FailedError as error:
            return Reply(error=error.message)
        return Reply(talk.values)

    # -- choices ----------------------------------------------------------------------------

    def _choose(self, talk: Talk, step: Step) -> None:
        if not talk.reaches(step):
            return
        slot = step.slot
        assert isinstance(slot, Choice)
        shares = self._by_logprobs(talk, slot) or self._by_votes(talk, slot)
        talk.values[step.name] = shares
        lead, code = step.lead(talk.chosen).lstrip(), talk.choose(slot, shares)
        talk.turns += talk.said(form.one_code(slot.codes), lead + code)

    def _by_logprobs(self, talk: Talk, slot: Choice) -> tuple[float, ...] | None:
        """Probabilities from the first token; None where the service or model gives none."""
        if not self._gives_logprobs:
            return None
        body = self._body(talk.messages(form.one_code(slot.codes)), max_tokens=1, temperature=0)
        features = {"logprobs": form.LOGPROBS, "thinking": form.THINKING_OFF}
        top = replies.top_logprobs(self._post(talk, body, features))
        if not top:
            self._gives_logprobs = False
            return None
        return replies.shares(top, slot.codes)

    def _by_votes(self, talk: Talk, slot: Choice) -> tuple[float, ...]:
        """Shares of votes. Where a thought was wanted each vote thinks for itself.

        Votes after one and the same thought would agree, whatever the thought is worth.
        """
        votes = [self._vote(talk, slot) for _ in range(VOTES)]
        codes = [code for code, _ in votes]
        whole = VOTES + len(slot.codes) / 2
        shares = tuple((codes.count(code) + 0.5) / whole for code in slot.codes)
        if step := talk.thought_first:
            winner = slot.codes[slot.chosen(shares)]
            talk.values[step.name] = next((said for code, said in votes if code == winner), None)
        return shares

    def _vote(self, talk: Talk, slot: Choice) -> tuple[str, str | None]:
        """One answer in JSON with its thought; asked once more when it is not one of the codes."""
        thought = talk.thought_first
        thinking = thought is not None
        messages = talk.messages(form.vote(slot.codes, thinking=thinking), thought=False)
        room = form.blanks_room([thought] if thought else [])
        body = self._body(messages, max_tokens=room, temperature=1)
        features = {
            "schema": form.vote_schema(slot.codes, thinking=thinking),
            "thinking": form.THINKING_ON if thinking else form.THINKING_OFF,
        }
        for _ in range(2):
            reply = self._post(talk, body, features)
            found = replies.in_json(replies.content(reply))
            if (code := found.get(form.CODE)) in slot.codes:
                said = found.get(form.WHOLE_THOUGHT)
                return code, said if isinstance(said, str) and said.strip() else None
        raise FailedError(_NO_CODE)

    # -- all other slots --------------------------------------------------------------------

    def _fill(self, talk: Talk, steps: list[Step]) -> None:
        if not steps:
            return
        if talk.code is None and all(isinstance(step.slot, Thought) for step in steps):
            for step in steps:
                self._think(talk, step)
            return
        try:
            found = self._blanks(talk, steps)
        except FailedError:
            if any(_needed(talk.request, step) for step in steps):
                raise
            return  # without a value: the next run asks again
        for step in steps:
            if found.get(step.name) is None and _needed(talk.request, step):
                raise FailedError(_NO_VALUE)
            talk.values[step.name] = found.get(step.name)

    def _think(self, talk: Talk, step: Step) -> None:
        """Let the model think. Votes think for themselves, so there it is not done beforehand."""
        assert isinstance(step.slot, Thought)
        talk.values[step.name] = None
        if not self._gives_logprobs:
            return
        body = self._body(talk.messages(form.THINK), max_tokens=step.slot.tokens, temperature=0)
        reply = self._post(talk, body, {"thinking": form.THINKING_ON})
        if text := replies.thought(reply, step.slot):
            talk.values[step.name] = text
            talk.thought += talk.said(form.THINK, text)

    def _blanks(self, talk: Talk, steps: list[Step]) -> dict[str, Value]:
        """The slots' values from one JSON; what is wrong is said to the model, once."""
        hint = form.blanks(steps, talk.chosen)
        messages = talk.messages(hint)
        features = {"schema": form.blanks_schema(steps), "thinking": form.THINKING_OFF}
        found: dict[str, Value] = {}
        for _ in range(2):
            body = self._body(messages, max_tokens=form.blanks_room(steps), temperature=0)
            reply = self._post(talk, body, features)
            said = replies.content(reply)
            found |= {n: v for n, v in _values(steps, reply).items() if v is not None}
            wrong = [step for step in steps if step.name not in found]
            if not wrong:
                break
            retry = message("user", form.again(wrong))
            messages = [*messages, message("assistant", said or "{}"), retry]
        talk.turns += talk.said(hint, said)
        return found

    def _body(self, messages: list[Message], **options: Any) -> Body:
        return {"model": self._model, "messages": messages, **options}

    def _post(self, talk: Talk, body: Body, features: dict[str, Body]) -> Body:
        reply = self._http.post(body, features, talk.stop)
        talk.prompt_tokens += _count(reply, "prompt_tokens")
        talk.reused_tokens += _count(reply, "prompt_tokens_details", "cached_tokens")
        talk.generated_tokens += _count(reply, "completion_tokens")
        return reply


def _is_choice(step: Step) -> bool:
    return isinstance(step.slot, Choice)


def _needed(request: Request, step: Step) -> bool:
    """Whether nothing is answered without this slot; see the top of this file."""
    if isinstance(step.slot, Quote):
        return not any(isinstance(one.slot, Choice) for one in request.steps)
    return isinstance(step.slot, Number)


def _values(steps: list[Step], reply: Body) -> dict[str, Value]:
    """What a reply holds for the slots. Prose is taken where one line is all that is wanted."""
    text = replies.content(reply)
    given = replies.in_json(text)
    slot = steps[0].slot
    if not given and len(steps) == 1 and isinstance(slot, Line) and text.strip()[:1] not in "{[`":
        return {steps[0].name: replies.line(text, slot, cut=replies.was_cut(reply))}
    return {step.name: replies.value_of(step.slot, given.get(step.name)) for step in steps}


def _count(reply: Body, *path: str) -> int:
    value = replies.at(reply, "usage", *path)
    return value if isinstance(value, int) and value >= 0 else 0


_NO_CODE = Text(
    "模型没有按要求作答（不是可选代码之一）",
    "The model did not answer with one of the codes",
)
_NO_VALUE = Text(
    "模型没有按要求作答（不是要求的格式，或引文不是原文）",
    "The model did not answer in the form that was asked for, or quoted what is not there",
)
