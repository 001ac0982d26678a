"""Every decision shows what it rests on: a cell that was compared whole is quoted."""

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
字段: {甲: {}, 乙: {}, 列: {类型: 列表, 分隔: "+"}}
词表: {器官: [胆囊, 阑尾=盲肠]}
"""
LONG = "患者于三天前行" + "甲" * 80


def quoted(condition: str, **cells: str) -> list[tuple[str, str]]:
    text = f"{HEAD}规则:\n  须: |\n    须 {condition}，否则 缺陷 “缺”\n"
    _, program = read_and_compile(Source("test", text))
    record = {f.name: read_cell(f, cells.get(f.name)).value for f in program.fields}
    return [(q.field, q.text) for q in trace_rule(program.rules[0], record, cells).quotes()]


@pytest.mark.parametrize(
    ("condition", "cells", "wanted"),
    [
        ("甲 字数 不大于 3", {"甲": "腹痛3天。"}, [("甲", "腹痛3天。")]),
        ("甲 字数 大于 100", {"甲": LONG}, [("甲", LONG[:60])]),
        ("列 项数 为 1", {"列": "胆囊切除+阑尾切除"}, [("列", "胆囊切除+阑尾切除")]),
        ("甲 属于 “急诊”、“门诊”", {"甲": "转院"}, [("甲", "转院")]),
        ("甲 不为 “转院”", {"甲": "转 院"}, [("甲", "转 院")]),
        ("甲 为 乙", {"甲": "ＬＣ", "乙": "LC"}, [("甲", "ＬＣ"), ("乙", "LC")]),
        ("甲 为 乙", {"甲": "LC", "乙": "OC"}, [("甲", "LC"), ("乙", "OC")]),
        ("甲 包含 乙", {"甲": "行ＬＣ术", "乙": "LC"}, [("甲", "ＬＣ"), ("乙", "LC")]),
        ("甲 与 乙 侧别不同", {"甲": "左膝", "乙": "右膝"}, [("甲", "左膝"), ("乙", "右膝")]),
        ("甲 与 乙 侧别不同", {"甲": LONG + "左膝", "乙": "右膝"}, [("甲", "左"), ("乙", "右膝")]),
        (
            "甲 与 乙 所述 器官 不同",
            {"甲": "胆囊切除", "乙": LONG + "盲肠"},
            [("甲", "胆囊切除"), ("乙", "盲肠")],
        ),
        ("甲 包含 “咳”", {"甲": "腹痛"}, []),  # what is not there cannot be quoted
    ],
)
def test_what_a_predicate_compared_is_quoted(
    condition: str, cells: dict[str, str], wanted: list[tuple[str, str]]
) -> None:
    assert quoted(condition, **cells) == wanted
