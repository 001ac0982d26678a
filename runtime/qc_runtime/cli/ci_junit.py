"""A JUnit report: what build servers read. A suite a rulebook; its check and each test a case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from qc_dsl.errors import render
from qc_runtime.cli.cases import Checked, Mark
from qc_runtime.report.atomic import atomic_path

if TYPE_CHECKING:
    from qc_runtime.cli.ci import Ran

# What XML 1.0 cannot hold at all
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, found: Sequence[Ran]) -> None:
    """Write the report, whole or not at all. Raises `QcError`."""
    root = Xml.Element("testsuites", name="qc")
    for ran in found:
        root.append(_suite(ran))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    with atomic_path(path) as part:
        Xml.ElementTree(root).write(part, encoding="utf-8", xml_declaration=True)


def _suite(ran: Ran) -> Xml.Element:
    cases = list(_cases(ran))
    suite = Xml.Element("testsuite", name=_clean(str(ran.rulebook)), time=f"{ran.seconds:.3f}")
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)
    return suite


def _cases(ran: Ran) -> Iterator[Xml.Element]:
    errors = [one for one in ran.diagnostics if one.severity == "error"]
    check = _case(ran, "check")
    if errors:
        _why(check, "error", errors[0].code, "\n".join(map(render, errors)))
    yield check
    if errors:
        return
    for one, reason in zip(ran.tests, ran.reasons, strict=True):
        yield _test(ran, one, reason)
    rulebook = _case(ran, "tests and coverage")
    if ran.problems:
        _why(rulebook, "failure", "rulebook", "\n".join(ran.problems))
    yield rulebook


def _test(ran: Ran, one: Checked, reason: str) -> Xml.Element:
    case = _case(ran, one.case.place)
    if one.mark is Mark.TODO:
        Xml.SubElement(case, "skipped", message=_clean(reason))
    elif one.mark is not Mark.PASSED:
        _why(case, "failure", one.mark.value, reason)
    return case


def _case(ran: Ran, name: str) -> Xml.Element:
    return Xml.Element("testcase", classname=_clean(ran.rulebook.stem), name=_clean(name))


def _why(case: Xml.Element, tag: str, kind: str, text: str) -> None:
    element = Xml.SubElement(case, tag, type=kind, message=_clean(text.split("\n", 1)[0]))
    element.text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
