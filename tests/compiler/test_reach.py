"""Rules that can never apply and conditions that are settled: what is said is certain."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qc_compiler import covering
from qc_compiler.analyse import analyse
from qc_compiler.interpret import evaluate
from qc_compiler.lower import Lowering
from qc_compiler.pipeline import read_and_compile
from qc_compiler.prompt_size import CONTEXT
from qc_compiler.satisfiable import never_false, never_true
from qc_compiler.values import read_cell
from qc_dsl import ast
from qc_dsl.source import Source
from qc_runtime.llama.settings import LlamaSettings
from qc_runtime.machine.plan import ENOUGH
from strategies import FIELDS, SCOPE, conditions, rows

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 编号}
字段:
  文: {}
  列: {类型: 列表}
  数: {类型: 数字}
  类: {类型: 类别, 值: [甲, 乙, 丙]}
  日: {类型: 日期}
  时: {类型: 时间}
  长: {从: 时, 到: 离}
  离: {类型: 时间}
表:
  医嘱: {列: {药品: 文本, 量: 数字}}
"""


def found(rules: str, code: str) -> list[str]:
    """The places of a code in a rulebook of these rules."""
    rulebook, program = read_and_compile(Source("test", f"{HEAD}规则:\n{rules}其余: 缺陷\n"))
    return [d.span.text for d in analyse(program, rulebook) if d.code == code and d.span]


SETTLED = [
    ("数 大于 5 且 数 小于 3", "数 大于 5 且 数 小于 3"),
    ("数 大于 5 或 数 不大于 5", "数 大于 5 或 数 不大于 5"),
    ("文 为 “甲” 且 文 为 “乙”", "文 为 “甲” 且 文 为 “乙”"),
    ("文 为 “甲” 且 文 不包含 “甲”", "文 为 “甲” 且 文 不包含 “甲”"),
    ("文 包含 “甲乙” 且 文 不包含 “乙”", "文 包含 “甲乙” 且 文 不包含 “乙”"),
    ("列 包含 “甲乙” 且 列 不包含 “乙”", "列 包含 “甲乙” 且 列 不包含 “乙”"),
    ("文 为空 且 文 包含 “甲”", "文 为空 且 文 包含 “甲”"),
    ("类 不属于 “甲”、“乙”、“丙”", "类 不属于 “甲”、“乙”、“丙”"),
    ("日 早于 “2025-01-01” 且 日 晚于 “2025-06-01”", ""),
    ("长 小于 0 天", "长 小于 0 天"),
    ("文 不为空 且 (数 大于 5 且 数 为 5)", "数 大于 5 且 数 为 5"),
    ("存在 医嘱，(量 大于 5 且 量 小于 3)", "存在 医嘱，(量 大于 5 且 量 小于 3)"),
    ("文 字数 大于 10 且 文 字数 小于 5", "文 字数 大于 10 且 文 字数 小于 5"),
    ("文 字数 大于 3 且 文 包含 “甲” 且 文 字数 不大于 3", ""),
    ("文 字数 大于 2 且 文 字数 小于 3", "文 字数 大于 2 且 文 字数 小于 3"),
    ("文 字数 小于 1", "文 字数 小于 1"),
    ("列 项数 大于 2 或 列 项数 不大于 2", "列 项数 大于 2 或 列 项数 不大于 2"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "place"), SETTLED)
def test_a_condition_that_is_settled_is_said_at_its_smallest_place(
    condition: str, place: str
) -> None:
    assert found(f"  规: 当 {condition} 即视为 合格\n", "QC307") == [place or condition]


OPEN = [
    "数 大于 3 且 数 小于 5", "数 不小于 5 且 数 不大于 5", "文 包含 “甲” 且 文 不包含 “甲乙”",
    "列 为 “甲” 且 列 为 “乙”", "文 包含 “甲” 且 文 包含 “乙”", "类 不属于 “甲”、“乙”",
    "日 不早于 “2025-01-01” 且 日 不晚于 “2025-01-01”", "文 不为空", "文 为空 或 文 为 “甲”",
    "时 不早于 “2025-01-01 08:00” 且 时 早于 “2025-01-01 08:01”", "长 小于 1 分钟",
    "存在 医嘱，量 大于 5 且 不存在 医嘱，量 大于 5", "所有 医嘱 量 大于 5", "日 为空", "时 不为空",
]  # fmt: skip


@pytest.mark.parametrize("condition", OPEN)
def test_a_condition_that_can_go_either_way_is_left_alone(condition: str) -> None:
    rule = f"  规: 当 {condition} 即视为 合格\n" if "不存在" not in condition else (
        "  规: 当 (存在 医嘱，量 大于 5) 且 (不存在 医嘱，量 大于 6) 即视为 合格\n"
    )  # fmt: skip
    assert found(rule, "QC307") == []
    assert found(rule, "QC306") == []


def test_a_rule_that_others_leave_nothing_to() -> None:
    first = "  先: {句: 当 数 大于 1 即视为 合格, 优先级: 1}\n"
    assert found(f"{first}  后: 当 数 大于 2 即视为 缺陷\n", "QC306") == ["后"]
    assert found(f"{first}  后: 当 数 大于 0 即视为 缺陷\n", "QC306") == []
    either = "  先: {句: 当 类 为 “甲” → 数 大于 1 即视为 合格，否则 缺陷, 优先级: 1}\n"
    assert found(f"{either}  后: 当 类 为 “甲” 且 数 大于 9 即视为 缺陷\n", "QC306") == ["后"]
    assert found("  一: 当 类 为 “甲” → 类 为 “乙” 即视为 合格\n", "QC306") == ["一"]
    sentence = "每条 医嘱 当 量 大于 5：须 药品 不为空，否则 缺陷 “无”"
    exempt = f"  一:\n    句: {sentence}\n    除外: {{小: 量 大于 3}}\n"
    assert found(exempt, "QC306") == ["一"]
    gate = (
        "  门: 如果 数 大于 1，直接标记为 合格\n  一: 当 数 大于 2：须 文 不为空，否则 缺陷 “无”\n"
    )
    assert found(gate, "QC306") == ["一"]


def test_a_rule_that_can_never_apply_is_named_among_very_many() -> None:
    first = [f"  先{n}: {{句: 当 文 包含 “前{n}。” 即视为 合格, 优先级: 1}}\n" for n in range(120)]
    later = [f"  后{n}: 当 文 包含 “后{n}。” 即视为 合格\n" for n in range(120)]
    last = "  末: 当 文 包含 “又前119。又” 且 数 大于 3 即视为 合格\n"
    assert found("".join((*first, *later, last)), "QC306") == ["末"]


def test_where_not_all_rules_were_compared_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "_MOST_TRIED", 0)
    first = "  先: {句: 当 数 大于 1 即视为 合格, 优先级: 1}\n"
    rules = f"{first}  后: 当 数 大于 2 即视为 合格\n"
    assert found(rules, "QC306") == []
    assert found(rules, "QC304") == ["规则"]
    assert found("  一: 当 数 大于 1 即视为 合格\n", "QC304") == []


def test_what_is_said_to_be_certain_is_true_of_every_record() -> None:
    """Random conditions and records: a condition that is never true is true of none."""

    @settings(
        max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(conditions, min_size=2, max_size=2), rows)
    def check(pair: list[ast.Condition], raw: dict[str, object]) -> None:
        both = ast.And(tuple(pair), span=pair[0].span)
        expr = Lowering(SCOPE).lower(both)
        record = {f.name: read_cell(f, raw.get(f.name)).value for f in FIELDS}  # type: ignore[arg-type]
        values = {f.name: f.values for f in FIELDS}
        truth = evaluate(expr, record)
        assert not (truth is True and never_true(expr, lambda c: values[c.name]))
        assert not (truth is False and never_false(expr, lambda c: values[c.name]))

    check()


def test_a_word_twice_in_one_list_is_said_where_it_is_the_second_time() -> None:
    terms = "词表:\n  词: [甲=乙, ' 丙', 丙, 乙=丁]\n规则:\n  一: 当 文 包含 词 即视为 合格\n"
    rulebook, program = read_and_compile(Source("test", f"{HEAD}{terms}其余: 缺陷\n"))
    said = [d for d in analyse(program, rulebook) if d.code == "QC308"]
    assert [d.span.text for d in said if d.span] == ["丙", "乙"]


def test_a_prompt_near_the_context_is_said() -> None:
    assert CONTEXT == ENOUGH <= LlamaSettings().n_ctx  # what every machine has that holds a model
    for words, wanted in ((3000, 0), (7000, 1)):
        ask = f"其余:\n  问: 是否相符？\n  看: [文]\n  准则: [{'准' * words}]\n"
        text = f"{HEAD}规则:\n  一: 当 数 大于 1 即视为 合格\n{ask}"
        rulebook, program = read_and_compile(Source("test", text))
        said = [d for d in analyse(program, rulebook) if d.code == "QC309"]
        assert len(said) == wanted


def test_a_sentence_of_very_many_conditions_is_looked_through() -> None:
    many = " 且 ".join(f"文 不包含 “甲{n}”" for n in range(1500))
    assert found(f"  多: 当 {many} 即视为 合格\n", "QC307") == []
    never = f"{many} 且 文 包含 “甲7”"
    assert found(f"  多: 当 {never} 即视为 合格\n", "QC307") == [never]
