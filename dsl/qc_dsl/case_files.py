"""Tests that stand in a file of their own, beside the rulebook."""

from __future__ import annotations

from qc_dsl.cases import read_cases
from qc_dsl.rulebook import CaseDecl, Rulebook, TableDecl
from qc_dsl.schema import validate
from qc_dsl.shapes import (
    CaseShape,
    CasesShape,
    QuestionShape,
    RulebookShape,
    TableShape,
    VerdictsShape,
)
from qc_dsl.yaml_reader import Mapping


def cases_in(root: Mapping, rulebook: Rulebook) -> tuple[CaseDecl, ...]:
    """The tests of a file, ``测试: […]`` and nothing else. Raises `QcError` with its mistakes."""
    tests = validate(root, CasesShape).tests
    shape = _shape(rulebook).model_copy(update={"tests": tests})
    return read_cases(root, shape, {rule.id for rule in rulebook.rules})


def _shape(rulebook: Rulebook) -> RulebookShape:
    """As much of a rulebook's shape as its tests are held against."""
    return RulebookShape.model_construct(
        case=CaseShape.model_construct(key=rulebook.key),
        fields={field.name: None for field in rulebook.fields},
        tables={table.name: _table(table) for table in rulebook.tables},
        questions={
            question.name: QuestionShape.model_construct(answers=dict(question.answers))
            for question in rulebook.questions
        },
        verdicts=VerdictsShape.model_construct(
            passed=rulebook.passed, failed=rulebook.failed, excluded=rulebook.excluded
        ),
    )


def _table(table: TableDecl) -> TableShape:
    return TableShape.model_construct(
        key=table.key, case=table.case, columns={column.name: None for column in table.columns}
    )
