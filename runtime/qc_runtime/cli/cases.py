"""``qc test``: the tests that a rulebook carries itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from qc_dsl.lang import tr
from qc_runtime.cli.options import Connect, Rulebook, answers_path, with_model

if TYPE_CHECKING:
    from qc_compiler.program import Program, TestCase
    from qc_runtime.testing import Tested


@with_model
def run_tests(rulebook: Rulebook, connect: Connect) -> None:
    from qc_compiler.pipeline import compile_file
    from qc_runtime.store import AnswerStore
    from qc_runtime.testing import run_cases

    program = compile_file(rulebook)
    if not program.tests:
        typer.echo(tr("规则集没有测试", "The rulebook has no tests"))
        raise typer.Exit(1)
    with AnswerStore(answers_path(program.id)) as store:
        tested = run_cases(program, connect, store, str(rulebook))
    raise typer.Exit(1 if _report(program, tested) else 0)


def _report(program: Program, tested: Sequence[Tested]) -> int:
    """Print every test that did not pass; returns how many failed."""
    failed = waiting = 0
    for case, result in zip(program.tests, tested, strict=True):
        reason = mismatch(case, result)
        if reason and result.waits:
            waiting += 1
            line = tr("未运行（需要模型）", "not run (needs the model)")
            typer.echo(f"{case.place}: {line}")
        elif reason:
            failed += 1
            typer.echo(f"{case.place}: {reason}")
    passed = len(tested) - failed - waiting
    zh = f"通过 {passed}，失败 {failed}，未运行 {waiting}"
    typer.echo(tr(zh, f"{passed} passed, {failed} failed, {waiting} not run"))
    return failed


def mismatch(case: TestCase, result: Tested) -> str | None:
    """Why an outcome is not what its test expects; `None` when it is."""
    from qc_dsl.cases import OPEN_ENDS

    outcome = result.outcome
    got = outcome.verdict or outcome.status.value
    wanted = OPEN_ENDS.get(case.expected, case.expected)
    if got != wanted:
        why = f"（{outcome.explanation}）" if outcome.explanation else ""
        shown = f"{got} {outcome.leaning or ''}".strip()
        return tr(
            f"应为 {case.expected}，实为 {shown}{why}",
            f"expected {case.expected}, got {shown} {why}",
        )
    if case.rules and not set(case.rules) <= set(outcome.rules):
        wanted, found = "、".join(case.rules), "、".join(outcome.rules) or "—"
        return tr(f"应由规则 {wanted} 判定，实由 {found}", f"expected rule {wanted}, got {found}")
    return _other_findings(case, result)


def _other_findings(case: TestCase, result: Tested) -> str | None:
    """The findings are tested as they are: each rule as often as it was found."""
    if case.findings is None:
        return None
    got = sorted(finding.rule for finding in result.outcome.findings)
    if got == sorted(case.findings):
        return None
    wanted, found = ("、".join(sorted(names)) or "—" for names in (case.findings, got))
    return tr(f"缺陷应为 {wanted}，实为 {found}", f"expected findings {wanted}, got {found}")
