"""Whether the bounds of a score are in order: 总分 ≥ 甲级 > 乙级, written or by default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_dsl.printer import print_number
from qc_dsl.shapes import ScoreShape
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping


@dataclass(frozen=True)
class _Bound:
    """One of the three numbers; ``span`` is where it is written, `None` for the default."""

    name: Text
    number: float
    span: Span | None

    @property
    def shown(self) -> Text:
        number = print_number(self.number)
        if self.span is None:
            return Text(f"缺省的{self.name.zh} {number}", f"{self.name.en} (by default {number})")
        return Text(f"{self.name.zh} {number}", f"{self.name.en} {number}")


def score_errors(score: ScoreShape | None, root: Mapping) -> Iterator[Diagnostic]:
    """The bounds that are out of order, each pair at the one that is written."""
    node = root.get("评分", "score")
    if score is None or not isinstance(node, Mapping):
        return
    numbers = (score.total, score.a, score.b)
    total, a, b = (
        _bound(node, *names, number) for names, number in zip(_NAMES, numbers, strict=True)
    )
    if a.number > total.number:
        yield _out_of_order(a, total, node, Text("不能高于", "cannot be above"), _below(total))
    if b.number >= a.number:
        yield _out_of_order(b, a, node, Text("应低于", "must be below"), _below(a))


_NAMES = (("总分", "total"), ("甲级", "a"), ("乙级", "b"))


def _bound(node: Mapping, zh: str, en: str, number: float) -> _Bound:
    written = node.get(zh, en)
    return _Bound(Text(zh, en), number, written.span if written else None)


def _out_of_order(low: _Bound, high: _Bound, node: Mapping, must: Text, help_: Text) -> Diagnostic:
    message = Text(
        f"{low.shown.zh} {must.zh}{high.shown.zh}", f"{low.shown.en} {must.en} {high.shown.en}"
    )
    return Diagnostic("QC026", message, low.span or high.span or node.span, help_)


def _below(bound: _Bound) -> Text:
    """How the bounds under this one could be, in the proportions of the defaults."""
    if not bound.number:
        return Text("总分和甲级要大于 0", "The total and a must be above 0")
    parts = {"总分": (0.9, 0.75), "甲级": (5 / 6,)}[bound.name.zh]
    names = _NAMES[3 - len(parts) :]
    wanted = [bound.number * part for part in parts]
    shown = [print_number(floor(number) if number >= 10 else round(number, 1)) for number in wanted]
    zh, en = (
        ", ".join(f"{pair[at]}: {number}" for pair, number in zip(names, shown, strict=True))
        for at in (0, 1)
    )
    return Text(f"例如 {zh}", f"For instance {en}")
