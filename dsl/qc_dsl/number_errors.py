"""Numbers of rows, points and stretches of time that make no sense, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor

from qc_dsl import ast
from qc_dsl.errors import Diagnostic
from qc_dsl.keywords import canonical
from qc_dsl.lang import Text
from qc_dsl.printer import print_amount, print_operand
from qc_dsl.source import Span

_MOST_DIGITS = 9


def quantifier_mistakes(
    kind: ast.Quantifier,
    table: ast.Name,
    count: ast.Literal | None,
    body: ast.Condition | None,
    span: Span,
) -> Iterator[Diagnostic]:
    if kind in ("all", "all_or_none") and body is None:
        yield Diagnostic(
            "QC120",
            Text(f"所有“{table.text}”都要怎样？", f"All {table.text} must be what?"),
            span,
            Text(
                f"例如 所有 {table.text} 满足 (…)；只问有没有请写 存在 {table.text}",
                f"For instance: all {table.text} where (…);"
                f" to ask for any row: there is {table.text}",
            ),
        )
    if count is None:
        return
    if not count.text.isdigit() or len(count.text) > _MOST_DIGITS:
        yield _no_count(kind, table, count)
    elif kind == "at_least" and int(count.text) == 0:
        yield Diagnostic(
            "QC120",
            Text("“至少 0 条”永远成立", "“at least 0” is always true"),
            count.span,
            Text("请写至少 1 条，或 存在 …", "Write at least 1, or: there is …"),
        )


def _no_count(kind: ast.Quantifier, table: ast.Name, count: ast.Literal) -> Diagnostic:
    number = float(count.text) if len(count.text) <= _MOST_DIGITS else 2
    whole = max(1, ceil(number)) if kind == "at_least" else max(0, floor(number))
    zh, en = (canonical(kind.upper(), lang) for lang in ("zh", "en"))
    return Diagnostic(
        "QC120",
        Text(f"条数应为整数，不能是 {count.text}", f"{count.text} is no number of rows"),
        count.span,
        Text(f"例如 {zh} {whole} 条 {table.text}", f"For instance: {en} {whole} {table.text}"),
    )


def negative_points(number: str, span: Span) -> Diagnostic:
    """扣 -2 分: less than nothing is deducted."""
    less = number.removeprefix("-")
    return Diagnostic(
        "QC123",
        Text(f"扣的分不能是负数（{number}）", f"The points deducted cannot be negative ({number})"),
        span,
        Text(f"请写 扣 {less} 分；不扣分就不写", f"Write: deduct {less} points, or nothing"),
    )


def no_points(word: str, span: Span) -> Diagnostic:
    """扣 分, 扣 两 分: the number is missing, or not in digits."""
    return Diagnostic(
        "QC123",
        Text(f"“{word}”后面要写数字", f"A number belongs after “{word}”"),
        span,
        Text("例如 扣 2 分", "For instance: deduct 2 points"),
    )


def no_end(window: ast.Within, outside: bool, span: Span) -> Diagnostic:
    """在 X 后 3 天: within those days, or after them? ``outside``: 不在 was written."""
    zh, en = print_amount(window.amount, "zh"), print_amount(window.amount, "en")
    side, name = _SIDES[window.direction], print_operand(window.anchor)
    inside = "NOT_WITHIN" if outside else "WITHIN"
    return Diagnostic(
        "QC116",
        Text(f"“{side} {zh}”缺少“内”", f"“{side} {zh}” lacks “内” (within)"),
        span,
        Text(
            f"请写 {canonical(inside, 'zh')} {name} {side} {zh}内",
            f"Write: {canonical(inside, 'en')} {en} {window.direction} {name}",
        ),
    )


_SIDES: dict[ast.Direction, str] = {"after": "后", "before": "前", "around": "前后"}
