"""What a sentence says that its fields' types do not allow."""

from __future__ import annotations

from collections.abc import Sequence

from qc_compiler.ir import Column
from qc_compiler.values import FieldType
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, did_you_mean
from qc_dsl.keywords import canonical
from qc_dsl.lang import Text

_TYPE_NAMES = {
    FieldType.TEXT: Text("文本", "text"),
    FieldType.NUMBER: Text("数字", "number"),
    FieldType.DATE: Text("日期", "date"),
    FieldType.DATETIME: Text("时间", "datetime"),
    FieldType.CATEGORY: Text("类别", "category"),
    FieldType.LIST: Text("列表", "list"),
    FieldType.DURATION: Text("时长", "duration"),
}


def said(operand: ast.Operand) -> str:
    """An operand as it is written, more or less."""
    return operand.span.text if isinstance(operand, ast.Amount) else operand.text


def said_by_re2(error: Exception) -> str:
    first = error.args[0] if error.args else b""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def wrong_type(
    predicate: ast.Predicate, type_: FieldType, wanted: Sequence[FieldType]
) -> Diagnostic:
    name = predicate.subject
    zh, en = canonical(predicate.op, "zh"), canonical(predicate.op, "en")
    kinds_zh = "、".join(_TYPE_NAMES[t].zh for t in wanted)
    kinds_en = ", ".join(_TYPE_NAMES[t].en for t in wanted)
    is_zh, is_en = _TYPE_NAMES[type_].zh, _TYPE_NAMES[type_].en
    return Diagnostic(
        "QC201",
        Text(
            f"字段“{name.text}”的类型是{is_zh}，不能用“{zh}”",
            f"“{name.text}” is a {is_en} field: “{en}” does not apply",
        ),
        name.span,
        Text(f"“{zh}”适用于：{kinds_zh}", f"“{en}” applies to: {kinds_en}"),
    )


def not_comparable(left: Column, name: ast.Name, type_: FieldType) -> Diagnostic:
    a, b = _TYPE_NAMES[left.type], _TYPE_NAMES[type_]
    return Diagnostic(
        "QC201",
        Text(
            f"“{left.name}”是{a.zh}，“{name.text}”是{b.zh}，不能相比",
            f"“{left.name}” is a {a.en} field and “{name.text}” a {b.en} field: no comparison",
        ),
        name.span,
        Text("请换一个同类型的字段", "Compare with a field of the same type"),
    )


def unfit(name: ast.Name, type_: FieldType, zh: str, en: str) -> Diagnostic:
    """A field or column that has the wrong type for something that is no predicate."""
    kind = _TYPE_NAMES[type_]
    return Diagnostic(
        "QC201",
        Text(
            f"“{name.text}”的类型是{kind.zh}，这里要{zh}",
            f"“{name.text}” is a {kind.en} field: {en} is wanted here",
        ),
        name.span,
    )


def no_unit(at: ast.Operand | ast.Name, name: str) -> Diagnostic:
    return Diagnostic(
        "QC213",
        Text(f"“{name}”是时长，这里要写明单位", f"“{name}” is a duration: a unit is wanted"),
        at.span,
        Text("例如 3 天、48 小时", "For instance 3 days, 48 hours"),
    )


def unwanted_unit(amount: ast.Operand) -> Diagnostic:
    return Diagnostic(
        "QC213",
        Text(f"这里不能写“{said(amount)}”", f"“{said(amount)}” does not fit here"),
        amount.span,
        Text(
            "时长才有单位；“自然日”只用于 在 … 后 N 个自然日内",
            "Only durations have units, and calendar days belong to within … only",
        ),
    )


def no_row(name: ast.Name, column: str, table: str) -> Diagnostic:
    return Diagnostic(
        "QC115",
        Text(
            f"列“{column}”属于表“{table}”，这里没有{table}的行",
            f"“{column}” is a column of “{table}”, and no row of it is meant here",
        ),
        name.span,
        Text(
            f"请写在 每条 {table} …、存在 {table}，… 或 最近一条 {table} 满足 … 里面",
            f"Write it within each {table} …, there is {table} …, or latest {table} where …",
        ),
    )


def no_each(name: ast.Name) -> Diagnostic:
    return Diagnostic(
        "QC115",
        Text("这里没有“每条”，“本条”不知指哪一行", "There is no “each” here for “this” to mean"),
        name.span,
        Text("请在句首写 每条 某表", "Begin the sentence with: each TABLE"),
    )


def no_other(name: ast.Name) -> Diagnostic:
    return Diagnostic(
        "QC217",
        Text(
            f"“另一条 {name.text}”要和一条{name.text}相对，这里没有",
            f"“another {name.text}” needs a row of {name.text} that it is not",
        ),
        name.span,
        Text(f"请写在 每条 {name.text} … 里面，或去掉“另一条”", "Drop “another”, or say each …"),
    )


def no_time(name: ast.Name) -> Diagnostic:
    return Diagnostic(
        "QC214",
        Text(
            f"表“{name.text}”没有写时间列，不知道哪一条最近",
            f"The table “{name.text}” declares no time: which row is the latest is not known",
        ),
        name.span,
        Text(f"请在表“{name.text}”里写 时间: 某列", "Add time: COLUMN to the table"),
    )


def unknown_name(name: ast.Name, what: str, known: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "QC101",
        Text(f"{what}没有“{name.text}”", f"There is no “{name.text}”"),
        name.span,
        did_you_mean(name.text, known),
    )


_REASONS = (
    ("missing )", Text("括号没有关上：少了“)”", "a bracket is not closed: “)” is missing")),
    ("unexpected )", Text("多了一个“)”", "one “)” too many")),
    ("missing ]", Text("方括号没有关上：少了“]”", "“]” is missing")),
    ("invalid perl operator", Text(
        "不支持前后查看（?=、?!、?<=、?<!）", "look-around does not exist in RE2")),
    ("invalid escape sequence", Text(
        "不支持这个反斜杠写法（如反向引用 \\1）", "no such escape (nor back-references)")),
    ("no argument for repetition", Text(
        "“*”“+”“?”前面没有内容", "nothing before “*”, “+” or “?” to repeat")),
)  # fmt: skip


def _reason(said: str) -> Text:
    """RE2's complaint in plain words; its own where we have none."""
    return next((text for start, text in _REASONS if said.startswith(start)), Text(said, said))


def not_a_number(operand: ast.Operand, field: str) -> Diagnostic:
    return Diagnostic(
        "QC202",
        Text(f"字段“{field}”是数字，这里应为数字", f"“{field}” is a number field"),
        operand.span,
        Text("请写不带引号的数字，例如 60", "Write a number without quotes, such as 60"),
    )


def undeclared_value(operand: ast.Operand, field: str, values: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "QC203",
        Text(f"类别“{field}”没有值“{said(operand)}”", f"“{field}” has no value “{said(operand)}”"),
        operand.span,
        did_you_mean(said(operand), values),
    )


def empty_text(operand: ast.Operand) -> Diagnostic:
    return Diagnostic(
        "QC111",
        Text("引号里没有看得见的文字", "Nothing visible between the quotes"),
        operand.span,
        Text("要判断没有填写，请写“为空”", "To test for nothing written: is blank"),
    )


def not_a_moment(operand: ast.Operand) -> Diagnostic:
    return Diagnostic(
        "QC205",
        Text(f"“{said(operand)}”不是日期", f"“{said(operand)}” is not a date"),
        operand.span,
        Text(
            "请写成 “2025-01-03” 或 “2025-01-03 08:30”", "Write “2025-01-03” or “2025-01-03 08:30”"
        ),
    )


def bad_pattern(operand: ast.Operand, reason: str) -> Diagnostic:
    return Diagnostic(
        "QC204",
        Text("正则表达式写得不对（RE2 语法）", "Not a valid RE2 expression"),
        operand.span,
        Text(f"原因：{_reason(reason).zh}", f"Reason: {_reason(reason).en}"),
    )


def unfolded_pattern(operand: ast.Operand, ch: str, folded: str) -> Diagnostic:
    return Diagnostic(
        "QC206",
        Text(
            f"正则里的“{ch}”永远匹配不到：比较前它已统一为“{folded}”",
            f"“{ch}” never matches: text is compared with “{folded}” in its place",
        ),
        operand.span,
        Text(
            f"请把“{ch}”写成“{folded}”；若它是正则里的符号，前面加反斜杠",
            f"Write “{folded}”, with a backslash where that is a symbol of the expression",
        ),
    )


def own_anchor(anchor: ast.Name) -> Diagnostic:
    return Diagnostic(
        "QC222",
        Text(
            f"“{anchor.text}”与自己比，永远在时限之内",
            f"“{anchor.text}” is compared with itself: always within",
        ),
        anchor.span,
        Text(
            "两边是同一行的同一列；要比外面那一行的，请写 表.列 或 本条.列",
            "Both are one column of one row: name the outer row's as TABLE.COLUMN or this.COLUMN",
        ),
    )
