"""One request on its way through a chat: what was said so far, and what came of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from qc_runtime.backend import Choice, Request, Step, Thought, Value
from qc_runtime.endpoint.form import Message, message, opening


@dataclass
class Talk:
    """A request with the turns, the values found, the code chosen last, and the tokens so far.

    ``thought`` are the turns in which it was thought; votes think anew and do without them.
    """

    request: Request
    stop: threading.Event
    thought: list[Message] = field(default_factory=list)
    turns: list[Message] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    code: str | None = None
    chosen: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    generated_tokens: int = 0

    def messages(self, hint: str, *, thought: bool = True) -> list[Message]:
        """The whole conversation, with ``hint`` as its end."""
        before = [*(self.thought if thought else ()), *self.turns]
        return [*opening(self.request), *before, message("user", self._put(hint, before))]

    def said(self, hint: str, answer: str) -> list[Message]:
        """A turn of the user's and one of the model's."""
        before = [*self.thought, *self.turns]
        return [message("user", self._put(hint, before)), message("assistant", answer)]

    def _put(self, hint: str, before: list[Message]) -> str:
        return hint if before else f"{self.request.user}\n\n{hint}"

    def reaches(self, step: Step) -> bool:
        """Whether the code chosen last leads to this step."""
        return step.after is None or self.code in step.after

    def choose(self, slot: Choice, shares: tuple[float, ...]) -> str:
        """Note what is chosen by these probabilities."""
        self.chosen = slot.chosen(shares)
        self.code = slot.codes[self.chosen]
        return self.code

    @property
    def thought_first(self) -> Step | None:
        """The thought that comes before the first choice, while that is not made."""
        first = self.request.steps[0]
        return first if self.code is None and isinstance(first.slot, Thought) else None
