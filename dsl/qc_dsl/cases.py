"""The inline tests of a rulebook."""

from __future__ import annotations

from collections.abc import Iterable

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_dsl.question import known_fields, known_verdict
from qc_dsl.rulebook import CaseDecl
from qc_dsl.schema import RulebookShape, TestShape
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, at

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
    errors: list[Diagnostic] = []
    found: list[CaseDecl] = []
    for index, test in enumerate(shape.tests):
        assert node is not None
        span = at(node, (index,))
        try:
            _check(test, shape, rules, span)
        except QcError as error:
            errors.extend(error.diagnostics)
        record = tuple((k, None if v is None else str(v)) for k, v in _record(test))
        found.append(CaseDecl(record, test.expected, tuple(test.rules), span))
    if errors:
        raise QcError(*errors)
    return tuple(found)


def _record(test: TestShape) -> Iterable[tuple[str, object]]:
    return (test.model_extra or {}).items()


def _check(test: TestShape, shape: RulebookShape, rules: set[str], span: Span) -> None:
    known_fields((name for name, _ in _record(test)), shape, span)
    if test.expected not in OPEN_ENDS:
        known_verdict(test.expected, shape, span)
    for name in test.rules:
        if name not in rules:
            message = Text(f"没有规则“{name}”", f"There is no rule “{name}”")
            raise QcError(Diagnostic("QC112", message, span, did_you_mean(name, sorted(rules))))
