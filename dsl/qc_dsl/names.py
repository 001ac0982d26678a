"""The names a rulebook declares, and whether its sentences can tell them apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qc_dsl.errors import Diagnostic, QcError, Related
from qc_dsl.fold import fold
from qc_dsl.keywords import KEYWORDS, NOT_RESERVED
from qc_dsl.lang import Text
from qc_dsl.lexicon import THIS, Lexicon
from qc_dsl.quotes import has_quote
from qc_dsl.yaml_reader import Mapping, Node, Scalar, section

_KINDS = {"字段": "fields", "词表": "terms", "说法": "phrases", "表": "tables", "问题": "questions"}
NAME = re.compile(r"\w[\w·().（）/%-]*(?: [\w·().（）/%-]+)*")


def lexicon_of(root: Mapping, *others: Mapping, groups: Iterable[str] = ()) -> Lexicon:
    """The words of a rulebook's sentences, from whatever of its declarations can be read.

    ``others`` are the roots of the files that it includes, ``groups`` the names ``list.group``
    of its files of terms.
    """
    roots = (root, *others)
    fields, terms, phrases, _, questions = (
        tuple(dict.fromkeys(k.value for r in roots for k, _ in section(r, zh, en) if k.value))
        for zh, en in _KINDS.items()
    )
    verdicts = (value for _, value in section(root, "结论", "verdicts"))
    named = tuple(v.value for v in verdicts if isinstance(v, Scalar) and v.value)
    tables = tuple((key.value, tuple(c.value for c in columns if c.value))
                   for key, columns in _tables(roots) if key.value)  # fmt: skip
    listed = {*fields, *(column for _, columns in tables for column in columns)}
    keys = tuple(key for key in dict.fromkeys(_keys(roots)) if key not in listed)
    return Lexicon(fields, (*terms, *groups), phrases, named, tables, questions, keys)


def _keys(roots: Iterable[Mapping]) -> Iterator[str]:
    """The names by which the data know a case, and a row of each table."""
    for root in roots:
        holders = [(root.get("病例", "case"), ("主键", "key"))]
        holders += [(node, ("键", "key")) for _, node in section(root, "表", "tables")]
        for node, names in holders:
            key = node.get(*names) if isinstance(node, Mapping) else None
            if isinstance(key, Scalar) and key.value:
                yield key.value


def _tables(roots: Iterable[Mapping]) -> Iterator[tuple[Scalar, tuple[Scalar, ...]]]:
    """The tables of some files, each with the names of its columns."""
    for root in roots:
        for key, node in section(root, "表", "tables"):
            yield key, tuple(name for name, _ in _columns(node))


def _columns(node: Node) -> tuple[tuple[Scalar, Node], ...]:
    listed = node.get("列", "columns") if isinstance(node, Mapping) else None
    return listed.items if isinstance(listed, Mapping) else ()


def check_names(root: Mapping, *others: Mapping) -> bool:
    """Raise `QcError` for every name that no sentence could use; true when there is none."""
    errors: list[Diagnostic] = []
    seen: dict[str, Scalar] = {}
    for one in (root, *others):
        for zh, en in _KINDS.items():
            for key, _ in section(one, zh, en):
                if _is_bad(key.value):
                    errors.append(_bad_name(key))
                elif (name := fold(key.value)) in seen:
                    errors.append(_name_taken(key, seen[name]))
                seen.setdefault(fold(key.value), key)
    errors += _bad_columns((root, *others), seen)
    for _, value in section(root, "结论", "verdicts"):
        if isinstance(value, Scalar) and (
            value.value in _RESERVED or has_quote(value.value) or fold(value.value) in seen
        ):
            errors.append(_bad_name(value))
    if errors:
        raise QcError(*errors)
    return True


def _bad_columns(roots: tuple[Mapping, ...], seen: dict[str, Scalar]) -> Iterator[Diagnostic]:
    """A column may have the name of a field of the case, but not of anything else.

    Nor of a field, or a column of another table, in another spelling: a sentence could not
    tell which of them it means.
    """
    # The first of a name counts, so the last is put in first.
    keys = [k for root in reversed(roots) for k, _ in section(root, "字段", "fields")]
    fields = {fold(key.value): key for key in keys}
    verdicts = {
        fold(value.value): value
        for root in roots
        for _, value in section(root, "结论", "verdicts")
        if isinstance(value, Scalar)
    }
    taken = {name: key for name, key in seen.items() if name not in fields} | verdicts
    for table, columns in _tables(roots):
        for column in columns:
            name = fold(column.value)
            first = fields.setdefault(name, column)
            if _is_bad(column.value):
                yield _bad_name(column)
            elif name in taken:
                yield _name_taken(column, taken[name])
            elif (whole := fold(f"{table.value}.{column.value}")) in seen:
                yield _name_taken(column, seen[whole])
            elif first.value != column.value:
                yield _other_spelling(column, first)


_RESERVED = {
    form for name, word in KEYWORDS.items() if name not in NOT_RESERVED for form in word.forms
} | set(THIS)


def usable(name: str) -> bool:
    """Whether sentences can tell a name from the words of the language."""
    return bool(name) and not _is_bad(name)


def _is_bad(name: str) -> bool:
    return name in _RESERVED or not NAME.fullmatch(name) or name[0].isdigit()


def _bad_name(key: Scalar) -> Diagnostic:
    return Diagnostic(
        "QC014",
        Text(f"“{key.value}”不能用作名称", f"“{key.value}” cannot be a name"),
        key.span,
        Text(
            "名称由汉字、字母、数字组成，不以数字开头，也不能是语言里的词（如“为”“包含”）；"
            "数据里的列名可以写在“列”里",
            "Names are letters and digits, begin with a letter, and are no word of the language;"
            " a column of the data is named under “columns”",
        ),
    )


def _other_spelling(key: Scalar, first: Scalar) -> Diagnostic:
    return Diagnostic(
        "QC015",
        Text(
            f"“{key.value}”和“{first.value}”统一写法（全角半角等）后是同一个名字",
            f"“{key.value}” and “{first.value}” are one name when folded (full and half width)",
        ),
        key.span,
        Text("请写成一样，或改名", "Write both the same, or rename one"),
        related=(Related(first.span, Text("第一次在这里", "first given here")),),
    )


def _name_taken(key: Scalar, first: Scalar) -> Diagnostic:
    folded = key.value != first.value and fold(key.value) == fold(first.value)
    as_first = first.value if folded else ""
    return Diagnostic(
        "QC015",
        Text(
            f"名称“{key.value}”已经用过" + (f"（写作“{as_first}”）" if as_first else ""),
            f"The name “{key.value}” is taken" + (f" (as “{as_first}”)" if as_first else ""),
        ),
        key.span,
        Text(
            "字段、词表、说法、表、问题的名称不能相同",
            "Fields, terms, phrases, tables and questions need different names",
        ),
        related=(Related(first.span, Text("第一次在这里", "first given here")),),
    )
