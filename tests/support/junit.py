"""JUnit reports: the structure that build servers read, at its strictest.

There is no standard. Held against here is what Jenkins' xUnit plugin validates a report with
(``junit-10.xsd``), which GitLab and the GitHub actions that show reports read too: these
elements and attributes and no others, and numbers that are those of the cases.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

_CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
    "skipped": set[str](),
    "error": set[str](),
    "failure": set[str](),
    "system-out": set[str](),
}
_REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"message"},
}
_OPTIONAL = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"time", "skipped", "timestamp", "hostname", "id", "package", "file"},
    "testcase": {"time"},
}
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
_SECONDS = re.compile(r"\d{1,3}(,\d{3})*\.\d{3}|\d+\.\d{3}")


def junit_faults(report: bytes) -> list[str]:
    """What a strict reader would say of a report; empty when it is sound."""
    root = Xml.fromstring(report)
    found = [] if root.tag == "testsuites" else [f"the root is {root.tag}"]
    found += [fault for element in root.iter() for fault in _of_element(element)]
    found += [fault for suite in root.iter("testsuite") for fault in _of_counts(suite, suite)]
    return [*found, *_of_counts(root, root)]


def _of_element(element: Xml.Element) -> list[str]:
    tag, given = element.tag, set(element.attrib)
    needed = _REQUIRED.get(tag, set())
    strange = given - needed - _OPTIONAL.get(tag, set())
    found = [f"{tag} has an attribute {name}" for name in sorted(strange)]
    found += [f"{tag} has no {name}" for name in sorted(needed - given)]
    children = [child.tag for child in element]
    found += [f"{child} in {tag}" for child in children if child not in _CHILDREN[tag]]
    if tag == "testcase" and len(children) > 1:
        found.append(f"a case ends in more than one way: {children}")
    if "time" in given and not _SECONDS.fullmatch(element.get("time", "")):
        found.append(f"time {element.get('time')}")
    return found


def _of_counts(element: Xml.Element, cases: Xml.Element) -> list[str]:
    """The numbers that an element gives against the cases in it."""
    wanted = {"tests": len(list(cases.iter("testcase")))}
    wanted |= {name: len(list(cases.iter(tag))) for name, tag in _COUNTED.items()}
    return [
        f"{element.tag} says {name}={element.get(name)} of {number}"
        for name, number in wanted.items()
        if name in element.attrib and element.get(name) != str(number)
    ]
