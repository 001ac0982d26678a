"""``qc explain``: one record, every sentence, every clause."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError, did_you_mean
from qc_dsl.lang import Text, tr
from qc_runtime.cli import options
from qc_runtime.cli.data import read_cases, read_tables
from qc_runtime.cli.explain_duties import duty_headline, duty_lines, failing_rules
from qc_runtime.cli.explain_flip import flip_lines
from qc_runtime.cli.explain_lines import rule_lines

if TYPE_CHECKING:
    from qc_compiler.decide import Decision
    from qc_compiler.program import Program
    from qc_runtime.judging.levels import Levels
    from qc_runtime.tables.rows import Case


def explain(
    rulebook: options.Rulebook,
    data: options.Data,
    case: Annotated[
        str | None, typer.Option(metavar="KEY", help=tr("病例主键", "the record's key"))
    ] = None,
    plan: Annotated[
        bool,
        typer.Option("--plan", help=tr("要问模型什么、怎样排", "what the model would be asked")),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=tr("与这次运行的实际用量对照", "compare with this run")),
    ] = None,
    model: options.Model = None,
) -> None:
    from qc_compiler.pipeline import compile_file
    from qc_runtime.cli.explain_plan import plan_lines
    from qc_runtime.offpeak.interactive import interactive
    from qc_runtime.tables.rows import Cases

    if (case is None) != plan:
        raise QcError(options.usage("请用 --case 或 --plan 之一", "Give --case or --plan"))
    program = compile_file(rulebook)
    given = read_cases(program, data)
    with (
        interactive(),
        tempfile.TemporaryDirectory(prefix="qc-") as folder,
        read_tables(given, Path(folder), "explain") as read,
    ):
        if case is None:
            lines = plan_lines(program, read, model, out or Path("out") / program.id)
        else:
            cases = Cases(program, read.records, read.database.connection, read.database.tables)
            lines = explained(program, cases.one(_number(program, read.records.keys, case)))
        for line in lines:
            typer.echo(line)


def _number(program: Program, keys: list[str], case: str) -> int:
    if case not in keys:
        message = Text(f"没有 {program.key} 为“{case}”的病例", f"There is no record “{case}”")
        raise QcError(Diagnostic("QC612", message, help=did_you_mean(case, keys)))
    return keys.index(case)


def explained(program: Program, case: Case) -> Iterator[str]:
    """The explanation of one record, line by line."""
    from qc_compiler.decide import Open, decide
    from qc_compiler.trace import trace_rule
    from qc_runtime.judging.levels import Levels

    levels = Levels(program, ())
    decision = decide(levels.program, case.record)
    deciding = {program.rules[number].id for number in decision.rules}
    duties = {duty.rule for duty in program.obligations}
    if duties and decision.code == Open.UNCOVERED:
        headline = duty_headline(program, case)
        deciding = failing_rules(program, case)
    else:
        headline = _level_headline(levels, case, decision, deciding)
    yield f"{program.key} {case.key} ─ {headline}"
    for number, rule in enumerate(program.rules):
        if number in duties:
            yield from duty_lines(program, number, case, rule.id in deciding)
        else:
            traced = trace_rule(rule, case.record, case.display)
            yield from rule_lines(traced, rule.id in deciding)
    if decision.code == Open.ASK:
        yield from _question_lines(program, dict(case.shown))
    yield from flip_lines(levels.program, case.record)


def _level_headline(levels: Levels, case: Case, decision: Decision, deciding: set[str]) -> str:
    """What the levels make of a case, without a model; why where that is nothing."""
    from qc_compiler.decide import Open
    from qc_runtime.judging.levels import lacking
    from qc_runtime.judging.rounds import Waiting
    from qc_runtime.outcome import Status
    from qc_runtime.report.labels import STATUS

    if isinstance(levels.look(case, None, {}), Waiting):
        return str(STATUS[Status.PENDING]) + _by(deciding)
    headline = _headline(levels.program, decision.code, deciding)
    if decision.code != Open.DATA_MISSING:
        return headline
    why = lacking(levels.missing(case, decision))
    return headline + tr("，", ", ") + why[:1].lower() + why[1:]


def _headline(program: Program, code: int, deciding: set[str]) -> str:
    from qc_compiler.decide import Open

    by = _by(deciding)
    if code >= 0:
        return program.verdicts[code].name + (by or tr("（其余）", " (otherwise)"))
    headlines = {
        Open.ASK: tr("规则不能决定，转由模型判断", "no rule decides: the model is asked"),
        Open.DATA_MISSING: tr("资料缺失", "data missing"),
        Open.CONFLICT: tr("待人工：规则结论不同", "for a person: the rules disagree"),
        Open.UNCOVERED: tr("待人工：没有规则适用", "for a person: no rule applies"),
    }
    return headlines[Open(code)] + by


def _by(deciding: set[str]) -> str:
    named = "、".join(f"“{name}”" for name in sorted(deciding))
    return tr(f"（规则{named}）", f" (rule {named})") if named else ""


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
