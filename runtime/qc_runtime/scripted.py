"""A back end that answers from a script: the same request, the same reply, no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from qc_dsl.lang import Text
from qc_runtime.backend import ANSWER, Counters, Number, Quote, Reply, Request, Slot, Value

Scripted = Reply | str | tuple[str, float]
Script = Callable[[Request], Scripted] | Mapping[str, Scripted]


class ScriptedBackend:
    """Answers with a function of the request, or from a mapping of user texts.

    An answer is a code, a code with its probability (the rest is spread over the others), or
    a whole `Reply`. What the mapping lacks gets an error reply. ``asked`` holds every request
    so far, so a test can tell what was asked twice or needlessly.
    """

    def __init__(self, script: Script, *, name: str = "scripted") -> None:
        self._script = script
        self._name = name
        self.counters = Counters()
        self.asked: list[Request] = []
        self.closed = False

    @property
    def identity(self) -> str:
        return f"scripted:{self._name}"

    @property
    def calls(self) -> int:
        """How many requests have been answered."""
        return len(self.asked)

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        for index, request in enumerate(requests):
            self.asked.append(request)
            yield index, self._reply(request)

    def close(self) -> None:
        self.closed = True

    def _reply(self, request: Request) -> Reply:
        if callable(self._script):
            return _as_reply(self._script(request), request)
        if request.user not in self._script:
            return Reply(error=Text("剧本中没有这个问题", "The script has no such question"))
        return _as_reply(self._script[request.user], request)


def _as_reply(answer: Scripted, request: Request) -> Reply:
    if isinstance(answer, Reply):
        return answer
    code, probability = (answer, 1.0) if isinstance(answer, str) else answer
    codes = request.choice.codes
    if code not in codes:
        zh, en = f"剧本给出的代码不在可选之列：{code}", f"The script's code is not allowed: {code}"
        return Reply(error=Text(zh, en))
    others = (1.0 - probability) / max(1, len(codes) - 1)
    spread = tuple(probability if c == code else others for c in codes)
    chosen = codes[request.choice.chosen(spread)]
    reply = Reply.of(spread)
    slots = {step.name: step.slot for step in request.steps}
    written = {
        name: _written(slots[name], chosen) for name in request.wanted(reply) if name != ANSWER
    }
    return Reply({**reply.values, **written})


def _written(slot: Slot, chosen: str) -> Value:
    """Something in the slot that belongs there."""
    if isinstance(slot, Quote):
        return slot.source[:8]
    return 0.0 if isinstance(slot, Number) else f"答案为 {chosen}。"
