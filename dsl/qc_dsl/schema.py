"""Whether a file has the shape of a rulebook, or of a part of one; said at its place if not.

Pydantic checks the shape (`qc_dsl.shapes`); positions come from the located tree
(`qc_dsl.yaml_reader`), by the path that a validation error names.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic_core import ErrorDetails

from qc_dsl.errors import Diagnostic, QcError, did_you_mean, near
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.shapes import (
    TYPES,
    CaseShape,
    ExampleShape,
    FieldShape,
    OtherwiseShape,
    PartShape,
    QuestionShape,
    RulebookShape,
    RuleShape,
    ScoreShape,
    TableShape,
    TermFileShape,
    TestShape,
    VerdictsShape,
)
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, at, plain

Path = tuple[str | int, ...]
_TYPE_NAMES = {*TYPES, *TYPES.values()}
Shape = TypeVar("Shape", bound=BaseModel)


def _pairs(shape: type[BaseModel]) -> list[tuple[str, ...]]:
    """The names of each key that a shape knows: Chinese, English, and any more."""
    first = ("title", "id", "version", "basis", "verdicts", "case")
    fields = sorted(
        shape.model_fields.items(),
        key=lambda item: item[0] not in first or shape is not RulebookShape,
    )
    choices = (field.validation_alias for _, field in fields)
    return [tuple(map(str, c.choices)) for c in choices if isinstance(c, AliasChoices)]


_SHAPES: dict[str, type[BaseModel]] = {
    name: shape
    for shape, names in (
        (VerdictsShape, ("结论", "verdicts")),
        (CaseShape, ("病例", "case")),
        (OtherwiseShape, ("其余", "otherwise")),
        (FieldShape, ("字段", "fields")),
        (TableShape, ("表", "tables")),
        (TermFileShape, ("词表", "terms")),
        (QuestionShape, ("问题", "questions")),
        (ScoreShape, ("评分", "score")),
        (TestShape, ("测试", "tests")),
        (RuleShape, ("规则", "rules", "例外", "exceptions", "适用", "applicability")),
    )
    for name in names
}


def _known_pairs(path: Path, top: type[BaseModel]) -> list[tuple[str, ...]]:
    """The keys that may stand where a path ends."""
    if len(path) == 1:
        return _pairs(top)
    inside_column = path[0] in ("表", "tables") and len(path) > 3
    return _pairs(FieldShape if inside_column else _SHAPES.get(str(path[0]), top))


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


def _diagnostic(root: Mapping, path: Path, error: ErrorDetails, top: type[BaseModel]) -> Diagnostic:
    kind = error["type"]
    span = at(root, path)
    if kind == "extra_forbidden":
        return _unknown_key(root, path, span, top)
    if kind == "missing":
        return _missing(str(error["loc"][-1]), _head(root, path))
    if kind == "value_error":
        return _unknown_type(span)
    if path and path[0] in ("评分", "score"):
        return Diagnostic("QC011", Text("这里应为分数", "Points are expected here"), span)
    expected = _EXPECTED.get(kind, _EXPECTED["string_type"])
    return Diagnostic("QC011", expected, span, _by_type(path, span.text))


def _by_type(path: Path, written: str) -> Text | None:
    """What to write for a field that was given its type alone, as only a column may be."""
    if len(path) != 2 or path[0] not in ("字段", "fields") or written not in _TYPE_NAMES:
        return None
    return Text(f"请写成 {{类型: {written}}}", f"Write {{type: {written}}}")


def _missing(name: str, span: Span) -> Diagnostic:
    zh, en = _twins(name)
    return Diagnostic("QC010", Text(f"缺少“{zh}”", f"“{en}” is missing"), span)


def _twins(name: str) -> tuple[str, str]:
    """The Chinese and the English form of a key."""
    shapes: tuple[type[BaseModel], ...] = (RulebookShape, ExampleShape, *_SHAPES.values())
    pairs = [names[:2] for shape in shapes for names in _pairs(shape)]
    zh, en = next(pair for pair in pairs if name in pair)
    return zh, en


def _head(root: Mapping, path: Path) -> Span:
    """A place to point at for something that is not there: the first key of its parent."""
    span = at(root, path)
    return root.items[0][0].span if not path and root.items else span


def _unknown_key(root: Mapping, path: Path, span: Span, top: type[BaseModel]) -> Diagnostic:
    name = str(path[-1])
    parent = root
    for step in path[:-1]:
        child = parent.get(str(step)) if isinstance(parent, Mapping) else None
        parent = child if isinstance(child, Mapping) else parent
    key = parent.key(name)
    place, pairs = key.span if key else span, _known_pairs(path, top)
    if any(name in names for names in pairs):
        return Diagnostic(
            "QC005",
            Text(f"“{name}”与它的另一种语言的写法重复", f"“{name}” repeats its twin"),
            place,
            Text("中英文写法只留一种", "Keep one of the two languages"),
        )
    if len(path) == 1 and top is PartShape and any(name in n for n in _pairs(RulebookShape)):
        return Diagnostic(
            "QC020",
            Text(f"被引用的文件里不能写“{name}”", f"An included file cannot hold “{name}”"),
            place,
            Text("请把它移到引用它的规则集里", "Move it to the rulebook that includes the file"),
        )
    return Diagnostic(
        "QC009",
        Text(f"不认识“{name}”", f"Unknown key “{name}”"),
        place,
        _valid_keys(fold(name), pairs),
    )


def _valid_keys(name: str, pairs: list[tuple[str, ...]]) -> Text:
    known = [form for names in pairs for form in names]
    if close := did_you_mean(name, near(name, known)):
        return close
    zh, en = "、".join(names[0] for names in pairs), ", ".join(names[1] for names in pairs)
    return Text(f"可以写：{zh}", f"What exists: {en}")


def _unknown_type(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC012",
        Text(f"没有类型“{span.text}”", f"There is no type “{span.text}”"),
        span,
        Text("可以写：" + "、".join(TYPES), "Valid here: " + ", ".join(TYPES.values())),
    )


def validate(root: Mapping, shape: type[Shape]) -> Shape:
    """The file's content, shape checked. Raises `QcError` with everything out of shape."""
    data: Any = plain(root)
    try:
        found = shape.model_validate(data)
    except ValidationError as error:
        wrong = _diagnostics(root, error.errors(), shape)
    else:
        wrong = []
    if shape is RulebookShape and root.get("引用", "include") is None:
        wrong += _without_needed(root, wrong)
    if wrong:
        raise QcError(*wrong)
    return found


def _without_needed(root: Mapping, wrong: list[Diagnostic]) -> list[Diagnostic]:
    """Fields and rules are needed where no other file can bring them."""
    needed = [names for names in (("字段", "fields"), ("规则", "rules")) if not root.get(*names)]
    unknown = [d.span.text for d in wrong if d.code == "QC009" and d.span]
    return [
        _missing(names[0], _head(root, ()))
        for names in needed
        if not any(near(word, names) for word in unknown)
    ]


def _diagnostics(
    root: Mapping, errors: list[ErrorDetails], top: type[BaseModel]
) -> list[Diagnostic]:
    """One diagnostic a place. Where a value may be a text or a mapping and is a mapping gone
    wrong, only what is wrong inside is said.
    """
    paths = [_tree_path(root, error["loc"]) for error in errors]
    found: dict[tuple[str, Span | None, str], Diagnostic] = {}
    unknown = [p for p, e in zip(paths, errors, strict=True) if e["type"] == "extra_forbidden"]
    for path, error in zip(paths, errors, strict=True):
        if error["type"] == "missing" and _is_misspelt(str(error["loc"][-1]), path, unknown):
            continue
        if _is_other_branch(root, path, error, list(zip(paths, errors, strict=True))):
            continue
        diagnostic = _diagnostic(root, path, error, top)
        of = str(error["loc"][-1]) if error["type"] == "missing" else ""
        found.setdefault((diagnostic.code, diagnostic.span, of), diagnostic)
    return list(found.values())


def _is_other_branch(
    root: Mapping, path: Path, error: ErrorDetails, all_: list[tuple[Path, ErrorDetails]]
) -> bool:
    """Whether an error is of a branch (text, list, mapping) that the value was not meant for."""
    kind = error["type"]
    if any(len(p) > len(path) and p[: len(path)] == path for p, _ in all_):
        return kind in ("string_type", "list_type", "model_type", "dict_type")
    inside = any(p == path and e["type"] == "missing" for p, e in all_)
    return inside and kind in ("string_type", "list_type")


def _is_misspelt(missing: str, parent: Path, unknown: list[Path]) -> bool:
    """Whether a key that is missing stands beside the others under a name much like it."""
    siblings = [str(path[-1]) for path in unknown if path[:-1] == parent]
    return any(near(name, _twins(missing)) for name in siblings)
