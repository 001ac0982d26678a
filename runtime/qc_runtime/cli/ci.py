"""``qc ci``: check, test and coverage of rulebooks in one command, for a machine to judge by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError, render
from qc_dsl.lang import tr
from qc_runtime.cli.cases import Checked, Mark, check_tests, counted, reasons
from qc_runtime.cli.coverage import FailUnder, cover, gaps, summary
from qc_runtime.cli.options import Connect, NoCache, with_model

if TYPE_CHECKING:
    from qc_compiler.coverage import Coverage


class Format(StrEnum):
    TEXT = "text"
    GITHUB = "github"


@dataclass
class Ran:
    """What became of one rulebook.

    ``diagnostics`` with errors stop it; ``problems`` are why it fails although it is sound.
    ``reasons`` say of each of the ``tests`` why it did not pass.
    """

    rulebook: Path
    diagnostics: tuple[Diagnostic, ...] = ()
    tests: list[Checked] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    coverage: Coverage | None = None
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def code(self) -> int:
        """2: it could not be run; 1: it fails; 0: it was run and holds."""
        if any(one.severity == "error" for one in self.diagnostics):
            return 2
        return 1 if self.problems else 0


@with_model
def ci(
    rulebooks: Annotated[
        list[Path], typer.Argument(metavar="RULEBOOK…", help=tr("规则集文件", "rulebook files"))
    ],
    connect: Connect,
    fail_under: FailUnder = 0.0,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=tr("写一份 JUnit 报告", "write a JUnit report")),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help=tr("输出格式", "output format"))
    ] = Format.TEXT,
    no_cache: NoCache = False,
) -> None:
    found = [run_one(path, connect, fail_under, no_cache) for path in rulebooks]
    if junit:
        from qc_runtime.cli.ci_junit import write_junit

        write_junit(junit, found)
    for one in found:
        for line in _github(one) if format_ is Format.GITHUB else _text(one):
            typer.echo(line)
    raise typer.Exit(max((one.code for one in found), default=0))


def run_one(rulebook: Path, connect: Connect, fail_under: float, no_cache: bool) -> Ran:
    """Check, test and cover one rulebook; whatever is wrong with it is in the result."""
    ran, start = Ran(rulebook), time.perf_counter()
    try:
        _run(ran, connect, fail_under, no_cache)
    except QcError as error:
        ran.diagnostics += error.diagnostics
    ran.seconds = time.perf_counter() - start
    return ran


def _run(ran: Ran, connect: Connect, fail_under: float, no_cache: bool) -> None:
    from qc_compiler.analyse import analyse
    from qc_compiler.pipeline import read_and_compile
    from qc_dsl.reader import read_source
    from qc_runtime.workbench.case_files import with_test_files

    rulebook, program = read_and_compile(read_source(ran.rulebook))
    ran.diagnostics = analyse(program, rulebook)
    if ran.code:
        return
    program = with_test_files(rulebook, program)
    if program.tests:
        ran.tests = check_tests(program, ran.rulebook, connect, no_cache)
        ran.reasons = reasons(program, ran.rulebook, ran.tests)
    ran.coverage = cover(program, ran.rulebook)
    ran.problems += _problems(ran, fail_under)


def _problems(ran: Ran, fail_under: float) -> Iterator[str]:
    """Why a sound rulebook fails. A test that did not run is no pass."""
    marks = [one.mark for one in ran.tests]
    if not marks:
        yield tr("规则集没有测试", "The rulebook has no tests")
    elif set(marks) <= {Mark.TODO, Mark.FIXED}:
        yield tr("测试都标为待办，等于没有测试", "Every test is marked todo: nothing is tested")
    if failed := marks.count(Mark.FAILED):
        yield tr(f"{failed} 个测试失败", f"{failed} tests failed")
    if waiting := marks.count(Mark.NOT_RUN):
        yield tr(
            f"{waiting} 个测试未运行：给测试写上“回答”，或给出模型",
            f"{waiting} tests were not run: give them answers, or give a model",
        )
    if fixed := marks.count(Mark.FIXED):
        yield tr(f"{fixed} 个待办的测试已通过", f"{fixed} tests marked todo pass")
    percent = ran.coverage.percent if ran.coverage else 0.0
    if percent < fail_under:
        yield tr(
            f"覆盖 {percent:.1f}%，低于 {fail_under:g}%",
            f"covered {percent:.1f}%, under {fail_under:g}%",
        )


def _text(ran: Ran) -> Iterator[str]:
    for diagnostic in ran.diagnostics:
        yield render(diagnostic)
    for test, reason in zip(ran.tests, ran.reasons, strict=True):
        if test.mark is not Mark.PASSED:
            yield f"{test.case.place}: {reason}"
    if ran.tests:
        yield f"{ran.rulebook}: {counted(ran.tests)}"
    if ran.coverage:
        yield f"{ran.rulebook}: {summary(ran.coverage)}"
    for problem in ran.problems:
        yield f"{ran.rulebook}: {problem}"
    yield f"{ran.rulebook}: {_verdict(ran)}"


def _verdict(ran: Ran) -> str:
    return tr("不通过", "FAILED") if ran.code else tr("通过", "passed")


def _github(ran: Ran) -> Iterator[str]:
    """Workflow commands: what GitHub Actions shows beside the line that it is about."""
    for one in ran.diagnostics:
        said = one.as_json()
        place = {"file": said.get("file", str(ran.rulebook))}
        if "line" in said:
            place |= {"line": said["line"], "endLine": said["end_line"], "col": said["column"]}
        message = "\n".join(filter(None, (said["message"], said["help"])))
        yield command(one.severity, place | {"title": one.code}, message)
    for test, reason in zip(ran.tests, ran.reasons, strict=True):
        if test.mark in (Mark.FAILED, Mark.NOT_RUN, Mark.FIXED):
            file, line, column = placed(test.case.place)
            place = {"file": file, "line": line, "col": column, "title": test.mark.value}
            yield command("error", place, reason)
    for span, gap in gaps(ran.coverage) if ran.coverage else ():
        line, column = span.source.position(span.start)
        place = {"file": span.source.path, "line": line, "col": column, "title": "coverage"}
        yield command("notice", place, gap)
    for problem in ran.problems:
        yield command("error", {"file": str(ran.rulebook)}, problem)
    tested = counted(ran.tests) if ran.tests else ""
    covered = summary(ran.coverage) if ran.coverage else ""
    parts = filter(None, (tested, covered, _verdict(ran)))
    yield f"{ran.rulebook}: {tr('；', '; ').join(parts)}"


def placed(place: str) -> tuple[str, int, int]:
    """A test's ``file:line:column``."""
    file, line, column = place.rsplit(":", 2)
    return file, int(line), int(column)


def command(kind: str, properties: dict[str, object], message: str) -> str:
    """``::error file=…,line=…::message``, escaped as the runner wants it."""
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
