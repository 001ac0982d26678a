"""The fields, terms and phrases that the conformance tables speak about."""

from __future__ import annotations

from qc_compiler.ir import Expr
from qc_compiler.lower import Lowering
from qc_compiler.resolve import Scope, resolve
from qc_dsl import ast
from qc_dsl.lexicon import Lexicon
from qc_dsl.reader import parse_rulebook
from qc_dsl.sentence import parse_condition
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Scalar

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 编号}
字段:
  文: {}
  另文: {}
  类: {类型: 类别, 值: [自费, 职工]}
  列: {类型: 列表, 分隔: "+"}
  另列: {类型: 列表, 分隔: "；"}
  数: {类型: 数字}
  另数: {类型: 数字}
  日: {类型: 日期}
  另日: {类型: 日期}
  时: {类型: 时间}
  另时: {类型: 时间}
词表:
  手术词: [宫腔镜, 痔切除术]
  骨名: [尺骨, 桡骨, 髌骨=膝盖骨, 胫骨, 胫骨平台]
说法:
  有宫腔镜: 列 包含 “宫腔镜”
"""
RULEBOOK = parse_rulebook(Source("test", f"{HEAD}规则: {{甲: 当 文 为 “甲” 即视为 合格}}\n"))
SCOPE: Scope = resolve(RULEBOOK)
LEXICON = Lexicon(
    tuple(f.name for f in RULEBOOK.fields),
    tuple(t.name for t in RULEBOOK.terms),
    tuple(p.name for p in RULEBOOK.phrases),
    RULEBOOK.verdicts,
)


def scalar(text: str) -> Scalar:
    return Scalar(text, Span(Source("test", text), 0, len(text)))


def parsed(text: str) -> ast.Condition:
    return parse_condition(scalar(text), LEXICON)


def lowered(text: str) -> Expr:
    lowering = Lowering(SCOPE)
    expr = lowering.lower(parsed(text))
    assert not lowering.errors
    return expr
