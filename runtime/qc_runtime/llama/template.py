"""The model's own chat template: which text stands around the system and the user text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text

_SYSTEM = "QC-SYSTEM-7d1f3a"
_USER = "QC-USER-c52e90"
_OPENING, _CLOSING = "<think>", "</think>"
# A template that writes today's date would give other bytes tomorrow, and no cached answer
# would ever be found again: the date it is told never changes.
_FIXED_DATE = "2025-01-01"


@dataclass(frozen=True)
class Frame:
    """A prompt is ``before`` + system + ``between`` + user + ``after``.

    Only these three pieces may hold control tokens; the two texts between them never do.
    """

    before: str
    between: str
    after: str


@dataclass(frozen=True)
class Thinking:
    """How a thought is opened and closed in the model's turn.

    ``closing`` is what the model itself writes at the end of one; empty where it has no way of
    its own, and thinks in plain lines.
    """

    opening: str = ""
    closing: str = ""

    @property
    def after(self) -> str:
        """The fixed text between a thought and what follows it."""
        return f"{self.closing}\n\n" if self.closing else "\n"


class ChatTemplate:
    """A Jinja template as GGUF files carry it (``tokenizer.chat_template``)."""

    def __init__(self, source: str | None, bos: str = "", eos: str = "") -> None:
        if not source:
            raise QcError(_missing())
        self._special = {"bos_token": bos, "eos_token": eos}
        try:
            self._template = _environment().from_string(source)
        except jinja2.TemplateError as error:
            raise QcError(_unusable(str(error))) from error

    def thinking(self) -> Thinking:
        """How this template's model thinks."""
        plain, thought = (self.frame(system=False, think=think).after for think in (False, True))
        if thought.rstrip().endswith(_OPENING):
            return Thinking("", _CLOSING)
        if _CLOSING in plain and _CLOSING not in thought:
            return Thinking(f"{_OPENING}\n", _CLOSING)
        return Thinking()

    def frame(self, *, system: bool, think: bool = False) -> Frame:
        """The text around a system and a user message; ``think``: a thought is to come first.

        Without ``system`` there is no system message, and nothing between. A template that
        takes none, or silently leaves it out, gets the system text in front of the user text.
        """
        if system and (frame := self._with_system_role(think)):
            return frame
        joined = f"{_SYSTEM}\n\n{_USER}" if system else _SYSTEM + _USER
        try:
            return _cut(self._render([_message("user", joined)], think))
        except (jinja2.TemplateError, _NotTwoTextsError, TypeError) as error:
            raise QcError(_unusable(str(error))) from error

    def _with_system_role(self, think: bool) -> Frame | None:
        messages = [_message("system", _SYSTEM), _message("user", _USER)]
        try:
            return _cut(self._render(messages, think))
        except (jinja2.TemplateError, _NotTwoTextsError, TypeError):
            return None

    def _render(self, messages: list[dict[str, str]], think: bool) -> str:
        return self._template.render(
            messages=messages,
            add_generation_prompt=True,
            enable_thinking=think,
            **self._special,
        )


class _NotTwoTextsError(Exception):
    """The template did not write both texts once and in order."""


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _cut(rendered: str) -> Frame:
    before, found, rest = rendered.partition(_SYSTEM)
    between, found_too, after = rest.partition(_USER)
    if not (found and found_too) or _SYSTEM in rest or _USER in before + after:
        raise _NotTwoTextsError("the template does not write each text once, in order")
    return Frame(before, between, after)


def _environment() -> jinja2.Environment:
    """What templates of this kind are written for, with no way out of the template."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda _format: _FIXED_DATE
    return environment


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=options.get("indent"))


def _missing() -> Diagnostic:
    return Diagnostic(
        "QC522",
        Text("模型没有对话模板", "The model has no chat template"),
        help=Text(
            "请换用带对话模板的指令模型（通常名为 …-Instruct 或 …-Chat）",
            "Use an instruction model that has one (usually called …-Instruct or …-Chat)",
        ),
    )


def _unusable(why: str) -> Diagnostic:
    zh, en = f"模型的对话模板无法使用：{why}", f"The model's chat template cannot be used: {why}"
    return Diagnostic("QC522", Text(zh, en))
