"""JSON Schema (draft 2020-12) of a rulebook's YAML, from the shapes that its reader checks.

For editors: a value that YAML takes for a number or a truth value is a text to the reader, so
both are allowed where a text is. What a schema cannot say (names that must exist, sentences) is
the business of ``qc check``.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import AliasChoices, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from qc_dsl.shapes import TYPES, PartShape, RulebookShape, as_field, as_list, as_type

Schema = dict[str, Any]
Keys = Literal["zh", "en", "both"]
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_NUMERIC = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"


def json_schema(keys: Keys = "both", part: bool = False) -> Schema:
    """The schema of a rulebook, or of a file that one includes, with keys of a language."""
    defs: dict[str, Schema] = {}
    shape = PartShape if part else RulebookShape
    root = _object(shape, keys, defs)
    if not part:
        root["allOf"] = [*root.get("allOf", []), _needed(keys)]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "qc 规则集 / qc rulebook",
    }
    return head | root | {"$defs": dict(sorted(defs.items()))}


def _needed(keys: Keys) -> Schema:
    """Fields and rules, unless an included file can bring them."""
    here = [_has(names, keys) for names in (("字段", "fields"), ("规则", "rules"))]
    return {"anyOf": [{"allOf": here}, _has(("引用", "include"), keys)]}


def _has(names: Sequence[str], keys: Keys) -> Schema:
    found = [{"required": [name]} for name in _in(names, keys)]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _in(names: Sequence[str], keys: Keys) -> Sequence[str]:
    """Of a key's names (Chinese, then English) those of a language."""
    return names if keys == "both" else names[:1] if keys == "zh" else names[1:]


def _object(shape: type[BaseModel], keys: Keys, defs: dict[str, Schema]) -> Schema:
    properties: Schema = {}
    rules: list[Schema] = []
    for field in shape.model_fields.values():
        alias = field.validation_alias
        assert isinstance(alias, AliasChoices)
        names = _in(tuple(map(str, alias.choices)), keys)
        properties |= dict.fromkeys(names, _field(field, keys, defs))
        rules += [_has(names, "both")] if field.is_required() else []
        rules += [{"not": {"required": [one, other]}} for one, other in _twice(names)]
    open_ = shape.model_config.get("extra") == "allow"
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": open_}
    return found | ({"allOf": rules} if rules else {})


def _twice(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(a, b) for at, a in enumerate(names) for b in names[at + 1 :]]


def _field(field: FieldInfo, keys: Keys, defs: dict[str, Schema]) -> Schema:
    return _value(field.annotation, field.metadata, keys, defs)


def _value(wanted: Any, notes: Sequence[Any], keys: Keys, defs: dict[str, Schema]) -> Schema:
    """The schema of a type; ``notes`` are what stands beside it in ``Annotated``."""
    before = {note.func for note in notes if isinstance(note, BeforeValidator)}
    if as_type in before:
        return {"enum": [*_types(keys), None]}
    found = _of(wanted, notes, keys, defs)
    if as_list in before:
        return _any([_TEXT, found])
    return _any([{"enum": _types(keys)}, found]) if as_field in before else found


def _types(keys: Keys) -> list[str]:
    by_keys = {"zh": [*TYPES], "en": [*TYPES.values()]}
    return by_keys.get(keys, [*TYPES, *TYPES.values()])


def _of(wanted: Any, notes: Sequence[Any], keys: Keys, defs: dict[str, Schema]) -> Schema:
    origin, args = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return _value(args[0], (*notes, *args[1:]), keys, defs)
    if origin in (Union, UnionType):
        return _any([_value(arg, (), keys, defs) for arg in args])
    if origin is dict:
        return {"type": "object", "additionalProperties": _value(args[1], (), keys, defs)}
    if origin is list:
        return {"type": "array", "items": _value(args[0], (), keys, defs)}
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        if wanted.__name__ not in defs:
            defs[wanted.__name__] = {}
            defs[wanted.__name__] = _object(wanted, keys, defs)
        return {"$ref": f"#/$defs/{wanted.__name__}"}
    return _plain(wanted, notes)


def _plain(wanted: Any, notes: Sequence[Any]) -> Schema:
    if wanted is NoneType:
        return {"type": "null"}
    if wanted in (int, float):
        bounds: Schema = {"type": "integer" if wanted is int else "number"}
        for note in notes:
            bounds |= {"minimum": note.ge} if isinstance(note, Ge) else {}
            bounds |= {"maximum": note.le} if isinstance(note, Le) else {}
        return {"anyOf": [bounds, {"type": "string", "pattern": _NUMERIC}]}
    if wanted is bool:
        return {"type": ["boolean", "string"]}
    return dict(_TEXT)


def _any(branches: list[Schema]) -> Schema:
    """One of several; a union within a union is one list."""
    flat = [b for branch in branches for b in (branch["anyOf"] if _is_any(branch) else [branch])]
    return {"anyOf": [b for at, b in enumerate(flat) if b not in flat[:at]]}


def _is_any(branch: Schema) -> bool:
    return set(branch) == {"anyOf"}
