"""Rules that can never apply, and conditions that always or never hold.

Only what is certain is said (`qc_compiler.satisfiable`): nothing is invented, some is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qc_compiler import ir
from qc_compiler.program import Arm, Obligation, Program
from qc_compiler.satisfiable import Declared, never_false, never_true
from qc_compiler.values import FieldType
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, Related
from qc_dsl.lang import Text
from qc_dsl.source import Span

_MOST_TRIED = 5_000  # pairs of a rule and one before it that are compared


def unreachable(program: Program, spans: dict[str, Span]) -> Iterator[Diagnostic]:
    """Conditions that are settled beforehand, then rules that others leave nothing to."""
    declared = _declared(program)
    dead = set()
    for number, rule in enumerate(program.rules):
        for clause in rule.clauses:
            for part, always in _settled(clause.condition, clause.expr, declared):
                dead |= set() if always else {number}
                yield _settled_warning(part, always)
    for number, first in _left_nothing(program, declared):
        if number not in dead:
            yield _unreachable(program, number, first, spans)


def _declared(program: Program) -> Declared:
    """The values of every category, by its column."""
    columns = {
        (table.name, field.name): field.values
        for table in program.tables
        for field in table.columns
    } | {("", field.name): field.values for field in program.fields}
    return lambda column: columns.get((column.row.partition("#")[0], column.name), ())


def _settled(
    condition: ast.Condition, expr: ir.Expr, declared: Declared
) -> Iterator[tuple[ast.Condition, bool]]:
    """The smallest parts of a condition that always (or never) hold, with which of the two."""
    inner = [
        found
        for child, of in zip(ast.children(condition), ir.children(expr), strict=False)
        if isinstance(condition, (ast.And, ast.Or, ast.Not))
        for found in _settled(child, of, declared)
    ]
    if inner:
        yield from inner
    elif never_true(expr, declared):
        yield condition, False
    elif never_false(expr, declared):
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


@dataclass(frozen=True)
class _Before:
    """What a rule of a higher level takes: the records for which any of its arms is true."""

    rule: int
    expr: ir.Expr
    columns: frozenset[ir.Column]


_Value = tuple[ir.Column, str]


class _Higher:
    """The rules of the levels above, those about certain values found by a value."""

    def __init__(self, declared: Declared) -> None:
        self.declared, self.left = declared, _MOST_TRIED
        self.by_value: dict[_Value, list[_Before]] = {}
        self.free: list[_Before] = []

    def add(self, rule: int, arms: list[Arm]) -> None:
        expr = ir.Or(tuple(arm.expr for arm in arms))
        before = _Before(rule, expr, ir.columns(expr))
        shared = frozenset.intersection(*(frozenset(_needs(arm.expr)) for arm in arms))
        if not shared:
            self.free.append(before)
            return
        column = min(shared, key=lambda c: c.key)
        for value in {v for arm in arms for v in _needs(arm.expr)[column]}:
            self.by_value.setdefault((column, value), []).append(before)

    def taking(self, expr: ir.Expr) -> _Before | bool | None:
        """What leaves nothing to a condition: a rule, or (true) the condition itself."""
        if never_true(expr, self.declared):
            return True
        about = ir.columns(expr)
        for one in self._likely(expr):
            # What a rule says of further columns leaves room.
            if one.columns <= about and self.left > 0:
                self.left -= 1
                if never_true(ir.And((expr, ir.Not(one.expr))), self.declared):
                    return one
        return None

    def _likely(self, expr: ir.Expr) -> Iterator[_Before]:
        yield from self.free
        seen: set[int] = set()
        for column, values in _needs(expr).items():
            for one in self.by_value.get((column, values[0]), ()):
                if one.rule not in seen:
                    seen.add(one.rule)
                    yield one


def _needs(expr: ir.Expr) -> dict[ir.Column, tuple[str, ...]]:
    """The values outside which a text makes the expression false, by column."""
    items = expr.items if isinstance(expr, ir.And) else (expr,)
    return {
        item.column: item.values
        for item in items
        if isinstance(item, ir.Among) and item.column.type is not FieldType.LIST
    }


def _left_nothing(program: Program, declared: Declared) -> Iterator[tuple[int, int | None]]:
    """Rules that can never decide, each with the rule that goes before it, where there is one."""
    higher = _Higher(declared)
    for level in program.levels:
        rules = _by_rule(level.arms)
        for number, arms in rules.items():
            found = [higher.taking(arm.expr) for arm in arms]
            if all(found):
                yield number, next((f.rule for f in found if isinstance(f, _Before)), None)
        for number, arms in rules.items():
            higher.add(number, arms)
    for duty in program.obligations:
        if first := higher.taking(_reach(duty)):
            yield duty.rule, first.rule if isinstance(first, _Before) else None


def _by_rule(arms: tuple[Arm, ...]) -> dict[int, list[Arm]]:
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
