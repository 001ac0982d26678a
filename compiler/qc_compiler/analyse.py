"""What is wrong with rules that are each well formed: contradictions, and words never used.

A contradiction is reported only with a witness: a record made up from the two rules' own
constants that the interpreter says hits both. So nothing is invented; what the search does not
find is caught when a record hits it (`qc_compiler.decide.Open.CONFLICT`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from qc_compiler import ir
from qc_compiler.interpret import evaluate
from qc_compiler.program import Arm, Level, Program
from qc_compiler.values import FieldType, Moment, Record
from qc_compiler.witness import find_record
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, Related
from qc_dsl.lang import Text
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Span


def analyse(program: Program, rulebook: Rulebook) -> tuple[Diagnostic, ...]:
    """Contradictions (errors), then gaps and unused declarations (warnings)."""
    spans = {decl.id: decl.span for decl in rulebook.rules}
    found = [
        _conflict(program, a, b, record, spans)
        for level in program.levels
        for a, b, record in _conflicts(program, level)
    ]
    if program.otherwise is None:
        found.append(_gap(rulebook))
    found += _unused(rulebook)
    return tuple(found)


def _conflicts(program: Program, level: Level) -> Iterator[tuple[Arm, Arm, Record]]:
    needs = {id(arm): _needs(arm.expr) for arm in level.arms}
    for a, b in combinations(level.arms, 2):
        if a.verdict == b.verdict or a.rule == b.rule or _disjoint(needs[id(a)], needs[id(b)]):
            continue
        record = find_record(ir.And((a.expr, b.expr)), program.fields)
        if record is not None and evaluate(a.expr, record) and evaluate(b.expr, record):
            yield a, b, record


def _needs(expr: ir.Expr) -> dict[str, frozenset[str]]:
    """The values outside which a text column makes the expression false, by column."""
    items = expr.items if isinstance(expr, ir.And) else (expr,)
    return {
        item.column.name: frozenset(item.values)
        for item in items
        if isinstance(item, ir.Among) and item.column.type is not FieldType.LIST
    }


def _disjoint(a: dict[str, frozenset[str]], b: dict[str, frozenset[str]]) -> bool:
    """Most pairs of rules are about different values: seen at once, without a search."""
    return any(name in b and not values & b[name] for name, values in a.items())


def _conflict(
    program: Program, a: Arm, b: Arm, record: Record, spans: dict[str, Span]
) -> Diagnostic:
    first, second = program.rules[a.rule].id, program.rules[b.rule].id
    one, other = program.verdicts[a.verdict].name, program.verdicts[b.verdict].name
    shown = [f"{name}={_shown(record[name])}" for name in _mentioned(a, b)]
    return Diagnostic(
        "QC301",
        Text(
            f"规则“{first}”与“{second}”会给同一病例不同结论（{one}、{other}）",
            f"Rules “{first}” and “{second}” give one record different verdicts",
        ),
        spans[second],
        Text(
            f"例如：{'，'.join(shown)}。请改写其中一条，或给其中一条写上“优先级”",
            f"For instance: {', '.join(shown)}. Change one of them, or give one a priority",
        ),
        related=(Related(spans[first], Text("另一条规则", "the other rule")),),
    )


def _mentioned(a: Arm, b: Arm) -> list[str]:
    return sorted({column.name for arm in (a, b) for column in ir.columns(arm.expr)})


def _shown(value: object) -> str:
    if isinstance(value, Moment):
        return f"{value.lo:%Y-%m-%d}" if value.lo < value.hi else f"{value.lo:%Y-%m-%d %H:%M}"
    if isinstance(value, tuple):
        return "“" + "+".join(value) + "”"
    return f"“{value}”" if isinstance(value, str) else "空" if value is None else f"{value:g}"


def _gap(rulebook: Rulebook) -> Diagnostic:
    return Diagnostic(
        "QC302",
        Text("没有“其余”：规则都不管的病例将交由人工", "No “otherwise”: the rest goes to a person"),
        rulebook.section_span("规则", "rules"),
        Text("请写 其余: 一个结论，或一个“问”", "Write “otherwise”: a verdict, or a question"),
        severity="warning",
    )


def _unused(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Fields, terms and phrases that no rule, phrase or question mentions."""
    conditions = [phrase.condition for phrase in rulebook.phrases]
    for rule in rulebook.rules:
        conditions.append(rule.sentence.condition)
        if isinstance(rule.sentence, ast.Equivalence) and rule.sentence.scope:
            conditions.append(rule.sentence.scope)
    used = {name for condition in conditions for name in _names(condition)} | {rulebook.key}
    used |= set(getattr(rulebook.otherwise, "show", ()))
    for kind in (rulebook.fields, rulebook.terms, rulebook.phrases):
        for decl in kind:
            if decl.name not in used:
                yield Diagnostic(
                    "QC303",
                    Text(f"“{decl.name}”从未用到", f"“{decl.name}” is never used"),
                    decl.span,
                    severity="warning",
                )


def _names(condition: ast.Condition) -> Iterator[str]:
    if isinstance(condition, ast.Predicate):
        yield condition.subject.text
        yield from (operand.text for operand in condition.operands)
    elif isinstance(condition, ast.Phrase):
        yield condition.name.text
    elif isinstance(condition, ast.Not):
        yield from _names(condition.item)
    else:
        for item in condition.items:
            yield from _names(item)
