"""Why a record got its decision: the truth of every clause of every rule, with evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qc_compiler import ir
from qc_compiler.evidence import Display, Quote, RowCount, count_rows, missing, quotes
from qc_compiler.interpret import Truth, evaluate
from qc_compiler.program import Program, Rule
from qc_compiler.values import Record
from qc_dsl import ast

__all__ = ["Display", "Quote", "RowCount", "TracedClause", "TracedRule", "trace", "trace_rule"]


@dataclass(frozen=True)
class TracedClause:
    """A condition with its truth for one record; ``quotes`` are what made it true or false.

    ``missing`` names the fields (or tables) without which it is unknown. ``parts`` are the
    conditions it is made of, none for a predicate, a phrase or a quantifier; ``rows`` says how
    the rows of a quantifier came out.
    """

    condition: ast.Condition
    truth: Truth
    quotes: tuple[Quote, ...] = ()
    missing: tuple[str, ...] = ()
    parts: tuple[TracedClause, ...] = ()
    rows: RowCount | None = None

    def leaves(self) -> Iterator[TracedClause]:
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def deciding(self) -> Iterator[TracedClause]:
        """The leaves on which its truth rests."""
        return _deciding(self)


@dataclass(frozen=True)
class TracedRule:
    """A rule for one record: its clauses (scope first) and the truth of all of them together."""

    rule: Rule
    clauses: tuple[TracedClause, ...]

    def quotes(self) -> tuple[Quote, ...]:
        """What the rule's outcome rests on: of all clauses but the exceptions that do not hold."""
        clauses = [
            traced
            for clause, traced in zip(self.rule.clauses, self.clauses, strict=True)
            if clause.role != "exception" or traced.truth
        ]
        found = (q for clause in clauses for leaf in _deciding(clause) for q in leaf.quotes)
        return tuple(dict.fromkeys(found))

    def missing(self) -> tuple[str, ...]:
        found = (m for clause in self.clauses for leaf in clause.leaves() for m in leaf.missing)
        return tuple(dict.fromkeys(found))


def _deciding(clause: TracedClause) -> Iterator[TracedClause]:
    """The leaves on which a clause's truth rests: of a false 且 those that are false, and so on."""
    if not clause.parts:
        yield clause
    wanted = clause.truth
    if isinstance(clause.condition, ast.Not) and wanted is not None:
        wanted = not wanted
    for part in clause.parts:
        if part.truth is wanted:
            yield from _deciding(part)


def trace_rule(rule: Rule, record: Record, display: Display) -> TracedRule:
    """The truth of each clause of one rule.

    For an obligation about rows, ``record`` and ``display`` bind the row in question
    (`qc_compiler.interpret.bind`). The texts of other tables' rows are those under
    `qc_compiler.values.RowsOf` in ``display``, in the order of the record's; where there are
    none, folded texts are quoted.
    """
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
    found = tuple(dict.fromkeys(quotes(expr, record, display)))
    lacking = missing(expr, record) if truth is None else ()
    return TracedClause(condition, truth, found, lacking, rows=count_rows(condition, expr, record))
