"""What ``qc check`` found, in the formats that other tools read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from qc_dsl.codes import codes
from qc_dsl.errors import Diagnostic, render
from qc_dsl.source import Span
from qc_runtime.cli.ci import command

if TYPE_CHECKING:
    from qc_runtime.cli.check import Checked

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(checked: Sequence[Checked]) -> str:
    listed = [d.as_json() | {"rulebook": str(one.rulebook)} for one in checked for d in one.found]
    allowed = [
        item.diagnostic.as_json() | {"rulebook": str(one.rulebook), "reason": item.reason}
        for one in checked
        for item in one.allowed
    ]
    content = {
        "rulebooks": len(checked),
        "errors": sum(one.count("error") for one in checked),
        "warnings": sum(one.count("warning") for one in checked),
        "diagnostics": listed,
        "allowed": allowed,
    }
    return json.dumps(content, ensure_ascii=False, indent=2)


def as_sarif(checked: Sequence[Checked]) -> str:
    """SARIF 2.1.0. What is allowed is a result that is suppressed in its source."""
    results = [_result(d, one.rulebook) for one in checked for d in one.found]
    for one in checked:
        for item in one.allowed:
            note = {"kind": "inSource", "justification": item.reason}
            result = _result(item.diagnostic, one.rulebook)
            results.append(result | {"suppressions": [note]})
    used = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = used.index(result["ruleId"])
    driver = {
        "name": "qc",
        "version": metadata.version("qc-rulebook"),
        "rules": [_sarif_rule(code) for code in used],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    content = {"version": "2.1.0", "$schema": _SARIF, "runs": [run]}
    return json.dumps(content, ensure_ascii=False, indent=2)


_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def _sarif_rule(code: str) -> dict[str, Any]:
    doc = codes().get(code)
    return {"id": code, "shortDescription": {"text": str(doc.meaning) if doc else code}}


def _result(diagnostic: Diagnostic, rulebook: Path) -> dict[str, Any]:
    text = str(diagnostic.message)
    if diagnostic.help:
        text = f"{text}\n{diagnostic.help}"
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": text},
        "locations": [_location(diagnostic.span, rulebook)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            _location(other.span, rulebook) | {"message": {"text": str(other.message)}}
            for other in diagnostic.related
        ]
    return result


def _location(span: Span | None, rulebook: Path) -> dict[str, Any]:
    path = Path(span.source.path) if span else rulebook
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if span:
        (line, column), (end_line, end_column) = _ends(span)
        physical["region"] = {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        }
    return {"physicalLocation": physical}


def _ends(span: Span) -> tuple[tuple[int, int], tuple[int, int]]:
    return span.source.position(span.start), span.source.position(span.end)


def as_junit(checked: Sequence[Checked], *, strict: bool) -> str:
    """A suite a rulebook; a case for each thing found, or one that passes.

    Only what strict readers allow: the line is in a case's name, they know no attribute for it.
    """
    root = Xml.Element("testsuites", name="qc check")
    for one in checked:
        suite = Xml.SubElement(root, "testsuite", name=_clean(str(one.rulebook)))
        failing = [d for d in one.found if strict or d.severity == "error"]
        for diagnostic in failing:
            _failure(suite, diagnostic, one.rulebook)
        if not failing:
            Xml.SubElement(suite, "testcase", name="check", classname=_clean(str(one.rulebook)))
        passed = [d for d in one.found if d not in failing]
        if passed:
            Xml.SubElement(suite, "system-out").text = _clean("\n".join(map(render, passed)))
        suite.set("tests", str(max(1, len(failing))))
        suite.set("failures", str(len(failing)))
        suite.set("errors", "0")
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _failure(suite: Xml.Element, diagnostic: Diagnostic, rulebook: Path) -> None:
    name = f"{diagnostic.code} {diagnostic.span or diagnostic.place or rulebook}"
    case = Xml.SubElement(suite, "testcase", name=_clean(name), classname=_clean(str(rulebook)))
    failure = Xml.SubElement(case, "failure", type=diagnostic.code)
    failure.set("message", _clean(str(diagnostic.message)))
    failure.text = _clean(render(diagnostic))


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold at all."""
    return _NOT_XML.sub("\ufffd", text)


def as_github(checked: Sequence[Checked]) -> str:
    """Workflow commands, which GitHub shows at the lines that they name."""
    return "\n".join(_annotation(d, one.rulebook) for one in checked for d in one.found)


def _annotation(diagnostic: Diagnostic, rulebook: Path) -> str:
    text = f"{diagnostic.message}\n{diagnostic.help}" if diagnostic.help else diagnostic.message
    return command(diagnostic.severity, dict(_place(diagnostic, rulebook)), str(text))


def _place(diagnostic: Diagnostic, rulebook: Path) -> Iterator[tuple[str, object]]:
    span = diagnostic.span
    yield "file", span.source.path if span else str(rulebook)
    if span:
        (line, column), (end_line, end_column) = _ends(span)
        yield "line", str(line)
        yield "endLine", str(end_line)
        if line == end_line:  # columns of a place over several lines are not understood
            yield "col", str(column)
            yield "endColumn", str(end_column)
    yield "title", diagnostic.code
