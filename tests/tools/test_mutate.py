"""Mutants: every constant, negation and comparison once, and tests that notice them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants import Mutants
from mutate import measure
from qc_dsl.reader import parse_rulebook
from qc_dsl.source import Source

BOOK = """\
规则集: 变异
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 编号}
字段: {编号: {}, 文: {}, 数: {类型: 数字}, 时: {类型: 时间}}
表:
  医嘱: {键: 号, 时间: 起, 列: {药: 文本, 起: 时间}}
说法: {热: 文 包含 “热”}
规则:
  一: 当 热 且 非 文 包含 “无” 且 数 大于 5 即视为 缺陷
  二:
    句: 须 至少 2 条 医嘱，（药 为 “甲” 或 “乙” 且 起 在 时 后 3 天内），否则 缺陷 “少”
    除外: {空: 数 为空}
"""


def test_each_thing_is_changed_once() -> None:
    found = [(m.kind, m.text) for m in Mutants(parse_rulebook(Source("x", BOOK)), "zh")]
    assert len(set(found)) == len(found)
    one = [text for kind, text in found if text.startswith("当")]
    assert one == [
        "当 热 且 文 包含 “无” 且 数 大于 5 即视为 缺陷",
        "当 热 且 非 文 不包含 “无” 且 数 大于 5 即视为 缺陷",
        "当 热 且 非 文 包含 “无〇” 且 数 大于 5 即视为 缺陷",
        "当 热 且 非 文 包含 “无” 且 数 不小于 5 即视为 缺陷",
        "当 热 且 非 文 包含 “无” 且 数 不大于 5 即视为 缺陷",
        "当 热 且 非 文 包含 “无” 且 数 大于 6 即视为 缺陷",
        "当 热 且 非 文 包含 “无” 且 数 大于 4 即视为 缺陷",
    ]
    kinds = [kind for kind, text in found if text.startswith("须")]
    # the count ±1; either value, the whole denied; the days ±1 and the direction
    assert sorted(kinds) == ["comparison", *["constant"] * 6, "negation"]
    assert ("negation", "空: 数 不为空") in found
    assert ("negation", "文 不包含 “热”") in found


@pytest.mark.parametrize(
    ("tests", "share"),
    [
        ("", 0.0),
        ("测试: [{文: 发热, 数: '6', 医嘱: [], 应为: 缺陷, 依: 一}]\n", 0.3),
    ],
)
def test_mutants_are_noticed_by_tests_alone(tests: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    path.write_text(BOOK + tests, "utf-8")
    figures = measure(path, 60)
    assert figures.complete
    assert figures.share == pytest.approx(share, abs=0.1)
    assert (figures.equal, figures.refused) == ([], 0)
    total = figures.noticed.total() + figures.missed.total()
    assert total == len(list(Mutants(parse_rulebook(Source("x", BOOK)), "zh")))
