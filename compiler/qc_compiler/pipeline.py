"""Rulebook to program: the passes in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Literal

from qc_compiler import ir
from qc_compiler.analyse import analyse
from qc_compiler.asked import CODES
from qc_compiler.declared import unsound
from qc_compiler.demanded import demanded
from qc_compiler.inline_tests import read_tests
from qc_compiler.lower import Lowering
from qc_compiler.messages import Message, read_message
from qc_compiler.program import (
    Arm,
    Clause,
    Kind,
    Level,
    Obligation,
    Program,
    Question,
    Rule,
    Score,
    Verdict,
)
from qc_compiler.resolve import Scope, resolve
from qc_compiler.simplify import simplify
from qc_compiler.values import Field
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, Errors, QcError
from qc_dsl.lang import Text
from qc_dsl.reader import read_source, survey
from qc_dsl.rulebook import QuestionDecl, Rulebook, RuleDecl
from qc_dsl.source import Source

Layer = Literal["gates", "exceptions", "rules"]
_LAYERS: tuple[Layer, ...] = ("gates", "exceptions", "rules")


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
    phrases, lowering = Lowering(scope, lenient=True), Lowering(scope)
    for phrase in rulebook.phrases:
        phrases.lower(phrase.condition)
    rules, arms, duties = [], [], []
    index = {verdict.name: at for at, verdict in enumerate(verdicts)}
    for number, decl in enumerate(rulebook.rules):
        clauses = _clauses(decl, lowering)
        rules.append(Rule(decl.id, decl.sentence, decl.text, clauses))
        if isinstance(decl.sentence, ast.Obligation):
            duties.append(_duty(number, decl.sentence, clauses, lowering))
        else:
            arms += [(decl, arm) for arm in _arms(number, decl.sentence, clauses, index)]
    questions = lowering.questions.all()
    tests = errors.attempt(read_tests, rulebook, questions)
    _raise([*errors.found, *phrases.errors, *lowering.errors])
    score = rulebook.score
    return Program(
        title=rulebook.title,
        id=rulebook.id,
        version=rulebook.version,
        basis=rulebook.basis,
        verdicts=verdicts,
        key=rulebook.key,
        fields=_lined(scope.fields.values(), None, lowering),
        rules=tuple(rules),
        levels=tuple(_levels(arms)),
        otherwise=_otherwise(rulebook, scope, index),
        tests=tests or (),
        lang=scope.lang,
        phrases=tuple((phrase.name, phrase.condition) for phrase in rulebook.phrases),
        terms=tuple((term.name, term.words) for term in rulebook.terms),
        tables=tuple(
            replace(table, columns=_lined(table.columns, table.name, lowering))
            for table in scope.tables.values()
        ),
        obligations=tuple(duties),
        questions=questions,
        score=Score(score.total, score.a, score.b) if score else None,
        department=rulebook.department,
    )


def _lined(fields: Iterable[Field], table: str | None, lowering: Lowering) -> tuple[Field, ...]:
    """The fields of the case, or of a table, with those marked that are read by their lines."""
    return tuple(replace(f, lined=(table, f.name) in lowering.lined) for f in fields)


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


def _clauses(decl: RuleDecl, lowering: Lowering) -> tuple[Clause, ...]:
    """The parts of a rule in the order in which they are read: scope, exceptions, condition."""
    sentence = decl.sentence
    duty = isinstance(sentence, ast.Obligation)
    try:
        lowering.rows.begin(sentence.table if isinstance(sentence, ast.Obligation) else None)
    except QcError as error:
        lowering.errors.extend(error.diagnostics)
        return ()
    *scope, condition = ast.conditions(sentence)
    clauses = [Clause("scope", part, lowering.lower(part)) for part in scope]
    for part in decl.exceptions:
        expr = lowering.lower(part.condition)
        clauses.append(Clause("exception", part.condition, expr, part.name))
    said = lowering.lower(condition)
    meant = demanded(said) if duty else said
    clauses.append(Clause("must" if duty else "condition", condition, meant))
    return tuple(clauses)


def _all_of(clauses: Iterable[Clause]) -> ir.Expr:
    return simplify(ir.And(tuple(clause.expr for clause in clauses)))


def _duty(
    number: int, sentence: ast.Obligation, clauses: tuple[Clause, ...], lowering: Lowering
) -> Obligation:
    by_role = {role: [c for c in clauses if c.role == role] for role in _ROLES}
    table = sentence.table.text if sentence.table else None
    return Obligation(
        rule=number,
        table=table,
        row=table or "",
        scope=_all_of(by_role["scope"]),
        must=_all_of(by_role["must"]),
        exceptions=tuple((c.label, simplify(c.expr)) for c in by_role["exception"]),
        message=_message(sentence, lowering) if clauses else (),
        points=sentence.points,
    )


_ROLES = ("scope", "exception", "must")


def _message(sentence: ast.Obligation, lowering: Lowering) -> Message:
    try:
        return read_message(sentence.message, lowering.rows)
    except QcError as error:
        lowering.errors.extend(error.diagnostics)
        return ()


def _arms(
    rule: int,
    sentence: ast.Gate | ast.Equivalence,
    clauses: tuple[Clause, ...],
    index: dict[str, int],
) -> Iterable[Arm]:
    """Scope and condition give the verdict; scope without condition gives the other one."""
    *rest, last = clauses
    condition = last.expr
    scope = [ir.Not(c.expr) if c.role == "exception" else c.expr for c in rest]
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
        codes=tuple(CODES[: len(given.answers)]),
        examples=tuple((record, numbered.index(a)) for record, a in given.examples),
        review_below=given.review_below,
        decide_at=given.decide_at,
    )
