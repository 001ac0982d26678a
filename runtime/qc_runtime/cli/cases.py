"""``qc test``: the tests that a rulebook carries, in itself and in files beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.lang import Text, tr
from qc_runtime.cli.kept import shared_cache
from qc_runtime.cli.options import Connect, NoCache, Rulebook, with_model

if TYPE_CHECKING:
    from qc_compiler.program import Program, TestCase
    from qc_runtime.workbench.testing import Tested

Cases = Annotated[
    list[Path],
    typer.Option(
        "--cases",
        metavar="FILE",
        help=tr("再加一个测试文件，可重复", "a further file of tests, repeatable"),
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help=tr(
            "没有测试、未运行和意外通过也算失败",
            "no tests, tests not run and unexpected passes fail too",
        ),
    ),
]


class Mark(StrEnum):
    """What became of a test; `TODO` failed as it was said to, `FIXED` passed unexpectedly."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"
    TODO = "todo"
    FIXED = "fixed"


_COUNTED = {
    Mark.PASSED: Text("通过", "passed"),
    Mark.FAILED: Text("失败", "failed"),
    Mark.NOT_RUN: Text("未运行", "not run"),
    Mark.TODO: Text("待办", "todo"),
    Mark.FIXED: Text("待办已通过", "todo that pass"),
}
_ALWAYS = (Mark.PASSED, Mark.FAILED, Mark.NOT_RUN)


@dataclass(frozen=True)
class Checked:
    """A test, what became of it, and why where it did not pass."""

    case: TestCase
    tested: Tested
    mark: Mark
    reason: str = ""


@with_model
def run_tests(
    rulebook: Rulebook,
    connect: Connect,
    no_cache: NoCache = False,
    cases: Cases = [],  # noqa: B006 (the command line's default is never changed)
    strict: Strict = False,
) -> None:
    from qc_runtime.workbench.case_files import compile_with_tests

    program = compile_with_tests(rulebook, cases)
    if not program.tests:
        typer.echo(tr("规则集没有测试", "The rulebook has no tests"))
        raise typer.Exit(1)
    checked = check_tests(program, rulebook, connect, no_cache)
    for line in report(program, rulebook, checked):
        typer.echo(line)
    raise typer.Exit(1 if is_failure(checked, strict) else 0)


def check_tests(
    program: Program, rulebook: Path, connect: Connect, no_cache: bool
) -> list[Checked]:
    """Run every test of a program and hold it against what it expects."""
    from qc_runtime.cache import Layered, Remembered
    from qc_runtime.workbench.testing import run_cases

    with shared_cache(no_cache) as cache:
        tested = run_cases(program, connect, Layered(Remembered(), cache), str(rulebook))
    return [checked(case, one) for case, one in zip(program.tests, tested, strict=True)]


def checked(case: TestCase, tested: Tested) -> Checked:
    reason = mismatch(case, tested)
    if reason is None and case.todo:
        fixed = tr(
            "标为待办，却通过了：请去掉“状态: 待办”", "marked todo, yet it passes: drop the mark"
        )
        return Checked(case, tested, Mark.FIXED, fixed)
    if reason is None:
        return Checked(case, tested, Mark.PASSED)
    if tested.waits:
        return Checked(
            case, tested, Mark.NOT_RUN, tr("未运行（需要模型）", "not run (needs the model)")
        )
    return Checked(case, tested, Mark.TODO if case.todo else Mark.FAILED, reason)


def is_failure(found: Sequence[Checked], strict: bool) -> bool:
    """Whether the command fails; strictly, a test that did not run is no pass either."""
    bad = {Mark.FAILED, Mark.NOT_RUN, Mark.FIXED} if strict else {Mark.FAILED}
    marks = {one.mark for one in found}
    return bool(bad & marks) or (strict and marks <= {Mark.TODO})


def report(program: Program, rulebook: Path, found: Sequence[Checked]) -> Iterator[str]:
    """Every test that did not pass, with the clause that decided; then the counts."""
    for one, said in zip(found, reasons(program, rulebook, found), strict=True):
        if one.mark is not Mark.PASSED:
            yield f"{one.case.place}: {said}"
    yield counted(found)


def reasons(program: Program, rulebook: Path, found: Sequence[Checked]) -> list[str]:
    """Why each test did not pass; for a failure with the clauses that decided, a line each."""
    from qc_runtime.cli.failing import deciding_lines
    from qc_runtime.workbench.testing import posed

    records = posed(program, str(rulebook)) if any(o.mark is Mark.FAILED for o in found) else []
    said = []
    for number, one in enumerate(found):
        if one.mark is Mark.FAILED:
            lines = (one.reason, *deciding_lines(program, records[number], one))
            said.append("\n".join(lines))
        elif one.mark is Mark.TODO:
            said.append(tr(f"待办：{one.reason}", f"todo: {one.reason}"))
        else:
            said.append(one.reason)
    return said


def counted(found: Sequence[Checked]) -> str:
    """通过 3，失败 0，未运行 0, and what else there is."""
    counts = Counter(one.mark for one in found)
    shown = [mark for mark in Mark if mark in _ALWAYS or counts[mark]]
    zh = "，".join(f"{_COUNTED[mark].zh} {counts[mark]}" for mark in shown)
    return tr(zh, ", ".join(f"{counts[mark]} {_COUNTED[mark].en}" for mark in shown))


def mismatch(case: TestCase, result: Tested) -> str | None:
    """Why an outcome is not what its test expects; `None` when it is."""
    from qc_dsl.cases import OPEN_ENDS

    outcome = result.outcome
    got = outcome.verdict or outcome.status.value
    wanted = OPEN_ENDS.get(case.expected, case.expected)
    if got != wanted:
        shown = f"{got} {outcome.leaning or ''}".strip()
        why = outcome.explanation
        zh, en = (f"（{why}）", f" ({why})") if why else ("", "")
        return tr(
            f"应为 {case.expected}，实为 {shown}{zh}", f"expected {case.expected}, got {shown}{en}"
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
