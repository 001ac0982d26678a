"""What a starter rulebook checks: a few kinds of demands, each as a sentence and as a function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from qc_compiler.durations import parse_duration
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr
from qc_dsl.printer import quote
from qc_runtime.starter.naming import Names, Place

Kind = Literal["same", "written", "within", "mentions"]
_HOURS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(分钟|小时|天|周|minutes?|hours?|days?|weeks?)\s*")
_UNITS = {"minute": "分钟", "hour": "小时", "day": "天", "week": "周"}
FAR = "2099-01-01"  # a day that no time limit reaches
_SEPARATORS = re.compile(r"[|｜、/]")


@dataclass(frozen=True)
class Wanted:
    """A demand as asked for: columns of the data (``表.列`` for a table's) and a detail.

    ``within`` has a time limit as its detail, ``mentions`` words parted by ``|``.
    """

    kind: Kind
    columns: tuple[str, ...]
    detail: str = ""


@dataclass
class Invented:
    """A made-up case: its fields, and the one row of each table or none."""

    fields: dict[str, str]
    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def values(self, place: Place) -> dict[str, str] | None:
        """The fields or the row that a place is in; `None` where its table has no row."""
        if not place.table:
            return self.fields
        rows = self.rows.get(place.table, [])
        return rows[0] if rows else None


@dataclass(frozen=True)
class Demand:
    """A rule: its name, its sentence, and where what it looks at stands."""

    kind: Kind
    name: str
    sentence: str
    places: tuple[Place, ...]
    words: tuple[str, ...] = ()
    terms: str = ""

    def said(self, case: Invented) -> bool | None:
        """Whether it is met in an invented case; `None` where that cannot be told."""
        scope = self.places[0]
        values = case.values(scope)
        if values is None:
            return True  # no row, no demand
        first = values.get(scope.name)
        if self.kind == "written":
            return first is not None
        if first is None:
            return None
        if self.kind == "mentions":
            return any(word in first for word in self.words)
        other = case.values(self.places[1])
        if other is None:
            return False
        second = other.get(self.places[1].name)
        if second is None:
            return None
        return second == first  # of times too: there are but one and a far one


def demand(wanted: Wanted, names: Names) -> Demand:
    """The rule for what was asked. Raises `QcError` where it cannot be (QC611)."""
    places = tuple(names.place(column) for column in wanted.columns)
    needed = 2 if wanted.kind in ("same", "within") else 1
    if len(places) != needed:
        raise _bad(f"“{','.join(wanted.columns)}”应写 {needed} 列", f"{needed} columns are needed")
    if len(set(places)) < len(places):
        raise _bad("要写两个不同的列", "Two different columns are needed")
    makers = {"written": _written, "mentions": _mentions, "same": _same, "within": _within}
    return makers[wanted.kind](wanted, places, names)


def _each(place: Place) -> str:
    return f"每条 {place.table}：" if place.table else ""


def _written(wanted: Wanted, places: tuple[Place, ...], names: Names) -> Demand:
    (place,) = places
    message = quote(tr(f"没有写{place.name}", f"{place.name} is missing"))
    sentence = f"{_each(place)}须 {place.name} 不为空，否则 缺陷 {message}"
    return Demand("written", names.rule(tr("写", "written ") + place.name), sentence, places)


def _mentions(wanted: Wanted, places: tuple[Place, ...], names: Names) -> Demand:
    (place,) = places
    words = tuple(word for part in _SEPARATORS.split(wanted.detail) if (word := part.strip()))
    if not words or any(set(word) & set("=,，[]{}\"'“”:#&*!>%@`") for word in words):
        raise _bad(
            "要提到的词用 | 隔开，如 发热|咳嗽", "Words are parted by |, such as fever|cough"
        )
    terms = names.fresh(f"{place.name}{tr('用词', ' words')}")
    message = quote(tr(f"{place.name}没有提到{words[0]}等", f"{place.name} does not mention it"))
    sentence = f"{_each(place)}须 {place.name} 字面提及 {terms}，否则 缺陷 {message}"
    name = names.rule(place.name + tr("提到", " mentions"))
    return Demand("mentions", name, sentence, places, words, terms)


def _same(wanted: Wanted, places: tuple[Place, ...], names: Names) -> Demand:
    one, other = places
    if one.table != other.table:
        raise _bad("要比较的两列应在同一张表里", "The two columns must be of one table")
    message = quote(tr(f"{one.name}与{other.name}不一致", f"{one.name} and {other.name} differ"))
    sentence = f"{_each(one)}须 {one.name} 为 {other.name}，否则 缺陷 {message}"
    name = names.rule(tr(f"{one.name}与{other.name}一致", f"{one.name} is {other.name}"))
    return Demand("same", name, sentence, places)


def _within(wanted: Wanted, places: tuple[Place, ...], names: Names) -> Demand:
    start, end = places
    limit = _limit(wanted.detail)
    name = names.rule(end.name + tr("及时", " in time"))
    message = quote(
        tr(f"{end.name}不在{start.name}后{limit.replace(' ', '')}内", f"{end.name} is not in time")
    )
    if start.table == end.table or not end.table:
        if start.table != end.table:
            raise _bad("起点在表里时，终点也要在表里", "An anchor in a table needs an end in one")
        body = f"{end.name} 在 {start.name} 后 {limit}内"
    else:
        anchor = f"{start.table}.{start.name}" if start.table else start.name
        body = f"存在 {end.table}，{end.name} 在 {anchor} 后 {limit}内"
    return Demand("within", name, f"{_each(start)}须 {body}，否则 缺陷 {message}", places)


def _limit(text: str) -> str:
    match = _HOURS.fullmatch(text)
    if match is None or parse_duration(match[1] + "天") is None:
        raise _bad(f"“{text}”不是时限，可以写 48小时", f"“{text}” is no limit; write 48 hours")
    unit = _UNITS.get(match[2].rstrip("s"), match[2])
    return f"{match[1]} {unit}"


def _bad(zh: str, en: str) -> QcError:
    return QcError(Diagnostic("QC611", Text(zh, en)))


def all_met(demands: tuple[Demand, ...], base: Mapping[Place, str]) -> Invented:
    """A case in which every demand is met, from a value for each place."""
    values = dict(base)
    for one in demands:
        if one.kind == "mentions":
            values[one.places[0]] = one.words[0]
    for _ in demands:  # what must be the same becomes so, however it hangs together
        for one in demands:
            if one.kind == "same":
                values[one.places[1]] = values[one.places[0]]
    case = Invented({p.name: v for p, v in values.items() if not p.table})
    for place, value in values.items():
        if place.table:
            case.rows.setdefault(place.table, [{}])[0][place.name] = value
    return case
