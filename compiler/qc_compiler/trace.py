"""Why a record got its decision: the truth of every clause of every rule, with evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qc_compiler import ir
from qc_compiler.interpret import Truth, compile_pattern, evaluate, items
from qc_compiler.program import Program, Rule
from qc_compiler.quote import find_quote
from qc_compiler.values import Record
from qc_dsl import ast

Display = Mapping[str, str | None]


@dataclass(frozen=True)
class Quote:
    """A verbatim piece of a field's text."""

    field: str
    text: str


@dataclass(frozen=True)
class TracedClause:
    """A condition with its truth for one record; ``quotes`` are what made it true.

    ``missing`` names the fields without which it is unknown. ``parts`` are the conditions it is
    made of, none for a predicate or a phrase.
    """

    condition: ast.Condition
    truth: Truth
    quotes: tuple[Quote, ...] = ()
    missing: tuple[str, ...] = ()
    parts: tuple[TracedClause, ...] = ()

    def leaves(self) -> Iterator[TracedClause]:
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True)
class TracedRule:
    """A rule for one record: its clauses (scope first) and the truth of all of them together."""

    rule: Rule
    clauses: tuple[TracedClause, ...]

    def quotes(self) -> tuple[Quote, ...]:
        found = (q for clause in self.clauses for leaf in clause.leaves() for q in leaf.quotes)
        return tuple(dict.fromkeys(found))

    def missing(self) -> tuple[str, ...]:
        found = (m for clause in self.clauses for leaf in clause.leaves() for m in leaf.missing)
        return tuple(dict.fromkeys(found))


def trace_rule(rule: Rule, record: Record, display: Display) -> TracedRule:
    """The truth of each clause of one rule."""
    clauses = tuple(_trace(c.condition, c.expr, record, display) for c in rule.clauses)
    return TracedRule(rule, clauses)


def trace(program: Program, record: Record, display: Display) -> tuple[TracedRule, ...]:
    """The same for every rule, in the file's order."""
    return tuple(trace_rule(rule, record, display) for rule in program.rules)


def _trace(
    condition: ast.Condition, expr: ir.Expr, record: Record, display: Display
) -> TracedClause:
    truth = evaluate(expr, record)
    if isinstance(condition, ast.Not) and isinstance(expr, ir.Not):
        part = _trace(condition.item, expr.item, record, display)
        return TracedClause(condition, truth, parts=(part,))
    if isinstance(condition, (ast.And, ast.Or)) and isinstance(expr, (ir.And, ir.Or)):
        pairs = zip(condition.items, expr.items, strict=True)
        parts = tuple(_trace(c, e, record, display) for c, e in pairs)
        return TracedClause(condition, truth, parts=parts)
    missing = tuple(sorted(c.name for c in ir.columns(expr) if record[c.name] is None))
    quotes = tuple(_quotes(expr, record, display)) if truth else ()
    return TracedClause(condition, truth, quotes, missing if truth is None else ())


def _quotes(expr: ir.Expr, record: Record, display: Display) -> Iterator[Quote]:
    """The pieces of text that a true predicate found; none for what it did not find."""
    if isinstance(expr, (ir.And, ir.Or)):
        for item in expr.items:
            if evaluate(item, record):
                yield from _quotes(item, record, display)
    elif isinstance(expr, ir.Contains):
        yield _quote(expr.column, expr.text, display)
    elif isinstance(expr, ir.Matches):
        for text in items(record[expr.column.name]):
            found = compile_pattern(expr.pattern).search(text)
            if found and found.group():
                yield _quote(expr.column, found.group(), display)
    elif isinstance(expr, ir.Among):
        for text in items(record[expr.column.name]):
            if text in expr.values:
                yield _quote(expr.column, text, display)


def _quote(column: ir.Column, text: str, display: Display) -> Quote:
    return Quote(column.name, find_quote(display.get(column.name) or "", text))
