"""The inline tests of a rulebook, with what the model is taken to answer."""

from __future__ import annotations

from collections.abc import Sequence

from qc_compiler.program import Question, TestCase
from qc_dsl.errors import Diagnostic, Errors, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_dsl.rulebook import CaseDecl, QuestionDecl, Rulebook

OTHERWISE = ("其余", "otherwise")  # under these names a test answers the last question


def read_tests(rulebook: Rulebook, questions: Sequence[Question]) -> tuple[TestCase, ...]:
    """The tests, answers under question ids. Raises `QcError` for answers to no question."""
    return compile_tests(rulebook.tests, rulebook, questions)


def compile_tests(
    cases: Sequence[CaseDecl], rulebook: Rulebook, questions: Sequence[Question]
) -> tuple[TestCase, ...]:
    """The same for tests that stand in another file."""
    errors = Errors()
    found = tuple(_test(case, rulebook, questions, errors) for case in cases)
    errors.raise_any()
    return found


def _test(
    case: CaseDecl, rulebook: Rulebook, questions: Sequence[Question], errors: Errors
) -> TestCase:
    answers = [
        errors.attempt(_answer, name, answer, case, rulebook, questions)
        for name, answer in case.answers
    ]
    return TestCase(
        case.record,
        case.expected,
        case.rules,
        str(case.span),
        case.tables,
        case.findings,
        tuple(answer for answer in answers if answer is not None),
        case.todo,
    )


def _answer(
    name: str,
    answer: str,
    case: CaseDecl,
    rulebook: Rulebook,
    questions: Sequence[Question],
) -> tuple[str, str]:
    question = question_named(name, questions)
    if question is None and name in OTHERWISE and isinstance(rulebook.otherwise, QuestionDecl):
        possible = [known for known, _ in rulebook.otherwise.answers]
        if answer not in possible:
            raise QcError(_no_answer(name, answer, possible, case))
        return OTHERWISE[0], answer
    if question is None:
        if any(decl.name == name for decl in rulebook.questions):
            return name, answer  # declared, and used by no rule
        known = [question.id for question in questions]
        message = Text(f"没有问题“{name}”", f"There is no question “{name}”")
        raise QcError(Diagnostic("QC220", message, case.span, did_you_mean(name, known)))
    possible = [known for known, _ in question.answers]
    if answer not in possible:
        raise QcError(_no_answer(question.id, answer, possible, case))
    return question.id, answer


def _no_answer(name: str, answer: str, possible: Sequence[str], case: CaseDecl) -> Diagnostic:
    message = Text(
        f"问题“{name}”没有答案“{answer}”", f"The question “{name}” has no answer “{answer}”"
    )
    return Diagnostic("QC220", message, case.span, did_you_mean(answer, possible))


def question_named(name: str, questions: Sequence[Question]) -> Question | None:
    """A question by its id; by the bare word (同一手术) where only one question has it."""
    wanted = _plain(name)
    exact = [question for question in questions if _plain(question.id) == wanted]
    alike = exact or [q for q in questions if q.id.partition("(")[0] == name.strip()]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    """An id without what a writer may put otherwise: blanks, quotes, full-width marks."""
    table = str.maketrans({"（": "(", "）": ")", "，": ",", "、": ","})
    return "".join(ch for ch in name.translate(table) if ch not in ' “”"')
