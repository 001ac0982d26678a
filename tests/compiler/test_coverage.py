"""Coverage counts a clause where its truth could matter, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from qc_compiler.coverage import Coverage, Node
from qc_compiler.pipeline import read_and_compile
from qc_compiler.values import Record, RowsOf
from qc_dsl.printer import print_condition
from qc_dsl.source import Source

BOOK = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 编号}
字段: {编号: {}, 文: {}, 数: {类型: 数字}}
表:
  医嘱: {键: 号, 时间: 时, 列: {药: 文本, 量: 数字, 时: 时间}}
说法: {大量: 量 大于 9}
"""


def seen(rules: str, *records: Record) -> dict[str, tuple[int, int, int]]:
    """True, false and unknown of every clause that has points, by its text."""
    found = coverage(rules, *records)
    nodes = [node for one in found.sentences() for node in one.nodes() if node.points]
    return {print_condition(node.condition): _counts(node) for node in nodes}


def coverage(rules: str, *records: Record) -> Coverage:
    _, program = read_and_compile(Source("test", f"{BOOK}{rules}其余: 合格\n"))
    found = Coverage(program)
    for record in records:
        found.see({"编号": "1", "文": None, "数": None} | dict(record))
    return found


def _counts(node: Node) -> tuple[int, int, int]:
    return node.counts[True], node.counts[False], node.counts[None]


def rows(*given: Mapping[str, object]) -> Record:
    blank = {"药": None, "量": None, "时": None, "号": None}
    return {RowsOf("医嘱"): tuple({**blank, **row} for row in given)}


def test_a_rule_counts_until_a_level_before_it_has_decided() -> None:
    book = "适用: {门: 如果 文 包含 “门”，则 不适用}\n规则: {一: 当 数 大于 5 即视为 缺陷}\n"
    found = seen(book, {"文": "门", "数": 9.0}, {"文": "无", "数": 9.0}, {"文": "无"})
    assert found == {"文 包含 “门”": (1, 2, 0), "数 大于 5": (1, 0, 1)}


def test_a_condition_counts_where_its_scope_holds() -> None:
    book = "规则: {一: 当 文 包含 “甲” → 数 大于 5 即视为 缺陷}\n"
    found = seen(book, {"文": "甲", "数": 1.0}, {"文": "乙", "数": 9.0}, {"数": 9.0})
    assert found == {"文 包含 “甲”": (1, 1, 1), "数 大于 5": (0, 1, 0)}


def test_what_is_demanded_counts_for_rows_in_scope_that_nothing_exempts() -> None:
    book = """规则:
  一: {句: "每条 医嘱 当 药 包含 “素”：须 大量，否则 缺陷 “无”", 除外: {膏: 药 包含 “膏”}}
"""
    found = seen(
        book, rows({"药": "素", "量": 10.0}, {"药": "素膏", "量": 1.0}, {"药": "糖", "量": 1.0})
    )
    assert found == {
        "药 包含 “素”": (2, 1, 0),
        "药 包含 “膏”": (1, 1, 0),
        "大量": (1, 0, 0),
        "量 大于 9": (1, 0, 0),
    }


def test_conditions_about_rows_count_once_a_row_whatever_the_quantifier() -> None:
    many = rows({"药": "甲", "量": 1.0}, {"药": "乙"}, {"药": "甲", "量": 20.0})
    for words, inner in (
        ("存在 医嘱，药 为 “甲”", (2, 1, 0)),
        ("所有 医嘱 药 为 “甲”", (2, 1, 0)),
        ("所有(可无) 医嘱 药 为 “甲”", (2, 1, 0)),
        ("恰好 2 条 医嘱 药 为 “甲”", (2, 1, 0)),
        ("至多 1 条 医嘱 药 为 “甲”", (2, 1, 0)),
    ):
        found = seen(f"规则: {{一: 当 {words} 即视为 缺陷}}\n", many)
        assert found["药 为 “甲”"] == inner, words


def test_the_row_that_is_picked_is_the_one_its_condition_counts_for() -> None:
    from qc_compiler.values import parse_moment

    times = [parse_moment(f"2025-01-0{day} 08:00") for day in (1, 2)]
    many = rows(
        {"药": "甲", "量": 20.0, "时": times[0]},
        {"药": "甲", "量": 1.0, "时": times[1]},
        {"药": "乙"},
    )
    found = seen("规则: {一: 当 最近一条 医嘱（药 为 “甲”） 满足 大量 即视为 缺陷}\n", many)
    assert found["药 为 “甲”"] == (2, 1, 0)
    assert found["大量"] == (0, 1, 0)


def test_a_negation_has_no_points_of_its_own_and_all_add_up() -> None:
    book = "规则: {一: 当 非 文 包含 “甲” 即视为 缺陷}\n"
    found = coverage(book, {"文": "甲"}, {"文": "乙"})
    assert (found.covered, found.total, found.percent) == (3, 3, 100.0)  # and 其余 once
    assert coverage(book).percent == 0


def test_otherwise_is_reached_when_nothing_is_found() -> None:
    book = "规则: {一: 每条 医嘱 须 大量，否则 缺陷 “无”}\n"
    assert coverage(book, rows({"量": 10.0})).otherwise == 1
    assert coverage(book, rows({"量": 1.0}), rows({}), {}).otherwise == 0
