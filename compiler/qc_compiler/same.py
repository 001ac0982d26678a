"""Whether two texts of a rulebook's file mean the same: what guards a change by a program."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from qc_compiler.emit import EMITTERS, as_data
from qc_compiler.pipeline import compile_rulebook
from qc_compiler.program import Program, TestCase
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.files import Load, read_included
from qc_dsl.formatter import format_edits
from qc_dsl.lang import Lang, Text
from qc_dsl.reader import survey
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Source
from qc_dsl.stretches import Edit, apply

_PLACES = {
    "source",
    "root",
    "sources",
    "roots",
}  # where a rulebook's text lies is no part of its meaning


def formatted(
    source: Source, lang: Lang | None = None, within: Source | None = None, load: Load | None = None
) -> str:
    """A file's text in canonical spelling, which is sure to mean the same (`safe_edits`)."""
    return apply(source.text, safe_edits(source, lang, within, load))


def safe_edits(
    source: Source, lang: Lang | None = None, within: Source | None = None, load: Load | None = None
) -> list[Edit]:
    """`qc_dsl.formatter.format_edits`, after which the file means the same and has no others.

    Raises `QcError` where the rulebook has mistakes, or where the result would not mean the same.
    """
    load = load or read_included
    before = meaning(within or source, _with(source, source.text, load), lang)
    edits = format_edits(source, lang, within, load)
    if not edits:
        return edits
    new = Source(source.path, apply(source.text, edits))
    changed = _with(source, new.text, load)
    try:
        same = meaning(within or new, changed, lang) == before
        same = same and not format_edits(new, lang, within, changed)
    except QcError:
        same = False
    if not same:
        raise QcError(_would_change(source))
    return edits


def meaning(source: Source, load: Load, lang: Lang | None = None) -> Mapping[str, Any]:
    """What a rulebook says and compiles to, as data. Raises `QcError` with what is unreadable.

    A rulebook of wrong types or names that compiles to nothing means what its sentences say.
    In another language (``lang``) the wording of prompts differs, and is left out.
    """
    rulebook, errors = survey(source, load)
    errors.raise_any()
    assert rulebook is not None
    said = _said(rulebook)
    try:
        program = compile_rulebook(rulebook)
    except QcError as error:
        return {"said": said, "errors": sorted(d.code for d in error.diagnostics)}
    if lang is not None:
        del said["tests"]
        return {"said": said, **_in_any_language(program)}
    return {"said": said, "program": _without_texts(as_data(program))}


def _in_any_language(program: Program) -> dict[str, Any]:
    """The parts of a program that its language has no part in: questions go by their number."""
    questions, ir = program.questions, EMITTERS["ir"](program)
    for number, question in enumerate(questions):
        ir = ir.replace(json.dumps(question.id, ensure_ascii=False), f"#{number}")
    numbers = {question.id: number for number, question in enumerate(questions)}
    tests = [replace(test, answers=_numbered(test, program, numbers)) for test in program.tests]
    return {"ast": EMITTERS["ast"](program), "ir": ir, "tests": as_data(tests)}


def _numbered(
    test: TestCase, program: Program, numbers: Mapping[str, int]
) -> tuple[tuple[str, str], ...]:
    """What the model is taken to answer, by the numbers of question and answer."""
    found = []
    for name, answer in test.answers:
        if (number := numbers.get(name)) is not None:
            said = [known for known, _ in program.questions[number].answers]
            name, answer = str(number), str(said.index(answer))
        found.append((name, answer))
    return tuple(found)


def _said(rulebook: Rulebook) -> dict[str, Any]:
    parts = {f.name: getattr(rulebook, f.name) for f in fields(rulebook) if f.name not in _PLACES}
    return {name: _without_texts(as_data(part)) for name, part in parts.items()}


def _without_texts(data: Any) -> Any:
    """Rules without the text that they were written as."""
    if isinstance(data, list):
        return [_without_texts(item) for item in data]
    if isinstance(data, dict):
        rule = data.get("node") in ("Rule", "RuleDecl")
        return {k: _without_texts(v) for k, v in data.items() if not (rule and k == "text")}
    return data


def _with(source: Source, text: str, load: Load) -> Load:
    """What reads files, with another text for one of them."""
    path = os.path.abspath(source.path)

    def read(wanted: Path) -> bytes:
        return text.encode() if os.path.abspath(wanted) == path else load(wanted)

    return read


def _would_change(source: Source) -> Diagnostic:
    return Diagnostic(
        "QC652",
        Text(
            "改写以后意思会变，没有改写",
            "Rewritten, this file would mean something else; it was left as it is",
        ),
        help=Text(
            "这是 qc 的缺陷，请报告", "This is a mistake of qc: please report it with the file"
        ),
        place=Text(source.path, source.path),
    )
