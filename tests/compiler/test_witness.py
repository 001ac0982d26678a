"""Records made up for conditions of every kind: a contradiction is shown by one that hits both."""

from __future__ import annotations

import pytest
import re2

from qc_compiler.analyse import analyse, contradictions
from qc_compiler.interpret import evaluate
from qc_compiler.pipeline import read_and_compile
from qc_compiler.witness_values import sample
from qc_dsl.errors import Diagnostic
from qc_dsl.source import Source

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 编号}
字段:
  文: {}
  另: {}
  列: {类型: 列表}
  数: {类型: 数字}
  他数: {类型: 数字}
  入: {类型: 时间}
  出: {类型: 时间}
  日: {类型: 日期}
  住: {从: 入, 到: 出}
表:
  医嘱: {时间: 开始, 列: {开始: 时间, 药: 文本, 量: 数字}}
  病程: {时间: 记录, 列: {记录: 时间, 内容: 文本}}
词表: {药名: [莫西沙星=拜复乐, 头孢], 骨名: [尺骨, 桡骨]}
"""


def conflicts(one: str, other: str) -> list[Diagnostic]:
    """What is said of two rules that would give different verdicts, each example held to them."""
    rules = f"  甲: 当 {one} 即视为 合格\n  乙: 当 {other} 即视为 缺陷\n"
    rulebook, program = read_and_compile(Source("test", f"{HEAD}规则:\n{rules}其余: 合格\n"))
    for a, b, record in contradictions(program):
        assert evaluate(a.expr, record) is True
        assert evaluate(b.expr, record) is True
    return [one for one in analyse(program, rulebook) if one.code == "QC301"]


HOLD = [
    "文 字数 大于 10",
    "文 字数 小于 3",
    "列 项数 为 4",
    "出 在 入 后 2 小时内",
    "出 不在 入 后 3 天内",
    "出 在 入 后 3 自然日内",
    "出 在 “2025-03-01” 前 2 周内",
    "入 与 出 间隔 大于 72 小时",
    "入 与 出 同一天",
    "入 早于 出",
    "日 晚于 出",
    "住 大于 30 天",
    "数 大于 他数",
    "文 为 另",
    "文 包含 另",
    "文 匹配正则 “^(左|右)侧[甲乙]{2}\\d+$”",
    "文 字面提及 药名",
    "文 字面提及 另 所属 药名",
    "文 与 另 侧别不同",
    "文 与 另 所述 骨名 不同",
    "存在 医嘱，药 包含 “头孢” 且 量 大于 5",
    "至少 3 条 医嘱，量 大于 5",
    "医嘱 的数量 大于 2",
    "不存在 医嘱，药 包含 “头孢”",
    "所有 医嘱 药 包含 “头孢”",
    "存在 医嘱，量 大于 2 且 存在 病程，记录 在 医嘱.开始 后 3 天内 且 内容 包含 医嘱.药",
    "存在 医嘱，量 大于 2 且 不存在 病程，记录 在 医嘱.开始 后 3 天内",
    "最近一条 病程 (内容 包含 “查房”) 满足 记录 在 入 后 72 小时内",
    "非 最近一条 病程 满足 内容 包含 “查房”",
    "存在 医嘱，(存在 另一条 医嘱，药 不为空)",
]


@pytest.mark.parametrize("condition", HOLD)
def test_a_record_is_found_for_every_kind_of_condition(condition: str) -> None:
    (conflict,) = conflicts(condition, "文 不包含 “哪里也没有”")
    assert conflict.help is not None


def test_rows_of_two_rules_are_told_apart_and_shown() -> None:
    (conflict,) = conflicts("存在 医嘱，药 为 “甲”", "存在 医嘱，药 为 “乙” 且 量 大于 3")
    assert conflict.help is not None
    assert "医嘱=[{药=“甲”，量=1}，{药=“乙”，量=4}]" in conflict.help.zh
    assert "医嘱=[{药=“甲”, 量=1}, {药=“乙”, 量=4}]" in conflict.help.en
    assert "(合格, 缺陷)" in conflict.message.en


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("住 大于 30 天", "出 在 入 后 2 天内"),
        ("存在 医嘱，量 大于 5", "所有 医嘱 量 小于 3"),
        ("至少 2 条 医嘱", "至多 一条 医嘱"),
        ("文 匹配正则 “^甲$”", "文 字数 大于 1"),
        ("入 早于 出", "出 早于 入"),
    ],
)
def test_what_no_record_can_be_is_not_made_up(one: str, other: str) -> None:
    assert conflicts(one, other) == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(左|右)侧", "^PCI$", r"(?:\d+|[一二])[余多]?个?(?:分钟|小时)(?:前|之前)|x",
        r"\d{4}-\d{2}",
        "[^a]b+c*", "(a(b|c)|d)e|f", r"甲\.乙", "(?:甲(?:乙|丙(?:丁|戊))|己)庚",
    ],
)  # fmt: skip
def test_everyday_patterns_match_the_text_made_for_them(pattern: str) -> None:
    assert re2.search(pattern, sample(pattern)), sample(pattern)
