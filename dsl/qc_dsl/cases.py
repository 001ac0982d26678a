"""The inline tests of a rulebook."""

from __future__ import annotations

from collections.abc import Iterator

from qc_dsl.errors import Diagnostic, Errors, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_dsl.question import extras, known_verdict, record_of
from qc_dsl.rulebook import CaseDecl, Record
from qc_dsl.shapes import RulebookShape, TestShape
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, Node, Sequence, at, plain

# What a test may expect besides a verdict, and the status it stands for.
OPEN_ENDS = {
    "资料缺失": "data_missing",
    "data_missing": "data_missing",
    "待人工": "needs_review",
    "needs_review": "needs_review",
}
Rows = tuple[tuple[str, tuple[Record, ...]], ...]


def read_cases(root: Mapping, shape: RulebookShape, rules: set[str]) -> tuple[CaseDecl, ...]:
    """The tests of a file whose shape is sound. Raises `QcError` with all their mistakes."""
    node = root.get("测试", "tests")
    errors = Errors()
    found: list[CaseDecl] = []
    for index, test in enumerate(shape.tests):
        assert isinstance(node, Sequence)
        case = errors.attempt(_case, test, shape, rules, node.items[index], errors)
        found += [case] if case else []
    errors.raise_any()
    return tuple(found)


def _case(
    test: TestShape, shape: RulebookShape, rules: set[str], item: Node, errors: Errors
) -> CaseDecl:
    given = extras(test)
    todo = _is_todo(test, shape, item, given, errors)
    fields = {name: value for name, value in given.items() if name not in shape.tables}
    known = list(dict.fromkeys((*shape.fields, shape.case.key, *shape.tables)))
    record = errors.attempt(record_of, fields, known, item.span, item)
    tables = tuple(_tables(given, shape, item, errors))
    errors.found += _mistakes(test, shape, rules, item)
    return CaseDecl(
        record or (),
        test.expected,
        tuple(test.rules),
        item.span,
        tables,
        None if test.findings is None else tuple(test.findings),
        tuple(test.answers.items()),
        todo,
    )


_TODO = {"待办": True, "todo": True, "正常": False, "ok": False}
_MARK = ("状态", "mark")


def _is_todo(
    test: TestShape, shape: RulebookShape, item: Node, given: dict[str, object], errors: Errors
) -> bool:
    """Whether a test is known not to hold yet. A field that is named like the mark is a field."""
    if test.mark is None:
        return False
    key = next((k for k in _MARK if isinstance(item, Mapping) and item.get(k)), _MARK[0])
    if key in shape.fields:
        given[key] = test.mark
        return False
    if test.mark not in _TODO:
        message = Text(f"没有状态“{test.mark}”", f"There is no mark “{test.mark}”")
        help_ = Text("可以写：待办、正常", "Valid here: todo, ok")
        errors.found.append(Diagnostic("QC016", message, _value(item, *_MARK).span, help_))
    return _TODO.get(test.mark, False)


def _tables(
    given: dict[str, object], shape: RulebookShape, item: Node, errors: Errors
) -> Iterator[tuple[str, tuple[Record, ...]]]:
    """The rows that a test gives of each table, in the order of the test."""
    for name in (name for name in given if name in shape.tables):
        node = item.get(name) if isinstance(item, Mapping) else None
        if not isinstance(node, Sequence):
            message = Text("这里应为几行，例如 [{列: 值}]，没有行时写 []",
                           "Rows are expected here, such as [{column: value}], or []")  # fmt: skip
            errors.found.append(Diagnostic("QC011", message, at(item, (name,))))
            continue
        rows = (errors.attempt(_row, row, name, shape) for row in node.items)
        yield name, tuple(row for row in rows if row is not None)


def _row(row: Node, table: str, shape: RulebookShape) -> Record:
    if not isinstance(row, Mapping):
        message = Text("一行写成 {列: 值, …}", "A row is written {column: value, …}")
        raise QcError(Diagnostic("QC011", message, row.span))
    declared = shape.tables[table]
    names = (*declared.columns, declared.key, declared.case)
    known = [name for name in names if name is not None]
    errors = Errors()
    for key, _ in row.items:
        errors.attempt(_known_column, key.value, table, known, key.span)
    errors.raise_any()
    values = {key.value: plain(value) for key, value in row.items}
    return record_of(values, list(values), row.span, row)


def _known_column(name: str, table: str, known: list[str], span: Span) -> None:
    if name not in known:
        message = Text(f"表“{table}”没有列“{name}”", f"The table {table} has no column “{name}”")
        raise QcError(Diagnostic("QC119", message, span, did_you_mean(name, known)))


def _mistakes(
    test: TestShape, shape: RulebookShape, rules: set[str], node: Node
) -> Iterator[Diagnostic]:
    """What a test expects that cannot come: verdicts, rules and answers that are not there."""
    if test.expected not in OPEN_ENDS:
        try:
            known_verdict(test.expected, shape, _value(node, "应为", "expect").span)
        except QcError as error:
            yield from error.diagnostics
    for names, keys in ((test.rules, _BY), (test.findings or [], _FINDINGS)):
        for name in (name for name in names if name not in rules):
            message = Text(f"没有规则“{name}”", f"There is no rule “{name}”")
            span = _value(node, *keys).span
            yield Diagnostic("QC112", message, span, did_you_mean(name, sorted(rules)))
    for question, answer in test.answers.items():
        asked = shape.questions.get(question)
        known = (list(asked.answers) or ["是", "否"]) if asked else [answer]
        if answer not in known:
            message = Text(f"没有答案“{answer}”", f"There is no answer “{answer}”")
            span = at(_value(node, *_ANSWERS), (question,))
            yield Diagnostic("QC016", message, span, did_you_mean(answer, known))


_BY, _FINDINGS, _ANSWERS = ("依", "by"), ("缺陷", "findings"), ("回答", "answers")


def _value(node: Node, *keys: str) -> Node:
    """What stands under one of these keys, or the whole where neither does."""
    return (node.get(*keys) if isinstance(node, Mapping) else None) or node
