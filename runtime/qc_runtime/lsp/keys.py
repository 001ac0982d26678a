"""The keys of a rulebook's YAML and the values they take, read off the shapes that check them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import AliasChoices, BaseModel

from qc_dsl.lang import Lang
from qc_dsl.shapes import (
    TYPES,
    FieldShape,
    PartShape,
    QuestionShape,
    RulebookShape,
    RuleShape,
    TableShape,
    TermFileShape,
    TestShape,
)

Shape = type[BaseModel]


def keys_at(path: tuple[str, ...], lang: Lang, *, whole: bool = True) -> list[str]:
    """The keys that may stand under these keys, in a language; none where names are free.

    ``whole``: the file is a rulebook, not a part that others include.
    """
    shape: Shape | None = RulebookShape if whole else PartShape
    steps = list(path)
    while steps and shape is not None:
        shape = _below(shape, steps)
    return [_alias(field, lang) for field in shape.model_fields.values()] if shape else []


_ITEMS: dict[str, Shape] = {
    "fields": FieldShape, "columns": FieldShape, "tables": TableShape, "terms": TermFileShape,
    "questions": QuestionShape, "tests": TestShape, "rules": RuleShape, "exceptions": RuleShape,
    "applicability": RuleShape,
}  # fmt: skip


def _below(shape: Shape, steps: list[str]) -> Shape | None:
    """The shape under the next key; it takes the names that a rulebook gives with it."""
    key = steps.pop(0)
    if (name := _named(shape, key)) is None:
        return None
    if name == "exceptions" and shape is RuleShape:
        return None
    if name == "columns" and shape is FieldShape:
        return None
    if item := _ITEMS.get(name):
        if not steps:
            return None
        steps.pop(0)
        return item
    return next(_models(shape.model_fields[name].annotation), None)


def _named(shape: Shape, key: str) -> str | None:
    """The attribute that a key of either language stands for."""
    for name, field in shape.model_fields.items():
        if isinstance(field.validation_alias, AliasChoices) and key in _aliases(field):
            return name
    return None


def _aliases(field: Any) -> list[str]:
    return [str(choice) for choice in field.validation_alias.choices]


def _alias(field: Any, lang: Lang) -> str:
    zh, en, *_ = _aliases(field)
    return zh if lang == "zh" else en


def _models(annotation: Any) -> Iterator[Shape]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None:
        for part in get_args(annotation):
            yield from _models(part)


def types_in(lang: Lang) -> list[str]:
    return list(TYPES if lang == "zh" else TYPES.values())
