"""Every stage of a program as text, for people and for other tools."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from qc_compiler.prefilter import obligation_query, prefilter
from qc_compiler.program import Obligation, Program, Question
from qc_compiler.prompts import full_prompt, prompt
from qc_dsl.source import Span

_PLACES = {"span", "place"}  # where a file lies is no part of what it means

# Parts that a rulebook without them is emitted without: its bytes are what they were before the
# language had them.
_OPTIONAL = {
    "Column": {"row"},
    "Clause": {"label"},
    "Field": {"source", "headings", "pattern", "blanks", "since", "until", "lined"},
    "Affirms": {"lines"},
    "AffirmsTermsOf": {"lines"},
    "Question": {"id", "columns", "truths"},
    "TestCase": {"tables", "findings", "answers", "todo"},
    "Program": {"tables", "obligations", "questions", "score", "department"},
}


def _is_idle(part: Field[Any], node: Any) -> bool:
    """Whether an optional part has its default."""
    optional = part.name in _OPTIONAL.get(type(node).__name__, ())
    return optional and bool(getattr(node, part.name) == part.default)


def as_data(node: Any) -> Any:
    """A tree of frozen dataclasses as JSON-ready data, each node under its class's name."""
    if isinstance(node, Enum):
        return node.value
    if isinstance(node, datetime):
        return node.isoformat(sep=" ")
    if is_dataclass(node) and not isinstance(node, type):
        said = {f.name: getattr(node, f.name) for f in fields(node) if not _is_idle(f, node)}
        parts = {name: as_data(value) for name, value in said.items()}
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
    duties = [_duty(program, duty) for duty in program.obligations]
    return _json(levels + duties)


def _duty(program: Program, duty: Obligation) -> dict[str, Any]:
    return {
        "layer": "obligations",
        "rule": program.rules[duty.rule].id,
        "each": duty.table,
        "row": duty.row,
        "scope": as_data(duty.scope),
        "must": as_data(duty.must),
        "exceptions": {label: as_data(expr) for label, expr in duty.exceptions},
        "message": as_data(duty.message),
        "points": duty.points,
    }


def _sql(program: Program) -> str:
    """The pre-filter, then the query of every obligation under its rule's name."""
    queries = [prefilter(program)]
    for index, duty in enumerate(program.obligations):
        queries.append(f"-- {program.rules[duty.rule].id}\n{obligation_query(program, index)}")
    return ";\n\n".join(queries)


def _prompts(program: Program) -> str:
    asked = [program.otherwise] if isinstance(program.otherwise, Question) else []
    return "\n\n".join(_prompt(question, program) for question in (*asked, *program.questions))


def _prompt(question: Question, program: Program) -> str:
    """One question as it is put to many records, each shown text as its name in braces.

    Many questions to one long record come in the other order (`qc_compiler.layout`).
    """
    shown = {field: f"{{{field}}}" for field in question.fields}
    system, user = prompt(question, shown, "question_first", program.lang)
    head = f"[question] {question.id}\n" if question.id else ""
    return f"{head}[system]\n{system}\n\n[user]\n{user}"


def _program(program: Program) -> str:
    content = as_data(program)
    content["sql"] = _sql(program)
    content["prompts"] = _prompts(program)
    return _json(content)


def digest(program: Program) -> str:
    """The SHA-256 of what a program means: the same for the same rulebook, wherever it lies."""
    content = json.dumps(as_data(program), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


EMITTERS: Mapping[str, Callable[[Program], str]] = {
    "ast": _ast,
    "ir": _ir,
    "sql": _sql,
    "prompts": _prompts,
    "full-prompt": full_prompt,
    "json": _program,
}
