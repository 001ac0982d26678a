"""Questions for the model: the one for records that no rule decides, and those with names."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping

from pydantic import BaseModel

from qc_dsl import ast
from qc_dsl.complaints import unknown_verdict
from qc_dsl.errors import Diagnostic, Errors, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_dsl.lexicon import THIS, Lexicon
from qc_dsl.parts import Parts
from qc_dsl.rulebook import QuestionDecl, Record
from qc_dsl.shapes import AskShape, OtherwiseShape, QuestionShape, RulebookShape, verdict_names
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, Node, Scalar, Sequence, at

_TRUTHS = {"真": "true", "true": "true", "假": "false", "false": "false"}


def read_otherwise(root: Mapping, shape: RulebookShape) -> QuestionDecl | str | None:
    """The ``otherwise`` of a file whose shape is sound. Raises `QcError` with its mistakes."""
    given, node = shape.otherwise, root.get("其余", "otherwise")
    if given is None or node is None:
        return None
    verdict = given if isinstance(given, str) else given.verdict
    if verdict is not None:
        known_verdict(verdict, shape, node.span)
        return verdict
    assert isinstance(given, OtherwiseShape)
    if not given.ask:
        message = Text("“其余”要写“问”或一个结论", "“otherwise” needs a question or a verdict")
        raise QcError(Diagnostic("QC016", message, node.span))
    names = verdict_names(shape)
    answers = given.answers or {"是": names[0], "否": names[1]}
    errors = Errors()
    for answer, verdict in answers.items():
        errors.attempt(known_verdict, verdict, shape, _under(node, ("答", "answers"), answer))
    return _question(given, node, list(shape.fields), shape, answers, errors)


def read_questions(
    parts: Parts, shape: RulebookShape, lexicon: Lexicon
) -> tuple[QuestionDecl, ...]:
    """The questions with names (问题) of all files. Raises `QcError` with their mistakes."""
    errors = Errors()
    items = parts.section("问题", "questions")
    found = [errors.attempt(_named, key, node, shape, lexicon) for key, node in items]
    errors.raise_any()
    return tuple(question for question in found if question is not None)


def _named(key: Scalar, node: Node, shape: RulebookShape, lexicon: Lexicon) -> QuestionDecl:
    given = shape.questions[key.value]
    assert isinstance(given, QuestionShape)
    answers, errors = given.answers or {"是": "真", "否": "假"}, Errors()
    for answer, truth in answers.items():
        if truth not in _TRUTHS:
            message = Text(f"“{truth}”不是真假", f"“{truth}” is no truth value")
            help_ = Text("可以写：真、假", "Valid here: true, false")
            span = _under(node, ("答", "answers"), answer)
            errors.found.append(Diagnostic("QC016", message, span, help_))
    truths = {answer: _TRUTHS.get(truth, "false") for answer, truth in answers.items()}
    if not errors.found and set(truths.values()) != {"true", "false"}:
        message = Text("答案里要有真也要有假", "One answer must be true and one false")
        errors.found.append(Diagnostic("QC016", message, _under(node, ("答", "answers"))))
    qualified = [name for name in lexicon.qualified if name.partition(".")[0] not in THIS]
    names = [*shape.fields, *qualified]
    return _question(given, node, names, shape, truths, errors, key)


def known_verdict(verdict: str, shape: RulebookShape, span: Span) -> None:
    if verdict not in verdict_names(shape):
        raise QcError(unknown_verdict(ast.Name(verdict, span=span), verdict_names(shape)))


def known_name(name: str, known: list[str], span: Span) -> None:
    """Raise `QcError` for a name that is no field (or, where there are tables, no column)."""
    if name in known:
        return
    head, dot, column = name.partition(".")
    of_table = [other for other in known if dot and other.startswith(f"{head}.")]
    if of_table:
        message = Text(f"表“{head}”没有列“{column}”", f"The table {head} has no column “{column}”")
        raise QcError(Diagnostic("QC119", message, span, did_you_mean(name, of_table)))
    message = Text(f"没有字段“{name}”", f"There is no field “{name}”")
    raise QcError(Diagnostic("QC101", message, span, did_you_mean(name, known)))


def _under(node: Node, keys: tuple[str, str], *path: str | int) -> Span:
    found = node.get(*keys) if isinstance(node, Mapping) else None
    return at(found, path) if found is not None else node.span


def _question(
    given: AskShape,
    node: Node,
    names: list[str],
    shape: RulebookShape,
    answers: AnyMapping[str, str],
    errors: Errors,
    key: Scalar | None = None,
) -> QuestionDecl:
    """A question over the fields and columns ``names``. Raises `QcError` with its mistakes."""
    if not 2 <= len(answers) <= 9:
        message = Text("答案要有 2 到 9 种", "A question has 2 to 9 answers")
        errors.found.append(Diagnostic("QC016", message, _under(node, ("答", "answers"))))
    show = tuple(given.show) or _labelled(shape)
    for index, name in enumerate(given.show):
        errors.attempt(known_name, name, names, _under(node, ("看", "show"), index))
    examples = tuple(_examples(given, node, names, set(answers), errors))
    errors.raise_any()
    return QuestionDecl(
        text=given.ask or "",
        show=show,
        criteria=tuple(given.criteria),
        answers=tuple(answers.items()),
        examples=examples,
        review_below=given.review_below,
        decide_at=given.decide_at,
        span=key.span if key else _under(node, ("问", "ask")),
        name=key.value if key else "",
    )


def _examples(
    given: AskShape, node: Node, names: list[str], answers: set[str], errors: Errors
) -> Iterable[tuple[tuple[tuple[str, str], ...], str]]:
    for index, example in enumerate(given.examples):
        span = _under(node, ("例", "examples"), index)
        record = errors.attempt(record_of, extras(example), names, span, _item(node, index))
        if example.answer not in answers:
            message = Text(f"没有答案“{example.answer}”", f"There is no answer “{example.answer}”")
            help_ = did_you_mean(example.answer, sorted(answers))
            errors.found.append(Diagnostic("QC016", message, span, help_))
        yield tuple((name, value or "") for name, value in record or ()), example.answer


def _item(node: Node, index: int) -> Node | None:
    """One of the examples, as written."""
    listed = node.get("例", "examples") if isinstance(node, Mapping) else None
    return listed.items[index] if isinstance(listed, Sequence) else None


def extras(given: BaseModel) -> dict[str, object]:
    """What stands beside the keys that a shape knows: the record."""
    return dict(given.model_extra or {})


def record_of(
    record: AnyMapping[str, object], known: list[str], span: Span, node: Node | None
) -> Record:
    """A record written in the rulebook. Raises `QcError` for each field that is wrong."""
    errors = Errors()
    for name, value in record.items():
        key = node.key(name) if isinstance(node, Mapping) else None
        errors.attempt(known_name, name, known, key.span if key else span)
        if value is not None and not isinstance(value, str):
            message = Text("这里应为一段文字", "A text is expected here")
            errors.found.append(Diagnostic("QC011", message, at(node, (name,)) if node else span))
    errors.raise_any()
    return tuple((name, value) for name, value in record.items()
                 if value is None or isinstance(value, str))  # fmt: skip


def _labelled(shape: RulebookShape) -> tuple[str, ...]:
    """What a question shows unless told: the labelled fields, else all but the key."""
    labelled = tuple(name for name, given in shape.fields.items() if given and given.label)
    return labelled or tuple(name for name in shape.fields if name != shape.case.key)
