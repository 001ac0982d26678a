"""Contradictions in large rulebooks: found where they are, at a cost that stays small."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

import pytest

from qc_compiler import analyse as analysis
from qc_compiler.analyse import analyse
from qc_compiler.pipeline import read_and_compile
from qc_dsl.errors import Diagnostic
from qc_dsl.source import Source

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 编号}
字段: {文: {}, 列: {}, 数: {类型: 数字}}
"""


def found(rules: Iterable[str]) -> list[Diagnostic]:
    lines = "\n".join(f"  规{n}: {rule}" for n, rule in enumerate(rules))
    rulebook, program = read_and_compile(Source("test", f"{HEAD}规则:\n{lines}\n其余: 缺陷\n"))
    return [d for d in analyse(program, rulebook) if d.code != "QC303"]


def about(value: str, then: str, verdict: str) -> str:
    return f"当 文 为 {value} → 列 包含 “{then}” 即视为 {verdict}"


def test_a_finding_that_deducts_more_than_the_total_is_a_warning() -> None:
    sentence = "须 {} 不为空，否则 缺陷 “无” 扣 {} 分"
    rules = f"规则:\n  多: {sentence.format('文', 10.5)}\n  满: {sentence.format('列', 10)}\n"
    scored = f"{HEAD}评分: {{总分: 10, 甲级: 9, 乙级: 7}}\n{rules}"
    for text, wanted in ((f"{HEAD}{rules}", []), (scored, ["多"])):
        rulebook, program = read_and_compile(Source("test", text))
        said = [d for d in analyse(program, rulebook) if d.code == "QC305"]
        assert [d.span.text for d in said if d.span] == wanted
        assert all(d.severity == "warning" for d in said)


def test_one_contradiction_among_many_rules_is_found() -> None:
    rules = [about(f"“甲{n}”", "乙", ("合格", "缺陷")[n % 2]) for n in range(80)]
    assert found(rules) == []
    (conflict,) = found([*rules, about("“别的” 或 “甲7”", "乙", "合格")])
    assert conflict.code == "QC301"
    assert "“规7”" in conflict.message.zh
    assert "甲7" in (conflict.help.zh if conflict.help else "")


def test_a_rule_about_another_field_meets_them_all() -> None:
    rules = [about(f"“甲{n}”", "乙", "合格") for n in range(20)]
    conflicts = found([*rules, "当 数 大于 5 即视为 缺陷"])
    assert [d.code for d in conflicts] == ["QC301"] * 20


def test_of_very_many_contradictions_some_are_named_and_that_is_said() -> None:
    rules = [f"当 文 包含 “甲{n}” 即视为 {('合格', '缺陷')[n % 2]}" for n in range(40)]
    codes = [d.code for d in found(rules)]
    assert codes.count("QC301") == analysis._MOST_CONFLICTS
    assert codes.index("QC304") == analysis._MOST_CONFLICTS


def test_a_search_without_end_is_given_up_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "_MOST_TRIES", 0)
    rules = [f"当 文 包含 “甲” 且 数 大于 {n} 即视为 {v}" for n, v in enumerate(("合格", "缺陷"))]
    (warning,) = (d for d in found(rules) if d.code == "QC304")
    assert warning.severity == "warning"


def test_checking_a_rulebook_does_not_wait_for_what_writes_sql() -> None:
    code = "import sys, qc_compiler.pipeline, qc_compiler.analyse; print('sqlglot' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
