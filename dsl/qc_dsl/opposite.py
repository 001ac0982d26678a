"""The same condition denied, in the words a person would use: 大于 becomes 不大于."""

from __future__ import annotations

from dataclasses import replace

from qc_dsl import ast
from qc_dsl.ast import Op

_PAIRS = (
    (Op.EQ, Op.NE),
    (Op.IN, Op.NOT_IN),
    (Op.CONTAINS, Op.NOT_CONTAINS),
    (Op.IS_BLANK, Op.NOT_BLANK),
    (Op.GT, Op.LE),
    (Op.LT, Op.GE),
    (Op.BEFORE, Op.NOT_BEFORE),
    (Op.AFTER, Op.NOT_AFTER),
    (Op.MENTIONS, Op.NOT_MENTIONS),
    (Op.LITERAL_MENTIONS, Op.NOT_LITERAL_MENTIONS),
)
OPPOSITE: dict[Op, Op] = dict(_PAIRS) | {b: a for a, b in _PAIRS}
_ROWS: dict[ast.Quantifier, ast.Quantifier] = {
    "exists": "not_exists",
    "not_exists": "exists",
}


def denied(condition: ast.Condition) -> ast.Condition:
    """A condition that is true exactly where this one is false."""
    match condition:
        case ast.Not(item=item):
            return item
        case ast.Predicate(op=op, operands=operands) if op in OPPOSITE and len(operands) < 2:
            return replace(condition, op=OPPOSITE[op])
        case ast.Measured(op=op) if op in OPPOSITE:
            return replace(condition, op=OPPOSITE[op])
        case ast.Ask(kind="reflects" | "conforms" | "contradict" | "related", negated=negated):
            return replace(condition, negated=not negated)
        case ast.Quantified(kind=kind) if kind in _ROWS:
            return replace(condition, kind=_ROWS[kind])
    return ast.Not(condition, span=condition.span)
