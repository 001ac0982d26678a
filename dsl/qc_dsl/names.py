"""The names a rulebook declares, and whether its sentences can tell them apart."""

from __future__ import annotations

import re

from qc_dsl.errors import Diagnostic, QcError, Related
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.yaml_reader import Mapping, Scalar, section

_KINDS = {"字段": "fields", "词表": "terms", "说法": "phrases"}
_NAME = re.compile(r"\w[\w·().（）/%-]*(?: [\w·().（）/%-]+)*")


def lexicon_of(root: Mapping) -> Lexicon:
    """The words of a file's sentences, from whatever of its declarations can be read."""
    fields, terms, phrases = (
        tuple(key.value for key, _ in section(root, zh, en)) for zh, en in _KINDS.items()
    )
    verdicts = (value for _, value in section(root, "结论", "verdicts"))
    named = tuple(v.value for v in verdicts if isinstance(v, Scalar) and v.value)
    return Lexicon(fields, terms, phrases, named)


def check_names(root: Mapping) -> bool:
    """Raise `QcError` for every name that no sentence could use; true when there is none."""
    words = {form for keyword in KEYWORDS.values() for form in keyword.forms}
    errors: list[Diagnostic] = []
    seen: dict[str, Scalar] = {}
    for zh, en in _KINDS.items():
        for key, _ in section(root, zh, en):
            name = key.value
            if name in words or not _NAME.fullmatch(name) or name[0].isdigit():
                errors.append(_bad_name(key))
            elif name in seen:
                errors.append(_name_taken(key, seen[name]))
            seen.setdefault(name, key)
    for _, value in section(root, "结论", "verdicts"):
        if isinstance(value, Scalar) and value.value in {*words, *seen}:
            errors.append(_bad_name(value))
    if errors:
        raise QcError(*errors)
    return True


def _bad_name(key: Scalar) -> Diagnostic:
    return Diagnostic(
        "QC014",
        Text(f"“{key.value}”不能用作名称", f"“{key.value}” cannot be a name"),
        key.span,
        Text(
            "名称由汉字、字母、数字组成，不以数字开头，也不能是语言里的词（如“为”“包含”）",
            "Names are letters and digits, begin with a letter, and are no word of the language",
        ),
    )


def _name_taken(key: Scalar, first: Scalar) -> Diagnostic:
    return Diagnostic(
        "QC015",
        Text(f"名称“{key.value}”已经用过", f"The name “{key.value}” is taken"),
        key.span,
        Text("字段、词表、说法的名称不能相同", "Fields, terms and phrases need different names"),
        related=(Related(first.span, Text("第一次在这里", "first given here")),),
    )
