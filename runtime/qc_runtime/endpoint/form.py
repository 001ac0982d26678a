"""What a chat service is asked: messages, and the JSON schemas of what it may answer.

The hints are Chinese with the English beside it, as the request does not say its language.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from qc_runtime.backend import Choice, Line, Number, Quote, Request, Slot, Step, Thought

Body = dict[str, Any]
Message = dict[str, str]

THINKING_OFF: Body = {"chat_template_kwargs": {"enable_thinking": False}}
THINKING_ON: Body = {"chat_template_kwargs": {"enable_thinking": True}}
LOGPROBS: Body = {"logprobs": True, "top_logprobs": 20}  # the most that common services give
SPARE_TOKENS = 1024  # room for a model that cannot be kept from thinking first
WHOLE_THOUGHT, CODE = "thought", "code"  # properties of a vote

THINK = "先仔细分析，写出分析过程，暂不下结论（first think it through in writing; no answer yet）"


def opening(request: Request) -> list[Message]:
    """What stands before the user's turn."""
    return [message("system", request.system)] if request.system else []


def message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def one_code(codes: Sequence[str]) -> str:
    return f"只输出一个代码（output one code only）：{' / '.join(codes)}"


def vote(codes: Sequence[str], *, thinking: bool) -> str:
    """The hint that asks for a code in JSON, after a thought in it if there is to be one."""
    first = {WHOLE_THOUGHT: "…"} if thinking else {}
    shape = " / ".join(json.dumps(first | {CODE: one}, ensure_ascii=False) for one in codes)
    return f"只输出一个 JSON（output one JSON only）：{shape}"


def vote_schema(codes: Sequence[str], *, thinking: bool) -> Body:
    first: Body = {WHOLE_THOUGHT: {"type": "string"}} if thinking else {}
    return _named(first | {CODE: {"type": "string", "enum": list(codes)}})


def blanks(steps: Sequence[Step], chosen: int) -> str:
    """The hint that asks for several slots in one JSON; ``chosen`` is the code's number."""
    shape = json.dumps({step.name: _example(step.slot) for step in steps}, ensure_ascii=False)
    asked = "；".join(f"{step.name}：{_meaning(step.slot)}{_words(step, chosen)}" for step in steps)
    return f"只输出一个 JSON（output one JSON only）：{shape}\n{asked}"


def blanks_schema(steps: Sequence[Step]) -> Body:
    return _named({step.name: _type(step.slot) for step in steps})


def blanks_room(steps: Sequence[Step]) -> int:
    """How many tokens to allow. Another tokeniser counts differently, and JSON takes some too."""
    sizes = [0 if isinstance(s.slot, Choice | Number) else s.slot.tokens for s in steps]
    return SPARE_TOKENS + 2 * sum(sizes)


def again(wrong: Sequence[Step]) -> str:
    """What is said to an answer in which these slots are missing or not as they must be."""
    names = "、".join(step.name for step in wrong)
    copied = any(isinstance(step.slot, Quote) for step in wrong)
    verbatim = "引文必须与病历一字不差（quotes must be copied verbatim）。" if copied else ""
    return (
        f"这几项不合要求（not valid）：{names}。{verbatim}请重新输出整个 JSON（output it again）。"
    )


def _named(properties: Body) -> Body:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    named = {"name": "answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _type(slot: Slot) -> Body:
    return {"type": "number" if isinstance(slot, Number) else "string"}


def _example(slot: Slot) -> str | int:
    return 0 if isinstance(slot, Number) else "…"


def _meaning(slot: Slot) -> str:
    if isinstance(slot, Quote):
        return "从病历原文逐字照抄的一段依据（a piece of the record copied verbatim）"
    if isinstance(slot, Number):
        return "一个数（a number）"
    if isinstance(slot, Thought):
        return "分析过程（your thinking）"
    assert isinstance(slot, Line)
    return "一句话（one sentence）"


def _words(step: Step, chosen: int) -> str:
    """What leads to the slot, as far as it says anything: “（不同） 理由：”, not “”。”."""
    words = " ".join(step.lead(chosen).strip(" \n”“\"'").split())
    return f" {words}" if words else ""
