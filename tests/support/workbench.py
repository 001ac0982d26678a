"""A small rulebook, one with obligations, and what the tests of the workbench do with them."""

from __future__ import annotations

from pathlib import Path

from support.qc import Ran, qc

BOOK = """\
规则集: 工作台
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段:
  住院号: {列: [住院号, 病案号]}
  科室: {}
  诊断: {列: [诊断, 出院诊断]}
  年龄: {类型: 数字}
适用: {日间: 如果 科室 包含 “日间”，则 不适用}
规则:
  肺炎: 当 诊断 包含 “肺炎” → 年龄 大于 60 即视为 缺陷
其余: 合格
"""
DUTY = """\
规则集: 义务
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 住院号}
字段: {住院号: {}, 主诉: {}}
表:
  医嘱: {键: 医嘱号, 列: {药品: 文本, 停止时间: 时间}}
问题: {写清: {问: 写清了吗？, 看: [主诉]}}
规则:
  停药:
    句: "每条 医嘱 当 药品 包含 “素”：须 停止时间 不为空，否则 缺陷 “{药品} 没有停”"
    除外: {外用: 药品 包含 “膏”}
  主诉: 须 主诉 字数 大于 2 且 写清，否则 缺陷 “主诉”
测试:
  - 主诉: 发热3天
    医嘱: [{医嘱号: a, 药品: 青霉素, 停止时间: 2025-01-01}]
    回答: {写清: 是}
    应为: 合格
"""
# Tests to be, without their closing brace.
OLD, YOUNG = "{科室: 内科, 诊断: 肺炎, 年龄: '70'", "{科室: 内科, 诊断: 肺炎, 年龄: '30'"


def write(name: str, text: str) -> Path:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, "utf-8")
    return Path(name)


def run(*args: object) -> Ran:
    return qc(*args, "--no-model")


def with_tests(*tests: str, book: str = BOOK) -> Path:
    return write("book.yaml", book + "测试:\n" + "".join(f"  - {one}\n" for one in tests))
