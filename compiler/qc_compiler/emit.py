"""Every stage of a program as text, for people and for other tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from qc_compiler.prefilter import prefilter
from qc_compiler.program import Program, Question
from qc_compiler.prompts import full_prompt, system_prompt, user_prompt
from qc_dsl.source import Span

_PLACES = {"span", "place"}  # where a file lies is no part of what it means


def as_data(node: Any) -> Any:
    """A tree of frozen dataclasses as JSON-ready data, each node under its class's name."""
    if isinstance(node, Enum):
        return node.value
    if isinstance(node, datetime):
        return node.isoformat(sep=" ")
    if is_dataclass(node) and not isinstance(node, type):
        parts = {f.name: as_data(getattr(node, f.name)) for f in fields(node)}
        return {"node": type(node).__name__} | {k: v for k, v in parts.items() if k not in _PLACES}
    if isinstance(node, (tuple, list)):
        return [as_data(item) for item in node]
    return None if isinstance(node, Span) else node


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)


def _ast(program: Program) -> str:
    return _json({rule.id: as_data(rule.sentence) for rule in program.rules})


def _ir(program: Program) -> str:
    levels = [
        {
            "layer": level.layer,
            "priority": level.priority,
            "arms": [
                {
                    "rule": program.rules[arm.rule].id,
                    "verdict": program.verdicts[arm.verdict].name,
                    "when": as_data(arm.expr),
                }
                for arm in level.arms
            ],
        }
        for level in program.levels
    ]
    return _json(levels)


def _prompts(program: Program) -> str:
    if not isinstance(program.otherwise, Question):
        return ""
    question = program.otherwise
    shown = {name: f"{{{name}}}" for name in question.fields}
    system = system_prompt(question, program.lang)
    return f"[system]\n{system}\n\n[user]\n{user_prompt(question, shown, program.lang)}"


def _program(program: Program) -> str:
    content = as_data(program)
    content["sql"] = prefilter(program)
    content["prompts"] = _prompts(program)
    return _json(content)


EMITTERS: Mapping[str, Callable[[Program], str]] = {
    "ast": _ast,
    "ir": _ir,
    "sql": prefilter,
    "prompts": _prompts,
    "full-prompt": full_prompt,
    "json": _program,
}
