"""An OpenAI-compatible service as a back end.

Where the service gives log-probabilities, one token is asked for and the codes' shares of it
are the probabilities, as with the local engine. Where it gives none, nobody can know how sure
the model is from one answer. Then the question is put ``VOTES`` times at temperature 1, in
JSON whose schema allows the codes only, and the votes are counted with half a vote added to
every code (Jeffreys' prior): three of three for one of two codes is 0.875, two of three is
0.625. Such a probability is as coarse as it is honest, and never 1.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from qc_dsl.lang import Text
from qc_runtime.backend import Counters, Reply, Request
from qc_runtime.chat_http import Body, ChatHttp, FailedError, Patience
from qc_runtime.explanation import cut_back, first_line
from qc_runtime.threads import in_threads

VOTES = 3
_TOP = 20  # log-probabilities asked for: the most that common services give
_VOTE_TOKENS = 1024  # room for a model that cannot be kept from thinking first
_LEAST_MASS = 0.5  # of the first token, for its codes to count as the answer
_THINKING_OFF: Body = {"chat_template_kwargs": {"enable_thinking": False}}
_LOGPROBS: Body = {"logprobs": True, "top_logprobs": _TOP}
_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)

Message = dict[str, str]


@dataclass
class _Tally:
    """Tokens one request took, added up by its own thread."""

    prompt: int = 0
    reused: int = 0
    generated: int = 0


@dataclass
class _Asking:
    """One request on its way, with what it has cost so far."""

    request: Request
    stop: threading.Event
    tally: _Tally = field(default_factory=_Tally)


class EndpointBackend:
    """Answers requests over HTTP, ``concurrency`` at a time; ``timeout`` in seconds.

    The key comes from QC_ENDPOINT_KEY, else OPENAI_API_KEY. Errors: QC510 bad address, QC511
    no server, QC512 key or model refused. Everything else is an error reply to one request.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        concurrency: int = 8,
        timeout: float = 120.0,
        patience: Patience | None = None,
    ) -> None:
        self._model = model
        self._concurrency = concurrency
        self._http = ChatHttp(
            url, timeout=timeout, patience=patience or Patience(), connections=concurrency
        )
        self._gives_logprobs = True
        self.counters = Counters()

    def __repr__(self) -> str:
        return f"EndpointBackend({self._http.place!r}, {self._model!r})"

    @property
    def identity(self) -> str:
        return f"endpoint:{self._http.place}:{self._model}:votes={VOTES}"

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        stop = threading.Event()
        askings = [_Asking(request, stop) for request in requests]
        started = perf_counter()
        try:
            for index, reply in in_threads(self._answer, askings, self._concurrency, stop):
                self._count(askings[index].tally, perf_counter() - started)
                yield index, reply
                started = perf_counter()
        finally:
            stop.set()

    def close(self) -> None:
        self._http.close()

    def _count(self, tally: _Tally, seconds: float) -> None:
        self.counters.seconds += seconds
        self.counters.prompt_tokens += tally.prompt - tally.reused
        self.counters.reused_prompt_tokens += tally.reused
        self.counters.generated_tokens += tally.generated

    def _answer(self, asking: _Asking) -> Reply:
        try:
            probabilities = self._by_logprobs(asking) or self._by_votes(asking)
        except FailedError as error:
            return Reply(error=error.message)
        chosen = asking.request.codes[asking.request.chosen(probabilities)]
        explanation = None
        if chosen in asking.request.explain:
            explanation = self._explanation(asking, chosen)
        return Reply(probabilities, explanation)

    # -- the choice -------------------------------------------------------------------------

    def _by_logprobs(self, asking: _Asking) -> tuple[float, ...] | None:
        """Probabilities from the first token; None where the service or model gives none."""
        if not self._gives_logprobs:
            return None
        body = self._body(_question(asking.request), max_tokens=1, temperature=0)
        reply = self._post(asking, body, {"logprobs": _LOGPROBS, "thinking": _THINKING_OFF})
        top = _top_logprobs(reply)
        if not top:
            self._gives_logprobs = False
            return None
        return _shares(top, asking.request.codes)

    def _by_votes(self, asking: _Asking) -> tuple[float, ...]:
        votes = [self._vote(asking) for _ in range(VOTES)]
        codes = asking.request.codes
        whole = len(votes) + len(codes) / 2
        return tuple((votes.count(code) + 0.5) / whole for code in codes)

    def _vote(self, asking: _Asking) -> str:
        """One answer in JSON; asked once more when it is not one of the codes."""
        request = asking.request
        body = self._body(_question_json(request), max_tokens=_VOTE_TOKENS, temperature=1)
        features = {"schema": _schema(request.codes), "thinking": _THINKING_OFF}
        for _ in range(2):
            code = _code_in(_content(self._post(asking, body, features)), request.codes)
            if code is not None:
                return code
        raise FailedError(_NO_CODE)

    # -- the explanation --------------------------------------------------------------------

    def _explanation(self, asking: _Asking, code: str) -> str | None:
        """One line of reasons; None when it cannot be had, for the answer stands without."""
        request = asking.request
        said = {"role": "assistant", "content": request.answer_lead + code}
        messages = [*_question(request), said, _message("user", _why(request, code))]
        body = self._body(messages, max_tokens=request.explain_tokens, temperature=0)
        try:
            reply = self._post(asking, body, {"thinking": _THINKING_OFF})
        except FailedError:
            return None
        text = first_line(_THOUGHT.sub("", _content(reply)))
        return (cut_back(text) if _was_cut(reply) else text) or None

    def _body(self, messages: list[Message], **options: Any) -> Body:
        return {"model": self._model, "messages": messages, **options}

    def _post(self, asking: _Asking, body: Body, features: dict[str, Body]) -> Body:
        reply = self._http.post(body, features, asking.stop)
        _add_usage(asking.tally, reply)
        return reply


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _messages(request: Request, hint: str) -> list[Message]:
    system = [_message("system", request.system)] if request.system else []
    return [*system, _message("user", f"{request.user}\n\n{hint}")]


def _question(request: Request) -> list[Message]:
    codes = " / ".join(request.codes)
    return _messages(request, f"只输出一个代码（output one code only）：{codes}")


def _question_json(request: Request) -> list[Message]:
    shape = " / ".join(json.dumps({"code": code}) for code in request.codes)
    return _messages(request, f"只输出一个 JSON（output one JSON only）：{shape}")


def _why(request: Request, code: str) -> str:
    lead = request.lead(request.codes.index(code)).strip()
    return f"请用一句话说明理由（give the reason in one sentence）。{lead}"


def _schema(codes: Sequence[str]) -> Body:
    schema = {
        "type": "object",
        "properties": {"code": {"type": "string", "enum": list(codes)}},
        "required": ["code"],
        "additionalProperties": False,
    }
    named = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


# -- reading replies: whatever is not as it should be reads as absent ------------------------


def _at(value: Any, *path: str | int) -> Any:
    """A value inside JSON, or None."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _content(reply: Body) -> str:
    content = _at(reply, "choices", 0, "message", "content")
    return content if isinstance(content, str) else ""


def _was_cut(reply: Body) -> bool:
    return bool(_at(reply, "choices", 0, "finish_reason") == "length")


def _top_logprobs(reply: Body) -> list[tuple[str, float]]:
    top = _at(reply, "choices", 0, "logprobs", "content", 0, "top_logprobs")
    rows = top if isinstance(top, list) else []
    pairs = [(_at(row, "token"), _at(row, "logprob")) for row in rows]
    return [(t, p) for t, p in pairs if isinstance(t, str) and isinstance(p, int | float)]


def _shares(top: list[tuple[str, float]], codes: Sequence[str]) -> tuple[float, ...] | None:
    """The codes' probabilities among themselves; None when the token was hardly one of them."""
    mass = [0.0] * len(codes)
    for token, logprob in top:
        start = token.strip()
        fitting = [n for n, code in enumerate(codes) if start and code.startswith(start)]
        if len(fitting) == 1 and logprob <= 1e-6:
            mass[fitting[0]] += math.exp(logprob)
    whole = sum(mass)
    return tuple(m / whole for m in mass) if whole >= _LEAST_MASS else None


def _code_in(content: str, codes: Sequence[str]) -> str | None:
    """The code of a JSON answer; None for prose, other JSON or another code."""
    try:
        code = _at(json.loads(_THOUGHT.sub("", content)), "code")
    except ValueError:
        return None
    return code if isinstance(code, str) and code in codes else None


def _add_usage(tally: _Tally, reply: Body) -> None:
    tally.prompt += _count(reply, "usage", "prompt_tokens")
    tally.reused += _count(reply, "usage", "prompt_tokens_details", "cached_tokens")
    tally.generated += _count(reply, "usage", "completion_tokens")


def _count(reply: Body, *path: str) -> int:
    value = _at(reply, *path)
    return value if isinstance(value, int) and value >= 0 else 0


_NO_CODE = Text(
    "模型没有按要求作答（不是可选代码之一）",
    "The model did not answer with one of the codes",
)
