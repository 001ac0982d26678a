"""The inline tests of a rulebook."""

from __future__ import annotations

from qc_dsl.errors import Diagnostic, Errors, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_dsl.question import known_verdict, record_of
from qc_dsl.rulebook import CaseDecl
from qc_dsl.schema import RulebookShape, TestShape
from qc_dsl.yaml_reader import Mapping, Node, Sequence

# What a test may expect besides a verdict, and the status it stands for.
OPEN_ENDS = {
    "资料缺失": "data_missing",
    "data_missing": "data_missing",
    "待人工": "needs_review",
    "needs_review": "needs_review",
}


def read_cases(root: Mapping, shape: RulebookShape, rules: set[str]) -> tuple[CaseDecl, ...]:
    """The tests of a file whose shape is sound. Raises `QcError` with all their mistakes."""
    node = root.get("测试", "tests")
    errors = Errors()
    found: list[CaseDecl] = []
    for index, test in enumerate(shape.tests):
        assert isinstance(node, Sequence)
        item = node.items[index]
        record = errors.attempt(record_of, test, shape, item.span, item)
        errors.attempt(_check, test, shape, rules, item)
        found.append(CaseDecl(record or (), test.expected, tuple(test.rules), item.span))
    errors.raise_any()
    return tuple(found)


def _check(test: TestShape, shape: RulebookShape, rules: set[str], node: Node) -> None:
    if test.expected not in OPEN_ENDS:
        known_verdict(test.expected, shape, _value(node, "应为", "expect").span)
    for name in test.rules:
        if name not in rules:
            message = Text(f"没有规则“{name}”", f"There is no rule “{name}”")
            span = _value(node, "依", "by").span
            raise QcError(Diagnostic("QC112", message, span, did_you_mean(name, sorted(rules))))


def _value(node: Node, *keys: str) -> Node:
    """What stands under one of these keys, or the whole where neither does."""
    return (node.get(*keys) if isinstance(node, Mapping) else None) or node
