"""Warnings about what a rulebook declares and never uses: its own, not a shared library's."""

from __future__ import annotations

from pathlib import Path

from qc_compiler.analyse import analyse
from qc_compiler.pipeline import read_and_compile
from qc_dsl.source import Source

MAIN = r"""
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷}
引用: [library.yaml]
病例: {主键: 住院号}
字段:
  全文: {}
  主诉: {取自: 全文, 标题: 主诉}
  家族史: {取自: 全文, 标题: 家族史}
  首句: {取自: 全文, 正则: '^(.+?)\.'}
  年龄: {类型: 数字}
表:
  病程: {时间: 记录时间, 列: {记录时间: 时间, 内容: , 小结: {取自: 内容, 标题: 小结}, 医师: }}
词表:
  自家词: [甲]
规则:
  甲: 须 存在 病程，内容 包含 主诉，否则 缺陷 “无”
"""
LIBRARY = """
字段: {身高: {类型: 数字}}
表:
  医嘱: {列: {药品: , 剂量: }}
  检验: {列: {项目: }}
词表: {外伤词: [骨折]}
说法: {成人: 年龄 不小于 18}
问题: {写清: {问: 写清了吗？, 看: [主诉]}}
"""


def never_used(folder: Path, more: str = "") -> set[str]:
    (folder / "library.yaml").write_text(LIBRARY, "utf-8")
    path = folder / "main.yaml"
    path.write_text(MAIN + more, "utf-8")
    rulebook, program = read_and_compile(Source(str(path), MAIN + more))
    found = [d for d in analyse(program, rulebook) if d.code == "QC303"]
    return {d.message.zh.split("”")[0].removeprefix("“") for d in found}


def test_a_library_offers_more_than_one_rulebook_uses(tmp_path: Path) -> None:
    own = {"首句", "自家词", "病程.医师"}
    assert never_used(tmp_path) == own
    uses = "  乙: 须 存在 医嘱，药品 为空，否则 缺陷 “无”\n"
    assert never_used(tmp_path, uses) == own, "nor of the columns of a library's table"


def test_a_field_with_a_heading_is_of_use_by_itself(tmp_path: Path) -> None:
    """It says where the sections before it end."""
    found = never_used(tmp_path)
    assert "家族史" not in found
    assert "病程.小结" not in found
    assert "首句" in found
