"""Rulebook to program: the passes in order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Literal

from qc_compiler import ir
from qc_compiler.analyse import analyse
from qc_compiler.lower import Lowering
from qc_compiler.program import (
    Arm,
    Clause,
    Kind,
    Level,
    Program,
    Question,
    Rule,
    TestCase,
    Verdict,
)
from qc_compiler.resolve import Scope, resolve, unsound
from qc_compiler.simplify import simplify
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, Errors, QcError
from qc_dsl.lang import Text
from qc_dsl.reader import read_source, survey
from qc_dsl.rulebook import QuestionDecl, Rulebook, RuleDecl
from qc_dsl.source import Source

Layer = Literal["gates", "exceptions", "rules"]
_LAYERS: tuple[Layer, ...] = ("gates", "exceptions", "rules")
_CODES = "ABCDEFGHI"


def compile_file(path: Path) -> Program:
    """Read and compile a rulebook file. Raises `QcError` with all of its mistakes.

    Rules that contradict each other are a mistake too: no order could settle them.
    """
    rulebook, program = read_and_compile(read_source(path))
    if errors := [d for d in analyse(program, rulebook) if d.severity == "error"]:
        raise QcError(*errors)
    return program


def read_and_compile(source: Source) -> tuple[Rulebook, Program]:
    """A rulebook and its program.

    Raises `QcError` with all of the text's mistakes: those of its good sentences' meaning are
    found even where other sentences cannot be read.
    """
    rulebook, errors = survey(source)
    program = errors.attempt(compile_rulebook, rulebook) if rulebook else None
    errors.raise_any()
    assert rulebook is not None
    assert program is not None
    return rulebook, program


def compile_rulebook(rulebook: Rulebook) -> Program:
    """Resolve, lower, simplify and arrange a rulebook in levels."""
    errors = Errors()
    errors.found += unsound(rulebook)
    scope = errors.attempt(resolve, rulebook)
    verdicts = errors.attempt(_verdicts, rulebook)
    if scope is None or verdicts is None:
        raise QcError(*errors.found)
    lowering = Lowering(scope)
    for phrase in rulebook.phrases:
        lowering.lower(phrase.condition)
    rules, arms = [], []
    index = {verdict.name: at for at, verdict in enumerate(verdicts)}
    for number, decl in enumerate(rulebook.rules):
        clauses = _clauses(decl.sentence, lowering)
        rules.append(Rule(decl.id, decl.sentence, decl.text, clauses))
        arms += [(decl, arm) for arm in _arms(number, decl.sentence, clauses, index)]
    _raise([*errors.found, *lowering.errors])
    return Program(
        title=rulebook.title,
        id=rulebook.id,
        version=rulebook.version,
        basis=rulebook.basis,
        verdicts=verdicts,
        key=rulebook.key,
        fields=tuple(scope.fields.values()),
        rules=tuple(rules),
        levels=tuple(_levels(arms)),
        otherwise=_otherwise(rulebook, scope, index),
        tests=tuple(
            TestCase(case.record, case.expected, case.rules, str(case.span))
            for case in rulebook.tests
        ),
        lang="zh" if rulebook.root.get("规则集") else "en",
        phrases=tuple((phrase.name, phrase.condition) for phrase in rulebook.phrases),
        terms=tuple((term.name, term.words) for term in rulebook.terms),
    )


def _raise(errors: list[Diagnostic]) -> None:
    """A phrase's mistakes come up again wherever it is used: each is said once."""
    if errors:
        unique = {(d.code, d.span, d.message): d for d in errors}
        raise QcError(*sorted(unique.values(), key=lambda d: d.span.start if d.span else 0))


def _verdicts(rulebook: Rulebook) -> tuple[Verdict, ...]:
    found = [Verdict(rulebook.passed, Kind.PASS), Verdict(rulebook.failed, Kind.FAIL)]
    if rulebook.excluded:
        found.append(Verdict(rulebook.excluded, Kind.EXCLUDE))
    if len({verdict.name for verdict in found}) < len(found):
        message = Text("几种结论不能同名", "The verdicts need different names")
        raise QcError(Diagnostic("QC211", message, rulebook.section_span("结论", "verdicts")))
    return tuple(found)


def _clauses(sentence: ast.Sentence, lowering: Lowering) -> tuple[Clause, ...]:
    condition = Clause("condition", sentence.condition, lowering.lower(sentence.condition))
    if isinstance(sentence, ast.Gate) or sentence.scope is None:
        return (condition,)
    return (Clause("scope", sentence.scope, lowering.lower(sentence.scope)), condition)


def _arms(
    rule: int, sentence: ast.Sentence, clauses: tuple[Clause, ...], index: dict[str, int]
) -> Iterable[Arm]:
    """Scope and condition give the verdict; scope without condition gives the other one."""
    *scope, condition = (clause.expr for clause in clauses)
    yield Arm(rule, simplify(ir.And((*scope, condition))), index[sentence.verdict.text])
    if isinstance(sentence, ast.Equivalence) and sentence.otherwise is not None:
        other = simplify(ir.And((*scope, ir.Not(condition))))
        yield Arm(rule, other, index[sentence.otherwise.text])


def _layer(decl: RuleDecl) -> Layer:
    if isinstance(decl.sentence, ast.Gate):
        return "gates"
    return "exceptions" if decl.section == "exceptions" else "rules"


def _levels(arms: list[tuple[RuleDecl, Arm]]) -> Iterable[Level]:
    """Layer by layer, higher priority first; the order in the file plays no part."""

    def rank(entry: tuple[RuleDecl, Arm]) -> tuple[int, int]:
        return _LAYERS.index(_layer(entry[0])), -entry[0].priority

    for (layer, priority), group in groupby(sorted(arms, key=rank), rank):
        yield Level(_LAYERS[layer], -priority, tuple(arm for _, arm in group))


def _otherwise(rulebook: Rulebook, scope: Scope, index: dict[str, int]) -> Question | int | None:
    given = rulebook.otherwise
    if not isinstance(given, QuestionDecl):
        return None if given is None else index[given]
    numbered = [name for name, _ in given.answers]
    return Question(
        text=given.text,
        fields=given.show,
        labels=tuple(scope.fields[name].label or name for name in given.show),
        criteria=given.criteria,
        answers=tuple((answer, index[verdict]) for answer, verdict in given.answers),
        codes=tuple(_CODES[: len(given.answers)]),
        examples=tuple((record, numbered.index(a)) for record, a in given.examples),
        review_below=given.review_below,
        decide_at=given.decide_at,
    )
