"""Of the words of a list that a text holds, the evidence quotes those that stand by themselves."""

from __future__ import annotations

import pytest

from qc_compiler.pipeline import read_and_compile
from qc_compiler.trace import trace_rule
from qc_compiler.values import read_cell
from qc_dsl.source import Source

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 编号}
字段: {文: {}, 列: {类型: 列表, 分隔: "+"}}
词表: {药: [头孢, 头孢呋辛, 头孢呋辛钠, 呋辛, 青霉素]}
"""


def quoted(condition: str, **cells: str) -> list[tuple[str, str]]:
    text = f"{HEAD}规则:\n  甲: |\n    当 {condition} 即视为 合格\n其余: 缺陷\n"
    _, program = read_and_compile(Source("test", text))
    record = {f.name: read_cell(f, cells.get(f.name)).value for f in program.fields}
    traced = trace_rule(program.rules[0], record, cells)
    return [(quote.field, quote.text) for quote in traced.quotes()]


@pytest.mark.parametrize(
    "condition",
    [
        "文 包含 药",
        "文 包含任一 “头孢”、“头孢呋辛”、“头孢呋辛钠”、“呋辛”、“青霉素”",
        "文 包含 “呋辛” 或 “头孢” 或 “头孢呋辛” 或 “头孢呋辛钠” 或 “青霉素”",
    ],
)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("予头孢呋辛静滴", {"头孢呋辛"}),
        ("予头孢呋辛钠静滴", {"头孢呋辛钠"}),
        ("予 头孢呋辛 静滴，停头孢", {"头孢呋辛", "头孢"}),
        ("头孢与青霉素", {"头孢", "青霉素"}),
        ("呋辛", {"呋辛"}),
    ],
)
def test_of_words_within_one_another_the_longest_is_quoted(
    condition: str, text: str, words: set[str]
) -> None:
    assert sorted(quoted(condition, 文=text)) == sorted(("文", word) for word in words)


def test_each_item_of_a_list_is_looked_at_by_itself() -> None:
    assert sorted(quoted("列 包含 药", 列="头孢呋辛+头孢")) == [("列", "头孢"), ("列", "头孢呋辛")]


def test_the_same_words_of_two_fields_are_both_quoted() -> None:
    found = quoted(
        "(文 包含任一 “头孢”、“甲”) 且 (列 包含任一 “头孢呋辛”、“乙”)", 文="头孢呋辛", 列="头孢呋辛"
    )
    assert sorted(found) == [("列", "头孢呋辛"), ("文", "头孢")]


def test_a_mention_of_a_list_quotes_the_longest_word() -> None:
    assert quoted("文 字面提及 药", 文="予头孢呋辛静滴") == [("文", "头孢呋辛")]
