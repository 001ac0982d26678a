"""The shape of a rulebook file: which keys, what kind of value, in both languages.

Pydantic checks the shape; positions come from the located tree (`qc_dsl.yaml_reader`), by the
path that a validation error names.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import ErrorDetails

from qc_dsl.errors import Diagnostic, QcError, did_you_mean, near
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.rulebook import Section
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, at, plain


def _both(zh: str, en: str) -> Any:
    return AliasChoices(zh, en)


def _as_list(value: object) -> object:
    """One text may stand where a list of texts is meant."""
    return [value] if isinstance(value, str) else value


Path = tuple[str | int, ...]
Words = Annotated[list[str], BeforeValidator(_as_list)]
Share = Annotated[float, Field(ge=0, le=1)]

TYPES = {
    "文本": "text", "数字": "number", "日期": "date", "时间": "datetime", "类别": "category",
    "列表": "list",
}  # fmt: skip


def _type(value: object) -> object:
    if isinstance(value, str):
        value = TYPES.get(value, value)
        if value not in TYPES.values():
            raise ValueError("type")
    return value


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VerdictsShape(_Shape):
    passed: str = Field(validation_alias=_both("通过", "pass"))
    failed: str = Field(validation_alias=_both("不通过", "fail"))
    excluded: str | None = Field(None, validation_alias=_both("排除", "exclude"))


class CaseShape(_Shape):
    key: str = Field(validation_alias=_both("主键", "key"))


class FieldShape(_Shape):
    type: Annotated[str, BeforeValidator(_type)] = Field(
        "text", validation_alias=_both("类型", "type")
    )
    columns: Words = Field(default_factory=list, validation_alias=_both("列", "columns"))
    separator: str | None = Field(None, validation_alias=_both("分隔", "separator"))
    label: str | None = Field(None, validation_alias=_both("标签", "label"))
    values: Words = Field(default_factory=list, validation_alias=_both("值", "values"))


class RuleShape(_Shape):
    sentence: str = Field(validation_alias=_both("句", "sentence"))
    priority: int = Field(0, validation_alias=_both("优先级", "priority"))


class ExampleShape(_Shape):
    model_config = ConfigDict(extra="allow", frozen=True)
    answer: str = Field(validation_alias=_both("答", "answer"))


class OtherwiseShape(_Shape):
    verdict: str | None = Field(None, validation_alias=_both("结论", "verdict"))
    ask: str | None = Field(None, validation_alias=_both("问", "ask"))
    show: Words = Field(default_factory=list, validation_alias=_both("看", "show"))
    criteria: Words = Field(default_factory=list, validation_alias=_both("准则", "criteria"))
    answers: dict[str, str] = Field(default_factory=dict, validation_alias=_both("答", "answers"))
    examples: list[ExampleShape] = Field(
        default_factory=list, validation_alias=_both("例", "examples")
    )
    review_below: Share = Field(0.75, validation_alias=_both("复核线", "review_below"))
    decide_at: Share = Field(0.5, validation_alias=_both("判定线", "decide_at"))


class TestShape(_Shape):
    model_config = ConfigDict(extra="allow", frozen=True)
    expected: str = Field(validation_alias=_both("应为", "expect"))
    rules: Words = Field(default_factory=list, validation_alias=_both("依", "by"))


Rules = dict[str, str | RuleShape]


class RulebookShape(_Shape):
    title: str = Field(validation_alias=_both("规则集", "rulebook"))
    id: str | None = Field(None, validation_alias=_both("编号", "id"))
    version: str = Field("", validation_alias=_both("版本", "version"))
    basis: str = Field("", validation_alias=_both("依据", "source"))
    verdicts: VerdictsShape = Field(validation_alias=_both("结论", "verdicts"))
    case: CaseShape = Field(validation_alias=_both("病例", "case"))
    fields: dict[str, FieldShape | None] = Field(validation_alias=_both("字段", "fields"))
    terms: dict[str, Words] = Field(default_factory=dict, validation_alias=_both("词表", "terms"))
    phrases: dict[str, str] = Field(default_factory=dict, validation_alias=_both("说法", "phrases"))
    applicability: str | Rules = Field(
        default_factory=dict, validation_alias=_both("适用", "applicability")
    )
    exceptions: Rules = Field(default_factory=dict, validation_alias=_both("例外", "exceptions"))
    rules: Rules = Field(validation_alias=_both("规则", "rules"))
    otherwise: str | OtherwiseShape | None = Field(
        None, validation_alias=_both("其余", "otherwise")
    )
    tests: list[TestShape] = Field(default_factory=list, validation_alias=_both("测试", "tests"))


SECTIONS: dict[Section, tuple[str, str]] = {
    "applicability": ("适用", "applicability"),
    "exceptions": ("例外", "exceptions"),
    "rules": ("规则", "rules"),
}


def verdict_names(shape: RulebookShape) -> tuple[str, ...]:
    """Pass, fail and (where declared) exclude, as the rulebook calls them."""
    given = (shape.verdicts.passed, shape.verdicts.failed, shape.verdicts.excluded)
    return tuple(name for name in given if name)


def _keys(shape: type[BaseModel]) -> list[str]:
    """Every key that a shape knows, in both languages."""
    choices = (field.validation_alias for field in shape.model_fields.values())
    return [str(name) for c in choices if isinstance(c, AliasChoices) for name in c.choices]


_SHAPES: dict[str, type[BaseModel]] = {
    name: shape
    for shape, names in (
        (VerdictsShape, ("结论", "verdicts")),
        (CaseShape, ("病例", "case")),
        (OtherwiseShape, ("其余", "otherwise")),
        (FieldShape, ("字段", "fields")),
        (RuleShape, ("规则", "rules", "例外", "exceptions", "适用", "applicability")),
    )
    for name in names
}


def _known_keys(path: Path) -> list[str]:
    if len(path) == 1:
        return _keys(RulebookShape)
    return _keys(_SHAPES.get(str(path[0]), RulebookShape))


def _twice(name: str, path: Path) -> bool:
    """Whether an unexpected key is known: then its twin in the other language stands beside it."""
    return name in _known_keys(path)


_EXPECTED = {
    "string_type": Text("这里应为一段文字", "A text is expected here"),
    "dict_type": Text("这里应为“名称: 内容”的列表", "“name: value” lines are expected here"),
    "model_type": Text("这里应为“名称: 内容”的列表", "“name: value” lines are expected here"),
    "list_type": Text("这里应为列表，例如 [甲, 乙]", "A list is expected here, such as [a, b]"),
    "float_parsing": Text("这里应为 0 到 1 之间的数", "A number from 0 to 1 is expected"),
    "greater_than_equal": Text("这里应为 0 到 1 之间的数", "A number from 0 to 1 is expected"),
    "less_than_equal": Text("这里应为 0 到 1 之间的数", "A number from 0 to 1 is expected"),
    "int_parsing": Text("这里应为整数", "A whole number is expected"),
}


def _tree_path(root: Mapping, location: Path) -> Path:
    """The part of a validation error's location that exists in the file.

    Pydantic adds the names of the union's branches it tried; they are no keys of ours.
    """
    path: list[str | int] = []
    for step in location:
        if at(root, (*path, step)) != at(root, tuple(path)) or isinstance(step, int):
            path.append(step)
    return tuple(path)


def _diagnostic(root: Mapping, path: Path, error: ErrorDetails) -> Diagnostic:
    kind = error["type"]
    span = at(root, path)
    if kind == "extra_forbidden":
        return _unknown_key(root, path, span)
    if kind == "missing":
        zh, en = _twins(str(error["loc"][-1]))
        return Diagnostic("QC010", Text(f"缺少“{zh}”", f"“{en}” is missing"), _head(root, path))
    if kind == "value_error":
        return _unknown_type(span)
    return Diagnostic("QC011", _EXPECTED.get(kind, _EXPECTED["string_type"]), span)


def _twins(name: str) -> tuple[str, str]:
    """The Chinese and the English form of a key."""
    shapes: tuple[type[BaseModel], ...] = (
        RulebookShape,
        ExampleShape,
        TestShape,
        *_SHAPES.values(),
    )
    pairs = [_keys(shape)[at : at + 2] for shape in shapes for at in range(0, len(_keys(shape)), 2)]
    zh, en = next(pair for pair in pairs if name in pair)
    return zh, en


def _head(root: Mapping, path: Path) -> Span:
    """A place to point at for something that is not there: the first key of its parent."""
    span = at(root, path)
    return root.items[0][0].span if not path and root.items else span


def _unknown_key(root: Mapping, path: Path, span: Span) -> Diagnostic:
    name = str(path[-1])
    parent = root
    for step in path[:-1]:
        child = parent.get(str(step)) if isinstance(parent, Mapping) else None
        parent = child if isinstance(child, Mapping) else parent
    key = parent.key(name)
    place = key.span if key else span
    if _twice(name, path):
        return Diagnostic(
            "QC005",
            Text(f"“{name}”与它的另一种语言的写法重复", f"“{name}” repeats its twin"),
            place,
            Text("中英文写法只留一种", "Keep one of the two languages"),
        )
    return Diagnostic(
        "QC009",
        Text(f"不认识“{name}”", f"Unknown key “{name}”"),
        place,
        _valid_keys(fold(name), _known_keys(path)),
    )


def _valid_keys(name: str, known: list[str]) -> Text:
    if close := did_you_mean(name, near(name, known)):
        return close
    zh, en = "、".join(known[::2]), ", ".join(known[1::2])
    return Text(f"可以写：{zh}", f"What exists: {en}")


def _unknown_type(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC012",
        Text(f"没有类型“{span.text}”", f"There is no type “{span.text}”"),
        span,
        Text("可以写：" + "、".join(TYPES), "Valid here: " + ", ".join(TYPES.values())),
    )


def validate(root: Mapping) -> RulebookShape:
    """The file's content, shape checked. Raises `QcError` with everything out of shape."""
    data: Any = plain(root)
    try:
        return RulebookShape.model_validate(data)
    except ValidationError as error:
        raise QcError(*_diagnostics(root, error.errors())) from None


def _diagnostics(root: Mapping, errors: list[ErrorDetails]) -> list[Diagnostic]:
    """One diagnostic a place. Where a value may be a text or a mapping and is a mapping gone
    wrong, only what is wrong inside is said.
    """
    paths = [_tree_path(root, error["loc"]) for error in errors]
    found: dict[tuple[str, Span | None, str], Diagnostic] = {}
    unknown = [p for p, e in zip(paths, errors, strict=True) if e["type"] == "extra_forbidden"]
    for path, error in zip(paths, errors, strict=True):
        if error["type"] == "missing" and _is_misspelt(str(error["loc"][-1]), path, unknown):
            continue
        deeper = any(len(p) > len(path) and p[: len(path)] == path for p in paths)
        if deeper and error["type"] == "string_type":
            continue
        diagnostic = _diagnostic(root, path, error)
        of = str(error["loc"][-1]) if error["type"] == "missing" else ""
        found.setdefault((diagnostic.code, diagnostic.span, of), diagnostic)
    return list(found.values())


def _is_misspelt(missing: str, parent: Path, unknown: list[Path]) -> bool:
    """Whether a key that is missing stands beside the others under a name much like it."""
    siblings = [str(path[-1]) for path in unknown if path[:-1] == parent]
    return any(near(name, _twins(missing)) for name in siblings)
