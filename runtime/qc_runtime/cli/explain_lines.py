"""A traced sentence as lines: each condition, its truth, and what made it so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qc_dsl.lang import Text, tr

if TYPE_CHECKING:
    from qc_compiler.found import Quote
    from qc_compiler.trace import RowCount, TracedClause, TracedRule

TRUTH = {True: Text("是", "yes"), False: Text("否", "no"), None: Text("未知", "unknown")}
_WIDEST = 72  # columns: a longer clause does not push the truths of the others aside
Row = tuple[int, str, str, str]  # indent, clause, truth, remark


def rule_lines(traced: TracedRule, decides: bool) -> Iterator[str]:
    """A rule with its clauses; ``▶`` where it decides."""
    yield f"{'▶' if decides else ' '} {traced.rule.id}"
    yield from clause_lines(traced, "    ")


def clause_lines(traced: TracedRule, margin: str) -> Iterator[str]:
    """Each clause behind the word it begins with in its sentence, truths in one column."""
    from rich.cells import cell_len

    lines: list[tuple[str, str, str]] = []
    for head, clause in zip(_heads(traced), traced.clauses, strict=True):
        for number, (indent, text, truth, remark) in enumerate(_rows(clause, 0)):
            opening = head if number == 0 else " " * cell_len(head)
            lines.append((f"{opening}{'  ' * indent}{text}", truth, remark))
    width = max((n for left, _, _ in lines if (n := cell_len(left)) <= _WIDEST), default=0)
    for left, truth, remark in lines:
        gap = " " * max(2, width - cell_len(left) + 2)
        yield f"{margin}{left}{gap}{truth}  {remark}".rstrip()


def _heads(traced: TracedRule) -> list[str]:
    """The word that each clause begins with in its sentence, all equally wide."""
    from rich.cells import cell_len

    words = [clause_word(traced, number) for number in range(len(traced.clauses))]
    width = max(map(cell_len, words), default=0)
    return [word + " " * (width - cell_len(word) + 1) for word in words]


def clause_word(traced: TracedRule, number: int) -> str:
    from qc_dsl import ast
    from qc_dsl.keywords import canonical
    from qc_dsl.lang import current

    clause = traced.rule.clauses[number]
    if clause.role == "must":
        return canonical("MUST", current())
    if clause.role == "exception":
        return tr(f"除外 {clause.label}", f"except {clause.label}")
    if number:
        return canonical("ARROW", current())
    gate = isinstance(traced.rule.sentence, ast.Gate)
    return canonical("IF" if gate else "WHEN", current())


def _rows(clause: TracedClause, indent: int) -> Iterator[Row]:
    from qc_dsl import ast
    from qc_dsl.lang import current
    from qc_dsl.printer import print_condition

    if not clause.parts:
        text = print_condition(clause.condition, current())
        yield indent, text, str(TRUTH[clause.truth]), remark(clause)
        return
    word = {ast.And: tr("全部成立：", "all of:"), ast.Or: tr("任一成立：", "any of:")}
    head = word.get(type(clause.condition), tr("不成立：", "not:"))
    yield indent, head, str(TRUTH[clause.truth]), ""
    for part in clause.parts:
        yield from _rows(part, indent + 1)


def remark(clause: TracedClause) -> str:
    said = [_counted(clause.rows)] if clause.rows else []
    if clause.missing:
        said.append(tr("缺少：", "missing: ") + "、".join(clause.missing))
    said += [text for quote in clause.quotes if (text := _quoted(quote))]
    return "  ".join(said)


def _quoted(quote: Quote) -> str:
    """字段[原文]; rows without a window are counted already."""
    from qc_runtime.report.evidence import inside_text, window_text

    if quote.rows:
        found = quote.window and inside_text(quote.rows, quote.window)
        return f"{quote.field}{tr('：', ': ')}{found}" if found else ""
    said = f"{quote.field}[{quote.text or tr('未填写', 'blank')}]"
    if quote.window is None:
        return said
    span = window_text(quote.window)
    return said + tr(f"（范围 {span}）", f" (window {span})")


def _counted(rows: RowCount) -> str:
    """How the rows of a quantifier came out: 病程 5 行：是 1，未知 2（第 3 行）"""
    numbers = "、".join(map(str, rows.deciding))
    zh, en = (f"（第 {numbers} 行）", f" (row {numbers})") if numbers else ("", "")
    if rows.more:
        zh = f"（第 {numbers} 行，另有 {rows.more} 行）"
        en = f" (row {numbers}, and {rows.more} more)"
    return tr(
        f"{rows.table} {rows.total} 行：是 {rows.true}，未知 {rows.unknown}{zh}",
        f"{rows.table}, {rows.total} rows: {rows.true} yes, {rows.unknown} unknown{en}",
    )
