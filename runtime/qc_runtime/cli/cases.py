"""``qc test``: the tests that a rulebook carries itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from qc_dsl.lang import tr
from qc_runtime.cli.options import (
    Endpoint,
    EndpointModel,
    Model,
    NoModel,
    Rulebook,
    answers_path,
    connector,
)

if TYPE_CHECKING:
    from qc_compiler.program import Program, TestCase
    from qc_runtime.outcome import Outcome


def run_tests(
    rulebook: Rulebook,
    no_model: NoModel = False,
    model: Model = None,
    endpoint: Endpoint = None,
    endpoint_model: EndpointModel = None,
) -> None:
    from qc_compiler.pipeline import compile_file
    from qc_runtime.judge import judge
    from qc_runtime.records.memory import recordset_of
    from qc_runtime.store import AnswerStore

    connect = connector(model, no_model, endpoint, endpoint_model)
    program = compile_file(rulebook)
    if not program.tests:
        typer.echo(tr("规则集没有测试", "The rulebook has no tests"))
        raise typer.Exit(1)
    rows = [dict(case.record) | {program.key: str(n)} for n, case in enumerate(program.tests, 1)]
    records = recordset_of(program.fields, program.key, rows, str(rulebook))
    with AnswerStore(answers_path(program.id)) as store:
        outcomes = judge(program, records, connect, store, explain="none").outcomes
    raise typer.Exit(1 if _report(program, outcomes) else 0)


def _report(program: Program, outcomes: tuple[Outcome, ...]) -> int:
    """Print every test that did not pass; returns how many failed."""
    from qc_runtime.outcome import Status

    failed = waiting = 0
    for case, outcome in zip(program.tests, outcomes, strict=True):
        if outcome.status is Status.PENDING:
            waiting += 1
            line = tr("未运行（需要模型）", "not run (needs the model)")
            typer.echo(f"{case.place}: {line}")
        elif reason := mismatch(case, outcome):
            failed += 1
            typer.echo(f"{case.place}: {reason}")
    passed = len(outcomes) - failed - waiting
    zh = f"通过 {passed}，失败 {failed}，未运行 {waiting}"
    typer.echo(tr(zh, f"{passed} passed, {failed} failed, {waiting} not run"))
    return failed


def mismatch(case: TestCase, outcome: Outcome) -> str | None:
    """Why an outcome is not what its test expects; `None` when it is."""
    from qc_dsl.cases import OPEN_ENDS

    got = outcome.verdict or outcome.status.value
    wanted = OPEN_ENDS.get(case.expected, case.expected)
    if got != wanted:
        why = f"（{outcome.explanation}）" if outcome.explanation else ""
        leaning = outcome.leaning or ""
        shown = f"{got} {leaning}".strip()
        return tr(
            f"应为 {case.expected}，实为 {shown}{why}",
            f"expected {case.expected}, got {shown} {why}",
        )
    if case.rules and not set(case.rules) <= set(outcome.rules):
        wanted, found = "、".join(case.rules), "、".join(outcome.rules) or "—"
        return tr(f"应由规则 {wanted} 判定，实由 {found}", f"expected rule {wanted}, got {found}")
    return None
