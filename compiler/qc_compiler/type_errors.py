"""What a sentence says that its fields' types do not allow."""

from __future__ import annotations

from collections.abc import Sequence

from qc_compiler.ir import Column
from qc_compiler.values import FieldType, Moment
from qc_dsl import ast
from qc_dsl.errors import Diagnostic, did_you_mean
from qc_dsl.keywords import canonical
from qc_dsl.lang import Text

__all__ = [
    "Moment",
    "bad_pattern",
    "empty_text",
    "not_a_moment",
    "not_a_number",
    "not_comparable",
    "undeclared_value",
    "unfolded_pattern",
    "wrong_type",
]

_TYPE_NAMES = {
    FieldType.TEXT: Text("文本", "text"),
    FieldType.NUMBER: Text("数字", "number"),
    FieldType.DATE: Text("日期", "date"),
    FieldType.DATETIME: Text("时间", "datetime"),
    FieldType.CATEGORY: Text("类别", "category"),
    FieldType.LIST: Text("列表", "list"),
}


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
        Text(f"类别“{field}”没有值“{operand.text}”", f"“{field}” has no value “{operand.text}”"),
        operand.span,
        did_you_mean(operand.text, values),
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
        Text(f"“{operand.text}”不是日期", f"“{operand.text}” is not a date"),
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
