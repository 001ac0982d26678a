"""Rules that can never apply, and conditions that always or never hold.

Only what is certain is said (`qc_compiler.satisfiable`): nothing is invented, some is missed.
"""

from __future__ import annotations

from collections.abc import Iterator

from qc_compiler import ir
from qc_compiler.covering import NOTHING, Covering
from qc_compiler.program import Arm, Obligation, Program
from qc_compiler.satisfiable import Declared
from qc_compiler.ways import Ways
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, Related
from qc_dsl.lang import Text
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Span


def unreachable(program: Program, rulebook: Rulebook, ways: Ways) -> Iterator[Diagnostic]:
    """Conditions that are settled beforehand, then rules that others leave nothing to."""
    spans = {rule.id: rule.span for rule in rulebook.rules}
    covering = Covering(ways)
    dead = set()
    for number, rule in enumerate(program.rules):
        for clause in rule.clauses:
            for part, always in _settled(clause.condition, clause.expr, ways):
                dead |= set() if always else {number}
                yield _settled_warning(part, always)
    for number, first in _left_nothing(program, covering):
        if number not in dead:
            yield _unreachable(program, number, first, spans)
    if covering.bounded:
        yield _not_all(rulebook)


def declared_values(program: Program) -> Declared:
    """The values of every category, by its column."""
    columns = {
        (table.name, field.name): field.values
        for table in program.tables
        for field in table.columns
    } | {("", field.name): field.values for field in program.fields}
    return lambda column: columns.get((column.row.partition("#")[0], column.name), ())


def _settled(
    condition: ast.Condition, expr: ir.Expr, ways: Ways
) -> Iterator[tuple[ast.Condition, bool]]:
    """The smallest parts of a condition that always (or never) hold, with which of the two."""
    inner = [
        found
        for child, of in zip(ast.children(condition), ir.children(expr), strict=False)
        if isinstance(condition, (ast.And, ast.Or, ast.Not))
        for found in _settled(child, of, ways)
    ]
    if inner:
        yield from inner
    elif ways.never(expr):
        yield condition, False
    elif ways.never(ir.Not(expr)):
        yield condition, True


def _settled_warning(part: ast.Condition, always: bool) -> Diagnostic:
    zh, en = ("总是成立", "always holds") if always else ("永远不成立", "can never hold")
    return Diagnostic(
        "QC307",
        Text(f"这个条件{zh}", f"This condition {en}"),
        part.span,
        Text(
            "请核对里面的值、大小和“且”“或”",
            "Check its values and bounds, and whether “and” or “or” is meant",
        ),
        severity="warning",
    )


def _left_nothing(program: Program, covering: Covering) -> Iterator[tuple[int, int | None]]:
    """Rules that can never decide, each with the rule that goes before it, where there is one."""
    before: list[int] = []  # the rules of the levels above, as they were added
    for level in program.levels:
        rules = arms_by_rule(level.arms)
        for number, arms in rules.items():
            found = [covering.first(arm.expr) for arm in arms]
            if None not in found:
                yield number, next((before[f] for f in found if f is not None and f >= 0), None)
        for number, arms in rules.items():
            covering.add(ir.Or(tuple(arm.expr for arm in arms)))
            before.append(number)
    for duty in program.obligations:
        if (first := covering.first(_reach(duty))) is not None:
            yield duty.rule, None if first == NOTHING else before[first]


def arms_by_rule(arms: tuple[Arm, ...]) -> dict[int, list[Arm]]:
    """The arms of each rule of a level, in the order in which they are written."""
    found: dict[int, list[Arm]] = {}
    for arm in arms:
        found.setdefault(arm.rule, []).append(arm)
    return found


def _reach(duty: Obligation) -> ir.Expr:
    """What an obligation is about: its scope, without what its exceptions exempt."""
    return ir.And((duty.scope, *(ir.Not(expr) for _, expr in duty.exceptions)))


def _unreachable(
    program: Program, number: int, first: int | None, spans: dict[str, Span]
) -> Diagnostic:
    name = program.rules[number].id
    related: tuple[Related, ...] = ()
    help_ = Text("它的几个条件不能同时成立", "Its conditions can never hold together")
    if first is not None:
        other = program.rules[first].id
        there = Text("先判断的规则", "the rule that goes before")
        related = (Related(spans[other], there),)
        help_ = Text(
            f"它管的病例，“{other}”都已先判断", f"“{other}” decides all of its records before it"
        )
    return Diagnostic(
        "QC306",
        Text(f"规则“{name}”永远用不到", f"The rule “{name}” can never apply"),
        spans[name],
        help_,
        related,
        severity="warning",
    )


def _not_all(rulebook: Rulebook) -> Diagnostic:
    return Diagnostic(
        "QC304",
        Text(
            "规则太多，永远用不到的规则只查了一部分",
            "So many rules that only some were looked at for whether they can ever apply",
        ),
        rulebook.section_span("规则", "rules"),
        severity="warning",
    )
