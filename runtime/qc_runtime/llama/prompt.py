"""From a request to tokens: what is shared, what is the record's, what is to be filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Choice, Number, Quote, Request, Slot, Step, Thought
from qc_runtime.llama.model import Model, Tokens
from qc_runtime.llama.template import ChatTemplate, Frame, Thinking


@dataclass(frozen=True)
class Blank:
    """A slot to be filled, as tokens.

    ``leads`` come before it: one, or one for each code of the choice before. ``after`` are the
    numbers of those codes after which it is filled; `None`: after any. ``codes`` are a
    choice's. ``closing`` is what ends a thought.
    """

    name: str
    slot: Slot
    leads: tuple[Tokens, ...] = ((),)
    after: frozenset[int] | None = None
    codes: tuple[Tokens, ...] = ()
    closing: Tokens = ()

    def lead(self, chosen: int) -> Tokens:
        return self.leads[chosen] if len(self.leads) > 1 else self.leads[0]

    @property
    def room(self) -> int:
        """The most tokens that it and its lead can take."""
        slot = self.slot
        if isinstance(slot, Choice):
            inside = max(map(len, self.codes))
        else:
            inside = 2 * slot.digits if isinstance(slot, Number) else slot.tokens
        return max(map(len, self.leads)) + inside


@dataclass(frozen=True)
class Prompt:
    """One request as tokens.

    ``head`` (template and system text) is one object for all requests that have it, ``tail``
    the rest up to the first slot, its lead included. ``blanks`` are the slots.
    """

    index: int
    head: Tokens
    tail: Tokens
    blanks: tuple[Blank, ...]
    sure_at: float = 0.0

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)

    @property
    def writes(self) -> bool:
        """Whether more may follow than a choice, of which not even the code is computed."""
        return self.room > 0

    @cached_property
    def room(self) -> int:
        """The most tokens that can follow the prompt."""
        first, *others = self.blanks
        reached = [blank for blank in others if blank.after is None or blank.after]
        last_is_choice = not reached and isinstance(first.slot, Choice)
        return 0 if last_is_choice else sum(blank.room for blank in (first, *reached))


_some = lru_cache(maxsize=256)


class Prompter:
    """Turns requests into prompts with one model's template and vocabulary.

    Texts of the request are tokenised apart from the template's pieces, with special tokens
    off: what looks like a control token in a record is text.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        bos = model.bos()
        self._bos = bos
        source = model.metadata("tokenizer.chat_template")
        self._template = ChatTemplate(source, bos[1] if bos else "", model.eos())
        self.thinking: Thinking = self._template.thinking()
        # A run puts a handful of systems, leads and codes to thousands of records
        self._frame = _some(self._make_frame)
        self._head = _some(self._make_head)
        self._after = _some(self._make_after)
        self._plain = _some(self._text)
        self._codes = _some(self._make_codes)
        self._fixed = _some(self._make_blanks)

    def prompts(self, requests: Sequence[Request]) -> list[Prompt]:
        """QC523 when the codes of a request cannot be told apart by their first token."""
        return [self._prompt(index, request) for index, request in enumerate(requests)]

    def _prompt(self, index: int, request: Request) -> Prompt:
        think = isinstance(request.steps[0].slot, Thought)
        has_system = bool(request.system)
        blanks = self._blanks(request.steps)
        tail = self._text(request.user) + self._after(has_system, think) + blanks[0].leads[0]
        return Prompt(index, self._head(request.system, think), tail, blanks, request.sure_at)

    def _blanks(self, steps: tuple[Step, ...]) -> tuple[Blank, ...]:
        if any(isinstance(step.slot, Quote) for step in steps):
            return self._make_blanks(steps)  # of one record only: not worth remembering
        return self._fixed(steps)

    def _make_blanks(self, steps: tuple[Step, ...]) -> tuple[Blank, ...]:
        made: list[Blank] = []
        codes: tuple[str, ...] = ()
        for number, step in enumerate(steps):
            before = steps[number - 1].slot if number else None
            made.append(self._blank(step, codes, before))
            if isinstance(step.slot, Choice):
                codes = step.slot.codes
        return tuple(made)

    def _blank(self, step: Step, known: tuple[str, ...], before: Slot | None) -> Blank:
        """``known`` are the codes of the last choice, ``before`` is the slot before this one."""
        slot, thinking = step.slot, self.thinking
        between = thinking.after if isinstance(before, Thought) else ""
        leads = tuple(self._piece(between) + self._plain(lead) for lead in step.leads)
        if before is not None:  # two slots are never without a token between them
            leads = tuple(lead or self._piece("\n") for lead in leads)
        if isinstance(slot, Thought) and thinking.closing:
            leads = (self._piece(thinking.opening),)  # its own way needs no words to lead to it
        after = None
        if step.after is not None:
            after = frozenset(n for n, code in enumerate(known) if code in step.after)
        codes = self._codes(slot.codes, step.leads[0]) if isinstance(slot, Choice) else ()
        closing = self._piece(thinking.closing) if isinstance(slot, Thought) else ()
        return Blank(step.name, slot, leads, after, codes, closing)

    def _text(self, text: str) -> Tokens:
        return self._model.tokenize(text, special=False) if text else ()

    def _piece(self, text: str) -> Tokens:
        return self._model.tokenize(text, special=True) if text else ()

    def _make_frame(self, has_system: bool, think: bool) -> Frame:
        return self._template.frame(system=has_system, think=think)

    def _make_head(self, system: str, think: bool) -> Tokens:
        frame = self._frame(bool(system), think)
        head = self._piece(frame.before) + self._text(system) + self._piece(frame.between)
        if self._bos and not frame.before.startswith(self._bos[1]):
            return (self._bos[0], *head)
        return head

    def _make_after(self, has_system: bool, think: bool) -> Tokens:
        return self._piece(self._frame(has_system, think).after)

    def _make_codes(self, codes: tuple[str, ...], lead: str) -> tuple[Tokens, ...]:
        made = tuple(self._code(code, lead) for code in codes)
        firsts = [tokens[:1] for tokens in made]
        if not codes or () in firsts or len(set(firsts)) < len(firsts):
            raise QcError(_codes_alike(codes))
        return made

    def _code(self, code: str, answer_lead: str) -> Tokens:
        """The tokens of a code as they come after the lead, where the lead stays whole."""
        lead = self._text(answer_lead)
        joined = self._text(answer_lead + code)
        if code and joined[: len(lead)] == lead:
            return joined[len(lead) :]
        return self._text(code)


def _codes_alike(codes: tuple[str, ...]) -> Diagnostic:
    shown = "、".join(codes), ", ".join(codes)
    return Diagnostic(
        "QC523",
        Text(
            f"答案代码在此模型中无法区分：{shown[0] or '（空）'}",
            f"This model cannot tell these answer codes apart: {shown[1] or '(none)'}",
        ),
        help=Text(
            "每个代码的第一个词元须各不相同，例如 A、B、C",
            "Each code must begin with another token, for example A, B, C",
        ),
    )
