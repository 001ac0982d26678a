"""What may be written at a place: the names and words that the parser would take there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as AnySequence
from dataclasses import dataclass

from lark import Token

from qc_dsl.expected import Expected, expected, open_quote
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import Lang, tr
from qc_dsl.lexicon import THIS, Lexicon
from qc_dsl.parts import Parts
from qc_dsl.sentence import Start
from qc_dsl.source import Source
from qc_dsl.yaml_reader import Mapping, Node, Scalar, Sequence, section
from qc_runtime.lsp.context import Context, context_at
from qc_runtime.lsp.keys import keys_at, types_in
from qc_runtime.lsp.reading import SENTENCES, Reading, is_root

MOST = 300  # offered at one place
_STATUSES = {"zh": ("资料缺失", "待人工"), "en": ("data_missing", "needs_review")}
_PART = re.compile(r"([^\s.,，。;；:：()（）\"“”、]+)\.([^\s.,，。;；:：()（）\"“”、]*)$")
_HOLE = re.compile(r"\{([^{}]*)$")
# Kinds that say something of a field: not offered before there is one.
_NEED_FIELD = {
    name for name in KEYWORDS
    if name not in ("IF", "WHEN", "EACH", "MUST", "MUST_NOT", "ELSE", "DEFECT", "AND", "OR", "NOT",
                    "ARROW", "THEN", "MARK_AS", "COUNTS_AS", "EXISTS", "NOT_EXISTS", "AT_LEAST",
                    "AT_MOST", "EXACTLY", "ALL", "ALL_OR_NONE", "LATEST", "FIRST", "OTHER", "SUCH",
                    "ROWS", "JUDGED", "CONTRADICT", "NOT_CONTRADICT", "ABOUT")
}  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """Something that may be written in place of the text from ``start`` to the cursor."""

    label: str
    kind: str  # field, column, table, terms, condition, verdict, keyword, key, value, quote
    start: int
    insert: str | None = None
    detail: str = ""


def complete(reading: Reading, source: Source, offset: int) -> list[Offer]:
    """What may be written at an offset of one of a rulebook's files, as its text is now."""
    text = source.text
    sentences = source.path.lower().endswith(SENTENCES)
    context = context_at(text, offset, sentences_only=sentences)
    if (rule := context.start) is not None:
        found = list(_in_sentence(reading, rule, context.begin, text[context.begin : offset]))
    elif context.kind == "key":
        found = [] if sentences else list(_keys(reading, source, context))
    else:
        found = list(_values(reading, context))
    return _fitting(found, text, offset)[:MOST]


def _fitting(offers: Iterable[Offer], text: str, offset: int) -> list[Offer]:
    """The offers in which the characters already written occur in their order, each once."""
    ranked = []
    for offer in {(o.label, o.start): o for o in offers}.values():
        typed = text[offer.start : offset].strip().casefold()
        label = offer.label.casefold()
        if typed == label or not _occurs(typed, label):
            continue
        ranked.append((0 if label.startswith(typed) else 1, offer))
    return [offer for _, offer in sorted(ranked, key=lambda pair: pair[0])]


def _occurs(typed: str, label: str) -> bool:
    rest = iter(label)
    return all(ch in rest for ch in typed)


def language(reading: Reading) -> Lang:
    """The language of a rulebook's own keys."""
    roots = reading.parts.roots if reading.parts else ()
    keys = {key.value for root in roots for key, _ in root.items}
    return "en" if keys & {"rulebook", "fields", "rules", "tables", "terms"} else "zh"


# In a sentence


def _in_sentence(reading: Reading, rule: Start, begin: int, written: str) -> Iterator[Offer]:
    lexicon = reading.lexicon
    quote = open_quote(written)
    if quote is not None:
        yield from _in_quote(reading, rule, written, quote, begin)
        return
    if part := _PART.search(written):
        yield from _parts(lexicon, part, begin)
        return
    for place in expected(written, lexicon, rule):
        yield from _at_place(reading, place, begin)


def _in_quote(
    reading: Reading, rule: Start, written: str, quote: int, begin: int
) -> Iterator[Offer]:
    """Names within the braces of a message; the values of a category."""
    lexicon = reading.lexicon
    if hole := _HOLE.search(written, quote):
        start = begin + hole.start(1)
        for name in (*lexicon.fields, *lexicon.columns, *lexicon.qualified):
            yield Offer(name, "field", start)
        return
    for place in expected(written[:quote], lexicon, rule):
        for value in _category_values(reading, place):
            yield Offer(value, "value", begin + quote + 1)


def _parts(lexicon: Lexicon, part: re.Match[str], begin: int) -> Iterator[Offer]:
    """The columns after ``表.``, the groups after ``词表.``"""
    head, start = part[1], begin + part.start(2)
    tables = [t for t, _ in lexicon.tables if head.endswith(t)]
    if tables:
        columns = dict(lexicon.tables)[max(tables, key=len)]
    elif head.endswith(THIS):
        columns = lexicon.columns
    else:
        columns = ()
    for column in columns:
        yield Offer(column, "column", start)
    for term in lexicon.terms:
        name, dot, group = term.partition(".")
        if dot and head.endswith(name):
            yield Offer(group, "terms", start)


def _at_place(reading: Reading, place: Expected, begin: int) -> Iterator[Offer]:
    """What fits best comes first: values of a category, columns of the rows that are spoken of."""
    lexicon, start, lang = reading.lexicon, begin + place.start, language(reading)
    kinds = place.kinds
    for value in _category_values(reading, place):
        yield Offer(f"“{value}”", "value", start)
    if "TERM" in kinds:
        yield from (Offer(name, "terms", start) for name in lexicon.terms)
    if "STRING" in kinds and "VERDICT" not in kinds:
        yield Offer("“”" if lang == "zh" else '""', "quote", start, detail=tr("文字", "text"))
    if "FIELD" in kinds:
        yield from _fields(lexicon, place.before, start)
    named = (
        ("TABLE", "table", lexicon.table_names),
        ("PHRASE", "condition", lexicon.conditions),
        ("VERDICT", "verdict", lexicon.verdicts),
    )
    for terminal, kind, names in named:
        if terminal in kinds:
            yield from (Offer(name, kind, start) for name in names)
    about_a_field = _has_field(place.before)
    for name, word in KEYWORDS.items():
        if name in kinds and (about_a_field or name not in _NEED_FIELD):
            yield Offer(word.canonical(lang), "keyword", start)
    if "POINTS" in kinds:
        yield Offer("扣 1 分" if lang == "zh" else "deduct 1 points", "keyword", start)


def _fields(lexicon: Lexicon, before: AnySequence[Token], start: int) -> Iterator[Offer]:
    tables = dict(lexicon.tables)
    spoken_of = [lexicon.spelling.get(t, str(t)) for t in before if t.type == "TABLE"]
    for table in reversed(spoken_of):
        yield from (Offer(name, "column", start) for name in tables.get(table, ()))
    yield from (Offer(name, "field", start) for name in lexicon.fields)
    yield from (Offer(name, "column", start) for name in (*lexicon.columns, *lexicon.qualified))


def _has_field(before: AnySequence[Token]) -> bool:
    """Whether a field stands in the part of the sentence that is being written."""
    for token in reversed(before):
        if token.type in ("WHEN", "IF", "MUST", "MUST_NOT", "ARROW", "EACH", "LPAR", "TABLE"):
            return False
        if token.type in ("FIELD", "UNKNOWN"):
            return True
    return False


def _category_values(reading: Reading, place: Expected) -> Iterator[str]:
    """The values of the category that the sentence is just comparing."""
    names = [token for token in place.before if token.type == "FIELD"]
    if not names or "STRING" not in place.kinds or reading.parts is None:
        return
    if place.before[-1].type not in ("EQ", "NE", "IN", "NOT_IN", "VALUE_OR", "VALUE_COMMA"):
        return
    name = reading.lexicon.spelling.get(names[-1], str(names[-1])).rpartition(".")[2]
    for key, node in _declared(reading.parts):
        values = node.get("值", "values") if isinstance(node, Mapping) else None
        if key.value == name and isinstance(values, Sequence):
            yield from (item.value for item in values.items if isinstance(item, Scalar))


def _declared(parts: Parts) -> Iterator[tuple[Scalar, Node]]:
    """The fields and the columns of all tables, as they are written."""
    yield from parts.section("字段", "fields")
    for _, table in parts.section("表", "tables"):
        if isinstance(table, Mapping):
            yield from section(table, "列", "columns")


# In YAML


def _keys(reading: Reading, source: Source, context: Context) -> Iterator[Offer]:
    lang = language(reading)
    whole = is_root(source) or not source.text.strip()
    there = set(re.findall(r"^([^\s:#]+):", source.text, re.MULTILINE))
    for key in keys_at(context.path, lang, whole=whole):
        if context.path or key not in there:
            yield Offer(key, "key", context.begin, insert=f"{key}: ")
    if context.path[:1] in (("测试",), ("tests",)) and len(context.path) <= 4:
        for name in _test_names(reading.lexicon, context.path):
            yield Offer(name, "field", context.begin, insert=f"{name}: ")


def _test_names(lexicon: Lexicon, path: tuple[str, ...]) -> tuple[str, ...]:
    if len(path) >= 3:
        return dict(lexicon.tables).get(path[2], ())
    return (*lexicon.fields, *lexicon.table_names)


def _values(reading: Reading, context: Context) -> Iterator[Offer]:
    """The values that a key takes, where they are known."""
    known = tuple(name for name in context.path if name != "-")
    if not known:
        return
    values = _known_values(reading, known)
    yield from (Offer(value, "value", context.begin) for value in values)


def _known_values(reading: Reading, path: tuple[str, ...]) -> Iterable[str]:
    lexicon, key, lang = reading.lexicon, path[-1], language(reading)
    within_column = len(path) >= 4 and path[2] in ("列", "columns")
    if key in ("类型", "type") or (path[0] in ("表", "tables") and within_column):
        return types_in(lang)
    if key in ("取自", "from", "从", "since", "到", "until", "主键", "科室", "department"):
        return lexicon.fields
    if path[0] in ("表", "tables") and key in ("时间", "time", "键", "key") and len(path) == 3:
        return dict(lexicon.tables).get(path[1], ())
    if key in ("看", "show"):
        columns = (name for name in lexicon.qualified if name.partition(".")[0] not in THIS)
        return (*lexicon.fields, *columns)
    if key in ("应为", "expect"):
        return (*lexicon.verdicts, *_STATUSES[lang])
    if path[0] in ("其余", "otherwise") and len(path) == 1:
        return lexicon.verdicts
    if path[0] in ("测试", "tests") and key in ("依", "by", "缺陷", "findings"):
        return _rules(reading)
    return ()


def _rules(reading: Reading) -> list[str]:
    roots: list[Mapping] = reading.parts.roots if reading.parts else []
    groups = (("规则", "rules"), ("例外", "exceptions"), ("适用", "applicability"))
    return [key.value for root in roots for keys in groups for key, _ in section(root, *keys)]
