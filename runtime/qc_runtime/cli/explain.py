"""``qc explain``: one record, every sentence, every clause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import Text, tr
from qc_runtime.cli.options import Data, Rulebook

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_compiler.trace import TracedClause, TracedRule
    from qc_compiler.values import Record
    from qc_runtime.records.recordset import RecordSet

_TRUTH = {True: Text("是", "yes"), False: Text("否", "no"), None: Text("未知", "unknown")}
Row = tuple[int, str, str, str]  # indent, clause, truth, remark


def explain(
    rulebook: Rulebook,
    data: Data,
    case: Annotated[str, typer.Option(metavar="KEY", help=tr("病例主键", "the record's key"))],
) -> None:
    from qc_compiler.pipeline import compile_file
    from qc_runtime.records import load_records

    program = compile_file(rulebook)
    records = load_records(data, program.fields, program.key)
    if case not in records.keys:
        message = Text(f"没有 {program.key} 为“{case}”的病例", f"There is no record “{case}”")
        raise QcError(Diagnostic("QC612", message, help=did_you_mean(case, records.keys)))
    for line in explained(program, records, records.keys.index(case)):
        typer.echo(line)


def explained(program: Program, records: RecordSet, row: int) -> Iterator[str]:
    """The explanation of one record, line by line."""
    from qc_compiler.decide import Open, decide
    from qc_compiler.trace import trace

    record = records.record(row)
    shown = {name: column[row] for name, column in records.display.items()}
    decision = decide(program, record)
    deciding = {program.rules[number].id for number in decision.rules}
    headline = _headline(program, decision.code, deciding)
    if decision.code == Open.DATA_MISSING:
        headline += _blanks(program, decision.rules, shown, record)
    yield f"{program.key} {records.keys[row]} ─ {headline}"
    for traced in trace(program, record, shown):
        yield from _rule_lines(traced, traced.rule.id in deciding)
    if decision.code == Open.ASK:
        yield from _question_lines(program, shown)


def _headline(program: Program, code: int, deciding: set[str]) -> str:
    from qc_compiler.decide import Open

    named = "、".join(f"“{name}”" for name in sorted(deciding))
    by = tr(f"（规则{named}）", f" (rule {named})") if named else ""
    if code >= 0:
        return program.verdicts[code].name + (by or tr("（其余）", " (otherwise)"))
    headlines = {
        Open.ASK: tr("规则不能决定，转由模型判断", "no rule decides: the model is asked"),
        Open.DATA_MISSING: tr("资料缺失", "data missing"),
        Open.CONFLICT: tr("待人工：规则结论不同", "for a person: the rules disagree"),
        Open.UNCOVERED: tr("待人工：没有规则适用", "for a person: no rule applies"),
    }
    return headlines[Open(code)] + by


def _blanks(
    program: Program, rules: tuple[int, ...], shown: dict[str, str | None], record: Record
) -> str:
    """Which fields are blank or unreadable where that leaves a record undecided."""
    from qc_compiler.program import Question
    from qc_compiler.trace import trace_rule

    traced = (trace_rule(program.rules[number], record, shown) for number in rules)
    names = [name for one in traced for name in one.missing()]
    if not names and isinstance(program.otherwise, Question):
        names = [name for name in program.otherwise.fields if record[name] is None]
    listed = "、".join(dict.fromkeys(names))
    return tr(f"，缺少：{listed}", f", missing: {listed}")


def _rule_lines(traced: TracedRule, decides: bool) -> Iterator[str]:
    from rich.cells import cell_len

    mark = "▶" if decides else " "
    yield f"{mark} {traced.rule.id}"
    lines: list[tuple[str, str, str]] = []
    for head, clause in zip(_heads(traced), traced.clauses, strict=True):
        for number, (indent, text, truth, remark) in enumerate(_rows(clause, 0)):
            opening = head if number == 0 else " " * cell_len(head)
            lines.append((f"{opening}{'  ' * indent}{text}", truth, remark))
    width = max(cell_len(left) for left, _, _ in lines)
    for left, truth, remark in lines:
        gap = " " * (width - cell_len(left) + 2)
        yield f"    {left}{gap}{truth}  {remark}".rstrip()


def _heads(traced: TracedRule) -> list[str]:
    """The word that each clause begins with in its sentence, all equally wide."""
    from rich.cells import cell_len

    from qc_dsl import ast
    from qc_dsl.keywords import canonical
    from qc_dsl.lang import current

    gate = isinstance(traced.rule.sentence, ast.Gate)
    words = [canonical("IF" if gate else "WHEN", current())]
    words += [canonical("ARROW", current())] * (len(traced.clauses) - 1)
    width = max(map(cell_len, words))
    return [word + " " * (width - cell_len(word) + 1) for word in words]


def _rows(clause: TracedClause, indent: int) -> Iterator[Row]:
    from qc_dsl import ast
    from qc_dsl.lang import current
    from qc_dsl.printer import print_condition

    if not clause.parts:
        text = print_condition(clause.condition, current())
        yield indent, text, str(_TRUTH[clause.truth]), _remark(clause)
        return
    word = {ast.And: tr("全部成立：", "all of:"), ast.Or: tr("任一成立：", "any of:")}
    head = word.get(type(clause.condition), tr("不成立：", "not:"))
    yield indent, head, str(_TRUTH[clause.truth]), ""
    for part in clause.parts:
        yield from _rows(part, indent + 1)


def _remark(clause: TracedClause) -> str:
    if clause.missing:
        return tr("缺少：", "missing: ") + "、".join(clause.missing)
    return "  ".join(f"{quote.field}[{quote.text}]" for quote in clause.quotes)


def _question_lines(program: Program, shown: dict[str, str | None]) -> Iterator[str]:
    from qc_compiler.program import Question
    from qc_compiler.prompts import user_prompt

    question = program.otherwise
    assert isinstance(question, Question)
    filled = {name: shown[name] or "" for name in question.fields}
    yield "▶ " + tr("其余：问模型", "otherwise: the model is asked")
    yield f"    {question.text}"
    for line in user_prompt(question, filled, program.lang).splitlines():
        yield f"    {line}"
    answers = "，".join(f"{answer} → {program.verdicts[v].name}" for answer, v in question.answers)
    yield f"    {answers}"
