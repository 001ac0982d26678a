"""Fields that no file carries: sections of a text, values cut out of it, times between two others.

Pure functions from a case's (or a row's) cells to more cells; `qc_compiler.values.read_cell`
reads them like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from qc_compiler.durations import parse_duration, written
from qc_compiler.interpret import compile_pattern
from qc_compiler.quote import find_quote
from qc_compiler.values import Field, FieldType, Moment, Raw, display, read_cell
from qc_dsl.fold import fold

# Headings that end a section wherever they begin a line, whether or not a field is declared for
# them: the sections of an admission note (病历书写基本规范, 2010) and what hospitals add to them.
STANDARD_HEADINGS = (
    "主诉", "现病史", "既往史", "既往病史", "系统回顾", "个人史", "婚育史", "婚姻史", "生育史",
    "月经史", "家族史", "过敏史", "手术史", "外伤史", "输血史", "预防接种史", "体格检查", "体检",
    "专科检查", "专科情况", "辅助检查", "实验室检查", "入院诊断", "初步诊断", "初始诊断", "诊断",
    "修正诊断", "补充诊断", "最后诊断", "确定诊断", "入院主诊断", "初步主诊断", "修正主诊断",
    "出院诊断", "诊断依据", "鉴别诊断", "诊疗计划", "病例特点", "病史陈述者", "病史叙述者",
    "医师签名", "签名", "记录时间",
)  # fmt: skip
_OPEN, _CLOSE = r"[【\[〔［]", r"[】\]〕］]"
_BEFORE = r"(?:^|(?<=[\s。．.;；!！?？】\]〕］]))"


def derive(fields: Iterable[Field], raw_cells: Mapping[str, Raw]) -> dict[str, Raw]:
    """The cells with those of every derived field, each after the fields it is derived from."""
    declared = {field.name: field for field in fields}
    cells = dict(raw_cells)
    for field in in_order(declared.values()):
        cells[field.name] = _derived(field, declared, cells)
    return cells


@lru_cache(maxsize=64)
def _ordered(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The derived fields, sources first. A cycle (refused by the compiler) is broken."""
    by_name = {field.name: field for field in fields if field.is_derived}
    done: dict[str, Field] = {}

    def visit(name: str | None, above: frozenset[str]) -> None:
        if name in by_name and name not in done and name not in above:
            field = by_name[name]
            for needed in (field.source, field.since, field.until):
                visit(needed, above | {name})
            done[name] = field

    for name in by_name:
        visit(name, frozenset())
    return tuple(done.values())


def in_order(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The derived fields of a declaration, each after those that it needs."""
    return _ordered(tuple(fields))


def _derived(field: Field, declared: Mapping[str, Field], cells: Mapping[str, Raw]) -> Raw:
    if field.source is None:
        return _between(field, declared, cells)
    text = _text_of(field.source, declared, cells)
    if text is not None and field.headings:
        text = section(text, field.headings, _stops(tuple(declared.values()), field.source))
    if text is not None and field.pattern is not None:
        return extract(text, field.pattern, field.type)
    return text


def _text_of(name: str, declared: Mapping[str, Field], cells: Mapping[str, Raw]) -> str | None:
    """The text of a source as it is written; `None` where its cell counts as blank."""
    text = display(cells.get(name))
    blanks = declared[name].blanks if name in declared else ()
    return None if text is None or (blanks and fold(text) in blanks) else text


@lru_cache(maxsize=256)
def _stops(fields: tuple[Field, ...], source: str) -> tuple[str, ...]:
    """All headings declared for one text."""
    return tuple({h: None for f in fields if f.source == source for h in f.headings})


@lru_cache(maxsize=256)
def _headings(headings: tuple[str, ...]) -> re.Pattern[str]:
    """One of these headings after a stop, or a standard one that begins a line."""
    declared, standard = _spellings(headings), _spellings(STANDARD_HEADINGS)
    return re.compile(
        rf"{_BEFORE}(?:{_OPEN}\s*(?P<a>{declared}|{standard})\s*{_CLOSE}\s*[:：]?"
        rf"|(?P<b>{declared})\s*[:：])"
        rf"|^[ \t\u3000]*(?P<c>{standard})\s*[:：]",
        re.MULTILINE,
    )


def _spellings(headings: Iterable[str]) -> str:
    """Longest first; blanks may stand between the characters of a heading (主 诉)."""
    longest_first = sorted(set(headings), key=lambda h: (-len(h), h))
    return "|".join(r"[ \u3000]*".join(map(re.escape, h.replace(" ", ""))) for h in longest_first)


def section(text: str, headings: Sequence[str], others: Sequence[str] = ()) -> str | None:
    """What stands under one of the headings, up to the next heading of any kind.

    A heading is followed by a colon or stands in 【 】, and comes first in its line or after a
    full stop; after a full stop only where it begins no other line of the text. ``others`` are
    the further headings that end the section, beside the `STANDARD_HEADINGS`. Several sections
    of the heading are taken together, in lines of their own.
    """
    wanted = {_bare(heading) for heading in headings}
    every = tuple(sorted({*headings, *others}))
    found = (body for heading, body in _split(text, every) if heading in wanted)
    return "\n".join(filter(None, found)) or None


@lru_cache(maxsize=4)  # the sections of one text are asked for one after the other
def _split(text: str, headings: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Every section of a text under its heading."""
    found = list(_headings(headings).finditer(text))
    of_lines = {_named(mark) for mark in found if _begins_line(mark)}
    marks = [mark for mark in found if _named(mark) not in of_lines or _begins_line(mark)]
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return tuple(
        (_named(mark), text[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=True)
    )


def _named(mark: re.Match[str]) -> str:
    return _bare(mark["a"] or mark["b"] or mark["c"])


def _begins_line(mark: re.Match[str]) -> bool:
    line_start = mark.string.rfind("\n", 0, mark.start()) + 1
    return not mark.string[line_start : mark.start()].strip()


def _bare(heading: str) -> str:
    return re.sub(r"\s", "", heading)


def extract(text: str, pattern: str, type_: FieldType = FieldType.TEXT) -> str | None:
    """What an RE2 pattern cuts out of a text, in the text's own characters.

    The pattern sees folded text. Group 1 if it has one and takes part (`None` if it is empty
    then), else the whole match; a duration is whichever of the two is one, for its unit may stand
    outside the group.
    """
    match = compile_pattern(pattern).search(fold(text))
    if match is None:
        return None
    found = list(_pieces(match))
    if type_ is FieldType.DURATION:
        found = [piece for piece in found if parse_duration(piece) is not None] or found
    return find_quote(text, found[0]) if found else None


def _pieces(match: Any) -> Iterator[str]:
    """Group 1, then the whole; nothing where group 1 took part and is empty."""
    groups = match.groups()[:1]
    if "" not in groups:
        yield from (piece for piece in (*groups, match.group()) if piece)


def _between(field: Field, declared: Mapping[str, Field], cells: Mapping[str, Raw]) -> Raw:
    """The time between two others as text that reads as a duration.

    Whole days where one of the two is only a day. `None` where one is missing; where the later
    one comes first, words that are no duration, so that the cell is reported and unknown.
    """
    assert field.since is not None
    assert field.until is not None
    since, until = (_moment(name, declared, cells) for name in (field.since, field.until))
    if since is None or until is None:
        return None
    if since.lo < since.hi or until.lo < until.hi:
        seconds = (until.lo.date() - since.lo.date()).days * 86400.0
    else:
        seconds = (until.lo - since.lo).total_seconds()
    return f"{field.until}早于{field.since}" if seconds < 0 else written(seconds)


def _moment(name: str, declared: Mapping[str, Field], cells: Mapping[str, Raw]) -> Moment | None:
    value = read_cell(declared[name], cells.get(name)).value if name in declared else None
    return value if isinstance(value, Moment) else None
