"""What happens to a record that no rule decides: nothing, a fixed verdict, or a question."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel

from qc_dsl import ast
from qc_dsl.complaints import unknown_verdict
from qc_dsl.errors import Diagnostic, Errors, QcError, did_you_mean
from qc_dsl.lang import Text
from qc_dsl.rulebook import QuestionDecl
from qc_dsl.schema import OtherwiseShape, RulebookShape, verdict_names
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, Node, Sequence, at


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
    return _question(given, node, shape)


def known_verdict(verdict: str, shape: RulebookShape, span: Span) -> None:
    if verdict not in verdict_names(shape):
        raise QcError(unknown_verdict(ast.Name(verdict, span=span), verdict_names(shape)))


def known_fields(names: Iterable[str], shape: RulebookShape, span: Span) -> None:
    known = list(shape.fields)
    errors = [
        Diagnostic(
            "QC101",
            Text(f"没有字段“{name}”", f"There is no field “{name}”"),
            span,
            did_you_mean(name, known),
        )
        for name in names
        if name not in known
    ]
    if errors:
        raise QcError(*errors)


def _under(node: Node, keys: tuple[str, str], *path: str | int) -> Span:
    found = node.get(*keys) if isinstance(node, Mapping) else None
    return at(found, path) if found is not None else node.span


def _question(given: OtherwiseShape, node: Node, shape: RulebookShape) -> QuestionDecl:
    names = verdict_names(shape)
    answers = given.answers or {"是": names[0], "否": names[1]}
    errors = Errors()
    for answer, verdict in answers.items():
        errors.attempt(known_verdict, verdict, shape, _under(node, ("答", "answers"), answer))
    if not 2 <= len(answers) <= 9:
        message = Text("答案要有 2 到 9 种", "A question has 2 to 9 answers")
        errors.found.append(Diagnostic("QC016", message, _under(node, ("答", "answers"))))
    show = tuple(given.show) or _labelled(shape)
    for index, name in enumerate(given.show):
        errors.attempt(known_fields, [name], shape, _under(node, ("看", "show"), index))
    examples = tuple(_examples(given, node, shape, set(answers), errors))
    errors.raise_any()
    return QuestionDecl(
        text=given.ask or "",
        show=show,
        criteria=tuple(given.criteria),
        answers=tuple(answers.items()),
        examples=examples,
        review_below=given.review_below,
        decide_at=given.decide_at,
        span=_under(node, ("问", "ask")),
    )


def _examples(
    given: OtherwiseShape, node: Node, shape: RulebookShape, answers: set[str], errors: Errors
) -> Iterable[tuple[tuple[tuple[str, str], ...], str]]:
    for index, example in enumerate(given.examples):
        span = _under(node, ("例", "examples"), index)
        record = errors.attempt(record_of, example, shape, span, _item(node, index))
        if example.answer not in answers:
            message = Text(f"没有答案“{example.answer}”", f"There is no answer “{example.answer}”")
            help_ = did_you_mean(example.answer, sorted(answers))
            errors.found.append(Diagnostic("QC016", message, span, help_))
        yield tuple((name, value or "") for name, value in record or ()), example.answer


def _item(node: Node, index: int) -> Node | None:
    """One of the examples, as written."""
    listed = node.get("例", "examples") if isinstance(node, Mapping) else None
    return listed.items[index] if isinstance(listed, Sequence) else None


def record_of(
    given: BaseModel, shape: RulebookShape, span: Span, node: Node | None
) -> tuple[tuple[str, str | None], ...]:
    """The fields of a record written in the rulebook. Raises `QcError` for each that is wrong."""
    errors = Errors()
    record = given.model_extra or {}
    for name, value in record.items():
        key = node.key(name) if isinstance(node, Mapping) else None
        errors.attempt(known_fields, [name], shape, key.span if key else span)
        if value is not None and not isinstance(value, str):
            message = Text("这里应为一段文字", "A text is expected here")
            errors.found.append(Diagnostic("QC011", message, at(node, (name,)) if node else span))
    errors.raise_any()
    return tuple(record.items())


def _labelled(shape: RulebookShape) -> tuple[str, ...]:
    """What a question shows unless told: the labelled fields, else all but the key."""
    labelled = tuple(name for name, given in shape.fields.items() if given and given.label)
    return labelled or tuple(name for name in shape.fields if name != shape.case.key)
