"""The text of a starter rulebook: declarations with the reasons for them, rules, three tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from qc_compiler.values import FieldType
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold
from qc_dsl.formatter import format_text
from qc_dsl.lang import Text, current, tr
from qc_dsl.shapes import TYPES
from qc_dsl.source import Source
from qc_runtime.starter.checks import FAR, Demand, Invented, Wanted, all_met, demand
from qc_runtime.starter.guess import Guess
from qc_runtime.starter.naming import Names, Place
from qc_runtime.starter.sources import Data, Sheet

_PLAIN = re.compile(r"[\w一-鿿·()（）/%.-]+(?: [\w一-鿿·()（）/%.-]+)*")
_CHINESE = {english: chinese for chinese, english in TYPES.items()}
_VALUES = {
    FieldType.NUMBER: "1", FieldType.DATE: "2025-01-01", FieldType.DATETIME: "2025-01-01 08:00",
    FieldType.DURATION: "1天",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a starter rulebook is to be. ``list_values``: the values of what looks like a category
    may be written into it."""

    title: str
    id: str
    key: str
    department: str | None
    wanted: tuple[Wanted, ...]
    data: Data
    list_values: bool = False


def draft(plan: Plan) -> str:
    """The rulebook's text, in the language of messages. Raises `QcError` (QC611)."""
    verdicts = _verdicts()
    names = Names(plan.data, verdicts)
    if names.place(plan.key).table:
        raise QcError(Diagnostic("QC611", Text("主键要在病例里", "The key is one of the cases'")))
    demands = tuple(demand(one, names) for one in plan.wanted)
    text = "\n".join(_Draft(plan, names, demands).lines()) + "\n"
    return text if current() == "zh" else format_text(Source(f"{plan.id}.yaml", text), "en")


def _verdicts() -> tuple[str, str, str]:
    return (tr("合格", "fine"), tr("缺陷", "defective"), tr("不适用", "not applicable"))


def _scalar(text: str) -> str:
    """A text as YAML, quoted where it would be taken for something else."""
    plain = _PLAIN.fullmatch(text) and not text.startswith("-")
    return text if plain else json.dumps(text, ensure_ascii=False)


class _Draft:
    def __init__(self, plan: Plan, names: Names, demands: tuple[Demand, ...]) -> None:
        self.plan, self.names, self.demands = plan, names, demands
        self.used = {place for one in demands for place in one.places}
        self.times = {p for one in demands if one.kind == "within" for p in one.places}
        self.compared = {p for one in demands if one.kind != "written" for p in one.places}
        if plan.department is not None:
            self.used.add(names.place(plan.department))
        if not any(not place.table for place in self.used):
            self.used.add(names.place(plan.key))

    def lines(self) -> Iterator[str]:
        plan = self.plan
        passed, failed, excluded = _verdicts()
        yield tr(
            "# 由 qc new 写成。请逐行看过、改好，再用 qc check 和 qc test。",
            "# Written by qc new. Read every line, mend it, then run qc check and qc test.",
        )
        yield f"规则集: {_scalar(plan.title)}"
        yield f"编号: {_scalar(plan.id)}"
        yield "版本: 0.1.0"
        yield f"结论: {{通过: {passed}, 不通过: {failed}, 排除: {excluded}}}"
        yield ""
        department = self.names.place(plan.department).name if plan.department else None
        ward = f", 科室: {department}" if department else ""
        yield f"病例: {{主键: {self.names.place(plan.key).name}{ward}}}"
        yield "字段:"
        yield from self.declared(plan.data.cases, "  ")
        yield from self.tables()
        yield from self.terms()
        yield ""
        yield "规则:"
        for one in self.demands:
            yield f"  {_scalar(one.name)}: |"
            yield f"    {one.sentence}"
        yield ""
        yield from self.tests()

    def declared(self, sheet: Sheet, margin: str) -> Iterator[str]:
        """The columns of a table: what no rule uses yet stands in comments."""
        unused = []
        for column in sheet.columns:
            place = self.names.of(sheet, column)
            line = f"{place.name}: {self.type_of(place, column)}  # {self.reason(place, column)}"
            if place in self.used:
                yield margin + line
            else:
                unused.append(line)
        if unused:
            yield margin + tr("# 还没有用到，用到时去掉 #：", "# Not used yet:")
            yield from (f"{margin}# {line}" for line in unused)

    def type_of(self, place: Place, column: Guess) -> str:
        type_ = self.kind(place, column)
        parts = [] if type_ is FieldType.TEXT else [f"类型: {_CHINESE[type_.value]}"]
        if type_ is FieldType.CATEGORY:
            parts.append(f"值: [{', '.join(map(_scalar, column.values))}]")
        if fold(place.name) != fold(column.column):
            parts.append(f"列: {json.dumps(column.column, ensure_ascii=False)}")
        return "{" + ", ".join(parts) + "}"

    def kind(self, place: Place, column: Guess) -> FieldType:
        """The type that is written: a time where a time limit needs one, a text where texts are
        compared or values are not to be listed."""
        if place in self.times:
            return FieldType.DATETIME
        if column.type is FieldType.CATEGORY:
            listed = self.plan.list_values and place not in self.compared
            return FieldType.CATEGORY if listed else FieldType.TEXT
        return column.type

    def reason(self, place: Place, column: Guess) -> str:
        kind = self.kind(place, column)
        if kind is column.type or (kind is FieldType.TEXT and self.plan.list_values):
            return str(column.why)
        if column.type is FieldType.CATEGORY:
            zh = f"{column.why.zh}；确认里面没有病人信息后，可以写成 类别 并列出 值"
            return tr(zh, f"{column.why.en}: could be a category")
        if column.type is FieldType.DATE:
            zh = "只写了日期，是那一整天；跨在时限上时是未知，按天算请写 自然日"
            return tr(zh, "days without a time: unknown where a limit falls on one")
        return tr("时限要用，所以是时间；现有的值未必都读得懂", "a time limit needs a time")

    def tables(self) -> Iterator[str]:
        sheets = [(self.names.tables[one.name], one) for one in self.plan.data.tables]
        used = {place.table for place in self.used}
        if sheets:
            yield ""
        if any(name in used for name, _ in sheets):
            yield "表:"
        for name, sheet in sheets:
            if name in used:
                yield from self.table(name, sheet)
        for name, sheet in sheets:
            if name not in used:
                columns = "、".join(column.column for column in sheet.columns)
                yield tr(
                    f"# 还没有用到的表 {name}：{columns}",
                    f"# Table not used yet: {name}: {columns}",
                )

    def table(self, name: str, sheet: Sheet) -> Iterator[str]:
        key = next((c.column for c in sheet.columns if fold(c.column) == fold(self.plan.key)), None)
        if key is None:
            zh = f"表“{sheet.name}”里没有主键“{self.plan.key}”这一列"
            en = f"The table {sheet.name} has no column {self.plan.key}"
            raise QcError(Diagnostic("QC611", Text(zh, en)))
        yield f"  {name}:"
        yield f"    病例: {json.dumps(key, ensure_ascii=False)}"
        if name != sheet.name:
            yield f"    文件: {json.dumps(sheet.name, ensure_ascii=False)}"
        yield "    列:"
        others = tuple(column for column in sheet.columns if column.column != key)
        yield from self.declared(Sheet(sheet.name, others), "      ")

    def terms(self) -> Iterator[str]:
        terms = [one for one in self.demands if one.terms]
        if terms:
            yield ""
            yield "词表:"
        yield from (f"  {one.terms}: [{', '.join(map(_scalar, one.words))}]" for one in terms)

    # tests

    def tests(self) -> Iterator[str]:
        """Three invented cases: all well, the first demand not met, and all as bad as can be."""
        yield tr("# 测试里的值都是编的。", "# The values of the tests are made up.")
        yield "测试:"
        for case in self.cases():
            yield f"  - {self.shown(case)}"

    def cases(self) -> tuple[Invented, Invented, Invented]:
        one, other = (self.fine() for _ in range(2))
        self.spoil(one, self.demands[0])
        for last in self.demands[1:] or self.demands:
            self.spoil(other, last)
        if len(self.demands) == 1:
            self.leave_out(other)
        return self.fine(), one, other

    def fine(self) -> Invented:
        return all_met(self.demands, {place: self.value(place) for place in self.used})

    def value(self, place: Place) -> str:
        column = self.column(place)
        kind = self.kind(place, column)
        if kind is FieldType.CATEGORY:
            return column.values[0]
        return _VALUES.get(kind, tr("示例", "example"))

    def column(self, place: Place) -> Guess:
        sheets = (self.plan.data.cases, *self.plan.data.tables)
        pairs = ((sheet, column) for sheet in sheets for column in sheet.columns)
        return next(column for sheet, column in pairs if self.names.of(sheet, column) == place)

    def spoil(self, case: Invented, demand_: Demand) -> None:
        """Change a case so that a demand is not met."""
        place = demand_.places[-1]
        values = case.values(place)
        if values is None:
            return
        if demand_.kind == "written":
            values.pop(place.name, None)
        elif demand_.kind == "mentions":
            values[place.name] = tr("另写", "nothing")
        elif demand_.kind == "within" and place.table != demand_.places[0].table:
            case.rows[place.table] = []
        elif demand_.kind == "within":
            values[place.name] = FAR
        else:
            values[place.name] = self.other(place)

    def other(self, place: Place) -> str:
        """Another value of the same type than the one in which all is well."""
        kind = self.kind(place, self.column(place))
        others = {FieldType.NUMBER: "2", FieldType.DURATION: "2天"}
        return FAR if kind.is_temporal else others.get(kind, tr("另一个示例", "another"))

    def leave_out(self, case: Invented) -> None:
        """With one demand only: what it looks at is not written, or (if it must be) is."""
        place = self.demands[0].places[0]
        values = case.values(place)
        assert values is not None
        if self.demands[0].kind == "written":
            values[place.name] = self.value(place)
        else:
            values.pop(place.name, None)

    def shown(self, case: Invented) -> str:
        """A case as a test, with what must come of it."""
        said = [(one, one.said(case)) for one in self.demands]
        wrong = [one.name for one, met in said if met is False]
        open_ = any(met is None for _, met in said)
        passed, failed, _ = _verdicts()
        expected = failed if wrong else tr("资料缺失", "data_missing") if open_ else passed
        parts = [f"{name}: {_scalar(value)}" for name, value in sorted(case.fields.items())]
        parts += [f"{table}: {_rows(rows)}" for table, rows in sorted(case.rows.items())]
        parts.append(f"应为: {expected}")
        if wrong or not open_:
            parts.append(f"缺陷: [{', '.join(map(_scalar, wrong))}]")
        return "{" + ", ".join(parts) + "}"


def _rows(rows: list[dict[str, str]]) -> str:
    shown = (", ".join(f"{name}: {_scalar(v)}" for name, v in sorted(row.items())) for row in rows)
    return "[" + ", ".join(f"{{{row}}}" for row in shown) + "]"
