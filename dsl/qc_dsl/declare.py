"""The declarations of a rulebook's files: fields, tables, terms; and whether they fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qc_dsl.errors import Diagnostic, Errors, did_you_mean
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.parts import Parts
from qc_dsl.rulebook import FieldDecl, TableDecl, TermDecl
from qc_dsl.shapes import FieldShape, RulebookShape, TableShape
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, Node, Scalar


def fields_of(parts: Parts, shape: RulebookShape) -> tuple[FieldDecl, ...]:
    """The fields of all files, in their order."""
    items = parts.section("字段", "fields")
    return tuple(field_of(key, shape.fields.get(key.value)) for key, _ in items)


def field_of(key: Scalar, given: FieldShape | None) -> FieldDecl:
    given = given or FieldShape.model_validate({})
    columns = tuple(given.columns)
    return FieldDecl(
        name=key.value,
        span=key.span,
        type=given.type or ("duration" if given.since or given.until else "text"),
        columns=columns if key.value in columns else (key.value, *columns),
        label=given.label,
        separator=given.separator,
        values=tuple(given.values),
        source=given.source,
        headings=tuple(given.headings),
        pattern=given.pattern,
        blanks=tuple(given.blanks),
        since=given.since,
        until=given.until,
    )


def tables_of(parts: Parts, shape: RulebookShape) -> tuple[TableDecl, ...]:
    """The tables of all files, in their order."""
    return tuple(
        _table(key, node, shape.tables[key.value])
        for key, node in parts.section("表", "tables")
        if isinstance(node, Mapping)
    )


def _table(key: Scalar, node: Mapping, given: TableShape) -> TableDecl:
    listed = node.get("列", "columns")
    columns = listed.items if isinstance(listed, Mapping) else ()
    return TableDecl(
        name=key.value,
        span=key.span,
        key=given.key,
        case=given.case,
        time=given.time,
        files=tuple(given.files) or (key.value,),
        columns=tuple(field_of(name, given.columns[name.value]) for name, _ in columns),
    )


def terms_of(parts: Parts, shape: RulebookShape) -> Iterator[TermDecl]:
    """The lists of words of all files, each file's groups after its list."""
    for key, _ in parts.section("词表", "terms"):
        given = shape.terms[key.value]
        if isinstance(given, list):
            yield TermDecl(key.value, key.span, tuple(given))
        elif (file := parts.terms.get(key.value)) is not None:
            yield TermDecl(key.value, key.span, file.words)
            for group, words in file.groups:
                yield TermDecl(f"{key.value}.{group}", key.span, words, key.value)


def check_declarations(
    fields: tuple[FieldDecl, ...], tables: tuple[TableDecl, ...], parts: Parts, errors: Errors
) -> bool:
    """Collect what is wrong between declarations: names that are none, halves of pairs.

    True when nothing is.
    """
    before = len(errors.found)
    nodes = {key.value: node for key, node in parts.section("字段", "fields")}
    written = {key.value: node for key, node in parts.section("表", "tables")}
    errors.found += _unsound(fields, nodes)
    for table in tables:
        node = written[table.name]
        listed = node.get("列", "columns") if isinstance(node, Mapping) else None
        inner = {k.value: n for k, n in listed.items} if isinstance(listed, Mapping) else {}
        errors.found += _unsound(table.columns, inner)
        if table.time is not None and table.time not in [c.name for c in table.columns]:
            errors.found.append(_no_time_column(table, node))
        errors.found += _misspelt_key(table, node)
    return len(errors.found) == before


def _unsound(fields: tuple[FieldDecl, ...], nodes: dict[str, Node]) -> Iterator[Diagnostic]:
    """Of the fields of the case, or the columns of one table."""
    names = {field.name: field for field in fields}
    for field in fields:
        node = nodes.get(field.name)
        for name, keys in ((field.source, _FROM), (field.since, _SINCE), (field.until, _UNTIL)):
            if name is not None and name not in names:
                message = Text(f"没有字段“{name}”", f"There is no field “{name}”")
                help_ = did_you_mean(name, list(names))
                yield Diagnostic("QC101", message, _value(node, keys, field.span), help_)
        yield from _halves(field, node)
        if _goes_round(field, names):
            message = Text(f"字段“{field.name}”取自它自己", f"“{field.name}” is taken from itself")
            yield Diagnostic("QC025", message, _value(node, _FROM, field.span))


_FROM, _SINCE, _UNTIL = ("取自", "from"), ("从", "since"), ("到", "until")


def _halves(field: FieldDecl, node: Node | None) -> Iterator[Diagnostic]:
    """Keys that mean nothing without another."""
    if field.source is None and (field.headings or field.pattern is not None):
        yield Diagnostic(
            "QC025",
            Text("“标题”“正则”要和“取自”一起写", "A heading or pattern needs “from”"),
            field.span,
            Text("取自: 那段文字所在的字段", "from: the field that holds the text"),
        )
    if (field.since is None) is not (field.until is None):
        yield Diagnostic(
            "QC025",
            Text("“从”和“到”要一起写", "“since” and “until” go together"),
            field.span,
            Text("例如 {从: 入院时间, 到: 出院时间}", "Such as {since: admitted, until: left}"),
        )
    if (field.since or field.until) and field.type != "duration":
        message = Text("写了“从”“到”的字段是时长", "A field with “since” is a duration")
        help_ = Text("请写 类型: 时长，或不写类型", "Write type: duration, or no type")
        yield Diagnostic("QC025", message, _value(node, ("类型", "type"), field.span), help_)


def _goes_round(field: FieldDecl, names: dict[str, FieldDecl]) -> bool:
    at, seen = field, 0
    while at.source in names and seen <= len(names):
        at, seen = names[at.source], seen + 1
        if at is field:
            return True
    return False


def _value(node: Node | None, keys: tuple[str, str], otherwise: Span) -> Span:
    found = node.get(*keys) if isinstance(node, Mapping) else None
    return found.span if found is not None else otherwise


def _no_time_column(table: TableDecl, node: Node | None) -> Diagnostic:
    message = Text(
        f"表“{table.name}”没有列“{table.time}”", f"{table.name} has no column “{table.time}”"
    )
    help_ = did_you_mean(table.time or "", [column.name for column in table.columns])
    return Diagnostic("QC119", message, _value(node, ("时间", "time"), table.span), help_)


def _misspelt_key(table: TableDecl, node: Node | None) -> Iterator[Diagnostic]:
    """A key need not be among the columns, but one that is all but one of them is meant to be."""
    names = [column.name for column in table.columns]
    if table.key is None or table.key in names:
        return
    close = [name for name in names if _all_but_equal(table.key, name)]
    if not close:
        return
    span = _value(node, ("键", "key"), table.span)
    message = Text(
        f"表“{table.name}”的键“{table.key}”不在它的“列”里",
        f"“{table.key}”, the key of {table.name}, is not among its columns",
    )
    help_ = Text(
        f"您是否想写“{close[0]}”？如果是数据里的另一列，请把它也写进“列”",
        f"Did you mean “{close[0]}”? If it is another column of the data, list it there too",
    )
    yield Diagnostic("QC119", message, span, help_)


def _all_but_equal(word: str, name: str) -> bool:
    """The same but for case, spaces and dashes, or for one character in four or more."""
    plain, other = (re.sub(r"[\W_]", "", fold(text)).casefold() for text in (word, name))
    differ = sum(a != b for a, b in zip(word, name, strict=False))
    return plain == other or (len(word) == len(name) >= 4 and differ == 1)
