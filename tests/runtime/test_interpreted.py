"""Tests judged by the interpreter alone come out as in a run."""

from __future__ import annotations

from pathlib import Path

from qc_compiler.pipeline import compile_file
from qc_runtime.cache import Remembered
from qc_runtime.outcome import Outcome
from qc_runtime.workbench.interpreted import Said, outcome_of, record_of
from qc_runtime.workbench.testing import posed, run_cases

BOOK = """
规则集: 两条路
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段: {住院号: {}, 科室: {}, 主诉: {}, 年龄: {类型: 数字}}
表: {医嘱: {键: 医嘱号, 列: {药品: 文本, 停止时间: 时间}}}
问题: {写清: {问: 写清了吗？, 看: [主诉]}}
适用: {日间: 如果 科室 包含 “日间”，则 不适用}
规则:
  老人: 当 年龄 大于 90 即视为 合格
  停药: {句: "每条 医嘱：须 停止时间 不为空，否则 缺陷 “没有停”", 除外: {外用: 药品 包含 “膏”}}
  主诉: 须 写清，否则 缺陷 “主诉”
"""
CASES = (
    "{}",
    "{科室: 日间, 年龄: '1'}",
    "{科室: 内, 年龄: '95', 医嘱: []}",
    "{科室: 内, 年龄: '1', 主诉: 热, 医嘱: [], 回答: {写清: 是}}",
    "{科室: 内, 年龄: '1', 主诉: 热, 医嘱: [], 回答: {写清: 否}}",
    "{科室: 内, 年龄: '1', 主诉: 热, 医嘱: []}",
    "{科室: 内, 年龄: '1', 主诉: 热, 回答: {写清: 是}}",
    "{科室: 内, 年龄: '1', 医嘱: [{药品: 素}, {药品: 膏}, {药品: 素}]}",
    "{科室: 内, 年龄: '1', 医嘱: [{医嘱号: a, 药品: 膏}], 回答: {写清: 是}}",
)


def essence(outcome: Outcome) -> tuple[object, ...]:
    findings = tuple(sorted(finding.rule for finding in outcome.findings))
    return outcome.status, outcome.verdict, findings


def test_the_interpreter_and_a_run_agree_about_every_test(tmp_path: Path) -> None:
    tests = "".join(f"  - {case[:-1]}{',' * (case != '{}')} 应为: 合格}}\n" for case in CASES)
    (tmp_path / "book.yaml").write_text(f"{BOOK}测试:\n{tests}", "utf-8")
    program = compile_file(tmp_path / "book.yaml")
    ran = [essence(one.outcome) for one in run_cases(program, None, Remembered(), "book")]
    alone = [
        essence(outcome_of(program, record_of(one), one.given)) for one in posed(program, "book")
    ]
    assert alone == ran
    assert len(set(ran)) == 6, ran


def test_an_answer_holds_whatever_is_shown_but_not_where_something_is_missing() -> None:
    said = Said({"问": False})
    assert said.get(("问", ("甲",))) is False
    assert said.get(("问", None)) is None
    assert said.get(("别的", ("甲",))) is None
