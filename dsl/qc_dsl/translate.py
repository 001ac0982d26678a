"""The keys of a rulebook's file in the other language, and the words that are values of its own."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from qc_dsl.lang import Lang
from qc_dsl.shapes import TYPES, PartShape, QuestionShape, TestShape, as_field, as_type
from qc_dsl.stretches import Edit
from qc_dsl.yaml_reader import Mapping, Node, Scalar, Sequence

_TRUTHS = {"真": "true", "假": "false"}
# What tests call the questions that the language asks by itself, and their answers.
ASKED = {
    "同一手术": "same procedure", "相关": "related", "矛盾": "contradict", "体现": "reflects",
    "符合": "conforms to", "判断": "judged", "提及": "mentions",
}  # fmt: skip
ANSWERS = {"是": "yes", "否": "no"}


def key_edits(root: Mapping, shape: type[PartShape], lang: Lang) -> Iterator[Edit]:
    """The changes that put a file's keys, types and truth values in a language.

    Keys that the shape does not know are names, and stay.
    """
    return _of_shape(root, shape, lang)


def _of_shape(node: Mapping, shape: type[BaseModel], lang: Lang) -> Iterator[Edit]:
    for key, value in node.items:
        if (found := _field(shape, key.value)) is None:
            continue
        if not _is_name(key, value):
            yield from _renamed(key, found.validation_alias, lang)
        if shape is TestShape and key.value in ("回答", "answers"):
            yield from _test_answers(value, lang)
        elif shape is QuestionShape and key.value in ("答", "answers"):
            yield from _truths(value, lang)
        elif any(_is(part, as_type) for part in found.metadata):
            yield from _word(value, TYPES, lang)
        else:
            yield from _under(value, found.annotation, lang)


def _is_name(key: Scalar, value: Node) -> bool:
    """A bare sentence under 适用 is a rule, whose name is the key."""
    return key.value in ("适用", "applicability") and isinstance(value, Scalar)


def _field(shape: type[BaseModel], key: str) -> FieldInfo | None:
    fields = shape.model_fields.values()
    return next((f for f in fields if key in _names(f.validation_alias)), None)


def _names(alias: object) -> tuple[str, ...]:
    return tuple(map(str, alias.choices)) if isinstance(alias, AliasChoices) else ()


def _renamed(key: Scalar, alias: object, lang: Lang) -> Iterator[Edit]:
    zh, *en = _names(alias)
    if (lang == "zh") is not (key.value == zh):
        yield _edit(key, zh if lang == "zh" else en[0])


def _edit(scalar: Scalar, text: str) -> Edit:
    """A word in the place of another; the quotes around it stay."""
    quotes = 1 if scalar.style in ("'", '"') else 0
    start = scalar.span.start + quotes
    if scalar.offsets:
        start = scalar.offsets[0]
    return Edit(start, start + len(scalar.value), text)


def _word(node: Node, words: dict[str, str], lang: Lang) -> Iterator[Edit]:
    known = words if lang == "en" else {en: zh for zh, en in words.items()}
    if isinstance(node, Scalar) and node.value in known:
        yield _edit(node, known[node.value])


def _truths(node: Node, lang: Lang) -> Iterator[Edit]:
    for _, value in node.items if isinstance(node, Mapping) else ():
        yield from _word(value, _TRUTHS, lang)


def _test_answers(node: Node, lang: Lang) -> Iterator[Edit]:
    """提及(主诉,头痛): 是. Questions of the rulebook's own keep their names and answers."""
    words = ASKED if lang == "en" else {en: zh for zh, en in ASKED.items()}
    for key, value in node.items if isinstance(node, Mapping) else ():
        head = key.value.partition("(")[0].rstrip()
        if head in words:
            start = _edit(key, "").start
            yield Edit(start, start + len(head), words[head])
        if head in (*ASKED, *ASKED.values()):
            yield from _word(value, ANSWERS, lang)


def _is(part: object, function: object) -> bool:
    return isinstance(part, BeforeValidator) and part.func is function


def _under(node: Node, wanted: Any, lang: Lang) -> Iterator[Edit]:
    """The changes within a value, by the type that its shape declares for it."""
    origin, args = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        if any(_is(part, as_field) for part in args[1:]):
            yield from _word(node, TYPES, lang)
        yield from _under(node, args[0], lang)
    elif origin in (Union, UnionType):
        for branch in args:
            yield from _under(node, branch, lang)
    elif origin is dict and isinstance(node, Mapping):
        for _, value in node.items:
            yield from _under(value, args[1], lang)
    elif origin is list and isinstance(node, Sequence):
        for item in node.items:
            yield from _under(item, args[0], lang)
    elif isinstance(wanted, type) and issubclass(wanted, BaseModel) and isinstance(node, Mapping):
        yield from _of_shape(node, wanted, lang)
