"""From a request to tokens: what is shared, what is the record's, what may be answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Request
from qc_runtime.llama.model import Model, Tokens
from qc_runtime.llama.template import ChatTemplate, Frame


def _likeliest(probabilities: Sequence[float]) -> int:
    return max(range(len(probabilities)), key=probabilities.__getitem__)


@dataclass(frozen=True)
class Prompt:
    """One request as tokens.

    ``head`` (template and system text) is one object for all requests that have it, ``tail``
    the rest up to the choice slot. ``codes`` are the tokens of each code there. For a code
    whose number is in ``explain``, its one of ``leads`` follows it and then a text slot of at most
    ``limit`` tokens. ``choose`` says which code a choice slot's probabilities choose.
    """

    index: int
    head: Tokens
    tail: Tokens
    codes: tuple[Tokens, ...]
    explain: frozenset[int] = frozenset()
    leads: tuple[Tokens, ...] = ()
    limit: int = 0
    choose: Callable[[Sequence[float]], int] = field(default=_likeliest, compare=False)

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)

    @property
    def room(self) -> int:
        """The most tokens that can follow the choice slot."""
        if not self.explain:
            return 0
        return max(len(self.codes[n]) + len(self.leads[n]) for n in self.explain) + self.limit


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
        # A run puts a handful of systems, leads and codes to thousands of records
        self._frame = _some(self._make_frame)
        self._head = _some(self._make_head)
        self._after = _some(self._make_after)
        self._plain = _some(self._text)
        self._codes = _some(self._make_codes)

    def prompts(self, requests: Sequence[Request]) -> list[Prompt]:
        """QC505 when the codes of a request cannot be told apart by their first token."""
        return [self._prompt(index, request) for index, request in enumerate(requests)]

    def _prompt(self, index: int, request: Request) -> Prompt:
        has_system = bool(request.system)
        after = self._after(has_system, request.answer_lead)
        return Prompt(
            index,
            head=self._head(request.system),
            tail=self._text(request.user) + after,
            codes=self._codes(request.codes, request.answer_lead),
            explain=frozenset(n for n, c in enumerate(request.codes) if c in request.explain),
            leads=tuple(self._plain(request.lead(n)) for n in range(len(request.codes))),
            limit=max(1, request.explain_tokens),
            choose=request.chosen,
        )

    def _text(self, text: str) -> Tokens:
        return self._model.tokenize(text, special=False) if text else ()

    def _piece(self, text: str) -> Tokens:
        return self._model.tokenize(text, special=True) if text else ()

    def _make_frame(self, has_system: bool) -> Frame:
        return self._template.frame(system=has_system)

    def _make_head(self, system: str) -> Tokens:
        frame = self._frame(bool(system))
        head = self._piece(frame.before) + self._text(system) + self._piece(frame.between)
        if self._bos and not frame.before.startswith(self._bos[1]):
            return (self._bos[0], *head)
        return head

    def _make_after(self, has_system: bool, answer_lead: str) -> Tokens:
        return self._piece(self._frame(has_system).after) + self._text(answer_lead)

    def _make_codes(self, codes: tuple[str, ...], answer_lead: str) -> tuple[Tokens, ...]:
        made = tuple(self._code(code, answer_lead) for code in codes)
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
