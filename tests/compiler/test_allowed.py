"""Findings are allowed at their place and with a reason; mistakes are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from qc_compiler.analyse import review
from qc_compiler.pipeline import compile_file, read_and_compile
from qc_dsl.errors import QcError
from qc_dsl.source import Source

HEAD = "规则集: 测试\n结论: {通过: 合格, 不通过: 缺陷}\n病例: {主键: 编号}\n"
RULES = "规则:\n  一: 当 数 大于 3 即视为 合格\n其余: 缺陷\n"


def reviewed(fields: str, rules: str = RULES) -> tuple[list[str], list[tuple[str, str]]]:
    """The codes found, and those allowed with their reasons."""
    rulebook, program = read_and_compile(Source("test.yaml", HEAD + fields + rules))
    out = review(program, rulebook)
    return [d.code for d in out.found], [(a.diagnostic.code, a.reason) for a in out.allowed]


@pytest.mark.parametrize(
    "comment",
    [
        "  备注: {}  # qc: 允许 QC303 明年用\n",
        "  # qc: 允许 QC303 明年用\n  备注: {}\n",
        "  #qc： allow qc303: 明年用\n\n  # 别的\n  备注: {}\n",
    ],
)
def test_a_finding_is_allowed_on_its_line_or_above(comment: str) -> None:
    found = reviewed(f"字段:\n  数: {{类型: 数字}}\n{comment}")
    assert found == ([], [("QC303", "明年用")])


@pytest.mark.parametrize(
    "comment",
    [
        "  备注: {}  # qc: 允许 QC303\n",
        "  备注: {}  # qc: 允许 QC3033 明年用\n",
        "  备注: {}  # qc: 允许 QC101 明年用\n",
        "  备注: {}  # qc: 允许 QC302 明年用\n",
        "  备注: {}  # qc: 忽略 QC303\n",
        "  # qc: 允许 QC303 明年用\n  更多: {列: 数}\n  备注: {}\n",
    ],
)
def test_a_comment_without_reason_or_use_is_a_warning(comment: str) -> None:
    fields = f"字段:\n  数: {{类型: 数字}}\n{comment}"
    rules = RULES.replace("数 大于 3", "数 大于 3 且 更多 不为空") if "更多" in comment else RULES
    found, allowed = reviewed(fields, rules)
    assert sorted(found) == ["QC303", "QC310"]
    assert allowed == []


def test_what_looks_like_a_comment_within_a_text_is_none() -> None:
    rules = "规则:\n  一: |\n    须 数 大于 3，否则 缺陷 “见 # qc: 允许 QC303 无”\n"
    assert reviewed("字段:\n  数: {类型: 数字}\n", rules) == ([], [])


CONFLICT = "规则:\n  一: 当 数 大于 3 即视为 合格{}\n  二: 当 文 为空 即视为 缺陷{}\n其余: 缺陷\n"


@pytest.mark.parametrize(
    "places", [("", "  # qc: 允许 QC301 人工定"), ("  # qc: 允许 QC301 人工定", "")]
)
def test_an_allowed_contradiction_is_run(places: tuple[str, str], tmp_path: Path) -> None:
    fields = "字段:\n  数: {类型: 数字}\n  文: {}\n"
    path = tmp_path / "test.yaml"
    path.write_text(HEAD + fields + CONFLICT.format("", ""), "utf-8")
    with pytest.raises(QcError):
        compile_file(path)
    path.write_text(HEAD + fields + CONFLICT.format(*places), "utf-8")
    assert len(compile_file(path).rules) == 2
    assert reviewed(fields, CONFLICT.format(*places)) == ([], [("QC301", "人工定")])


def test_included_files_may_allow_what_one_rulebook_has_not(tmp_path: Path) -> None:
    (tmp_path / "part.qc").write_text(
        "# qc: 允许 QC307 备而不用\n二：当 数 大于 3 且 数 小于 1 即视为 合格\n"
        "三：当 数 小于 2 即视为 合格   # qc: 允许 QC307 不用\n",
        "utf-8",
    )
    path = tmp_path / "test.yaml"
    path.write_text(f"引用: part.qc\n{HEAD}字段: {{数: {{类型: 数字}}}}\n{RULES}", "utf-8")
    rulebook, program = read_and_compile(Source(str(path), path.read_text("utf-8")))
    out = review(program, rulebook)
    assert [d.code for d in out.found] == []
    assert [a.reason for a in out.allowed] == ["备而不用"]
