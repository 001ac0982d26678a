"""Rules that another of the same level and verdict takes in: what is said is certain."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qc_compiler import covering
from qc_compiler.analyse import analyse
from qc_compiler.interpret import evaluate
from qc_compiler.lower import Lowering
from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Arm, Level
from qc_compiler.redundant import MOST_NAMED, within_others
from qc_compiler.values import read_cell
from qc_compiler.ways import Ways
from qc_dsl import ast
from qc_dsl.source import Source
from strategies import FIELDS, SCOPE, conditions, rows

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 编号}
字段:
  文: {}
  列: {类型: 列表}
  数: {类型: 数字}
  类: {类型: 类别, 值: [甲, 乙, 丙]}
  时: {类型: 时间}
表:
  医嘱: {列: {量: 数字}}
"""


def found(rules: str, section: str = "规则", code: str = "QC311") -> dict[str, list[str]]:
    """The rules that are said to be redundant, each with those that take it in."""
    text = f"{HEAD}{section}:\n{rules}"
    if section != "规则":
        text += "规则:\n  末: 当 数 为 -99 即视为 合格\n"
    rulebook, program = read_and_compile(Source("test", f"{text}其余: 缺陷\n"))
    said = [d for d in analyse(program, rulebook) if d.code == code]
    return {
        str(d.span and d.span.text): [other.span.text for other in d.related if other.span]
        for d in said
    }


WITHIN = [
    ("数 大于 80", "数 大于 60"),
    ("数 大于 60 且 文 包含 “甲”", "数 大于 60"),
    ("文 包含 “甲乙”", "文 包含 “甲” 或 “丙”"),
    ("列 包含 “甲” 和 “乙”", "列 包含 “乙”"),
    ("类 为 “甲”", "类 属于 “甲”、“乙”"),
    ("类 为 “甲”", "类 不为 “丙”"),
    ("文 为 “甲乙” → 数 大于 1", "文 包含 “乙”"),
    ("文 包含 “甲”", "文 不为空"),
    ("数 大于 60 且 文 为空", "数 大于 60 或 文 为空"),
    ("时 早于 “2025-01-02”", "时 早于 “2025-01-03”"),
]


@pytest.mark.parametrize(("inner", "outer"), WITHIN)
def test_a_rule_within_another_is_said_wherever_it_stands(inner: str, outer: str) -> None:
    one, other = f"  内: 当 {inner} 即视为 合格\n", f"  外: 当 {outer} 即视为 合格\n"
    assert found(one + other) == {"内": ["外"]}
    assert found(other + one) == {"内": ["外"]}
    assert found(one.replace("合格", "缺陷") + other) == {}, "the verdicts differ"


APART = [
    ("数 大于 60", "数 小于 80"),
    ("文 包含 “甲”", "文 包含 “甲乙” 或 数 大于 1"),
    ("文 包含 “甲”", "文 包含 “乙”"),
    ("类 为 “甲” 或 “乙”", "类 为 “乙” 或 “丙”"),
    ("列 为 “甲”", "列 不为 “乙”"),
    ("数 为空", "数 大于 60"),  # which is unknown then, not true
    ("数 为空 或 文 包含 “甲”", "数 大于 60 或 文 包含 “甲”"),
    ("存在 医嘱，量 大于 9", "存在 医嘱，量 大于 5"),  # true, but rows are not gone into
    ("时 早于 “2025-01-02”", "时 早于 “2025-01-04” 或 时 晚于 “2025-01-03”"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_rules_that_meet_in_a_part_are_left_alone(one: str, other: str) -> None:
    assert found(f"  一: 当 {one} 即视为 合格\n  二: 当 {other} 即视为 合格\n") == {}


def test_of_rules_that_are_alike_the_first_is_left() -> None:
    alike = "".join(f"  {name}: 当 数 大于 1 即视为 合格\n" for name in "一二三")
    assert found(alike) == {"二": ["一"], "三": ["一"]}
    rows = "".join(f"  {name}: 当 存在 医嘱，量 大于 1 即视为 合格\n" for name in "一二")
    assert found(rows) == {"二": ["一"]}
    wider = f"{alike}  四: 当 数 大于 0 即视为 合格\n"
    assert set(found(wider)) == {"一", "二", "三"}


def test_a_rule_of_two_verdicts_is_within_others_only_with_both() -> None:
    both = "  两: 当 类 为 “甲” → 数 大于 1 即视为 合格，否则 缺陷\n"
    more = "  多: 当 类 为 “甲” 且 数 大于 0 即视为 合格\n"
    less = "  少: 当 数 不大于 1 即视为 缺陷\n"
    assert found(f"{both}{more}") == {}
    assert found(f"{both}{more}{less}") == {"两": ["多", "少"]}


def test_only_rules_of_one_level_are_held_against_each_other() -> None:
    first = "  先: {句: 当 数 大于 1 即视为 合格, 优先级: 1}\n"
    assert found(f"{first}  后: 当 数 大于 2 即视为 合格\n") == {}, "it can never apply: QC306"
    assert found(f"{first}  后: 当 数 大于 0 即视为 合格\n") == {}
    gates = "  一: 如果 数 大于 1 则 不适用\n  二: 如果 数 大于 2 则 不适用\n"
    assert found(gates, "适用") == {"二": ["一"]}


def test_what_can_never_hold_is_not_said_twice() -> None:
    never = "  空: 当 数 大于 5 且 数 小于 3 即视为 合格\n"
    assert found(f"{never}  一: 当 数 大于 1 即视为 合格\n") == {}


def test_it_is_allowed_with_a_reason() -> None:
    rules = "  一: 当 数 大于 1 即视为 合格\n  二: 当 数 大于 2 即视为 合格"
    assert found(f"{rules}   # qc: 允许 QC311 分开计数\n") == {}


def test_a_rule_said_to_be_within_another_is_so_for_every_record() -> None:
    """Random conditions and records: where the inner one is true, one of the outer ones is."""
    hits = 0

    @settings(
        max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(conditions, min_size=2, max_size=4), st.lists(rows, max_size=5))
    def check(drawn: list[ast.Condition], records: list[dict[str, object]]) -> None:
        nonlocal hits
        pair = ast.And((drawn[0], drawn[1]), span=drawn[0].span)  # within the first two
        arms = [Arm(n, Lowering(SCOPE).lower(c), 0) for n, c in enumerate([pair, *drawn])]
        values = {field.name: field.values for field in FIELDS}
        said = within_others(Level("rules", 0, tuple(arms)), Ways(lambda c: values[c.name])).others
        hits += bool(said)
        for raw in records:
            of = {f.name: read_cell(f, raw.get(f.name)).value for f in FIELDS}  # type: ignore[arg-type]
            for inner, others in said.items():
                if evaluate(arms[inner].expr, of) is True:
                    assert any(evaluate(arms[other].expr, of) is True for other in others)

    check()
    assert hits > 100


def test_of_very_many_redundant_rules_some_are_named_and_that_is_said() -> None:
    rules = "".join(f"  规则{n}: 当 文 包含 “甲{n}” 即视为 合格\n" for n in range(100))
    text = f"{HEAD}规则:\n  全部: 当 文 包含 “甲” 即视为 合格\n{rules}其余: 缺陷\n"
    rulebook, program = read_and_compile(Source("test", text))
    said = [d for d in analyse(program, rulebook) if d.code in {"QC304", "QC311"}]
    assert [d.code for d in said] == ["QC311"] * MOST_NAMED + ["QC304"]
    assert "100" in said[-1].message.zh


def test_where_not_all_were_compared_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "_MOST_TRIED", 0)
    rules = "  一: 当 数 大于 1 即视为 合格\n  二: 当 数 大于 2 即视为 合格\n"
    assert found(rules) == {}
    assert found(rules, code="QC304") == {"规则": []}
