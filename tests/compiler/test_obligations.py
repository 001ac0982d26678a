"""Sentences about related tables, compiled: what they mean, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qc_compiler import ir
from qc_compiler.analyse import analyse
from qc_compiler.emit import EMITTERS
from qc_compiler.interpret import bind
from qc_compiler.layout import Planned, plan
from qc_compiler.obligations import State, judge_row, rows
from qc_compiler.pipeline import compile_file, read_and_compile
from qc_compiler.program import Program
from qc_compiler.prompts import prompt
from qc_compiler.trace import trace_rule
from qc_compiler.values import ANSWERS, ROW, RowsOf, read_cell
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.source import Source

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段:
  全文: {}
  主诉: {取自: 全文, 标题: 主诉}
  现病史: {取自: 全文, 标题: 现病史}
  病程长: {类型: 时长}
  入院时间: {类型: 时间}
  年龄: {类型: 数字}
表:
  医嘱:
    键: 医嘱号
    时间: 开始时间
    列: {开始时间: 时间, 药品: 文本, 内容: 文本, 状态: {类型: 类别, 值: [已执行, 未执行]}}
  病程: {时间: 记录时间, 列: {记录时间: 时间, 内容: 文本}}
  检验: {列: {项目: 文本, 值: 数字}}
词表:
  抗菌药物: [莫西沙星=拜复乐, 头孢曲松]
说法:
  用抗菌药: 药品 包含 抗菌药物
"""


def compiled(rest: str) -> Program:
    return read_and_compile(Source("test", f"{HEAD}{rest}"))[1]


def one_rule(sentence: str, more: str = "") -> Program:
    return compiled(f"规则:\n  甲: |\n    {sentence}\n{more}")


def case(program: Program, cells: dict[str, Any], **tables: list[dict[str, str]]) -> dict[Any, Any]:
    """A record of the case's cells, and of the rows of the tables that were extracted."""
    record: dict[Any, Any] = {f.name: read_cell(f, cells.get(f.name)).value for f in program.fields}
    for name, written in tables.items():
        columns = program.table(name).columns
        record[RowsOf(name)] = tuple(
            {ROW: at} | {f.name: read_cell(f, row.get(f.name)).value for f in columns}
            for at, row in enumerate(written)
        )
    return record


def states(program: Program, record: dict[Any, Any]) -> list[str]:
    """The state of every row of the first obligation."""
    duty = program.obligations[0]
    return [str(judge_row(duty, row).state) for row in rows(duty, record)]


REFLECTED = (
    "每条 医嘱 当 用抗菌药 且 状态 为 “已执行”：须 存在 病程，记录时间 在 医嘱.开始时间 后 3 天内 "
    "且 内容 提及 医嘱.药品 所属 抗菌药物，否则 缺陷 “{医嘱.开始时间} {药品}” 扣 2 分"
)
ORDER = {"药品": "盐酸莫西沙星片", "状态": "已执行", "开始时间": "2025-01-01 08:00"}


def test_an_order_is_reflected_in_a_note_within_three_days() -> None:
    program = one_rule(REFLECTED)

    def state(*notes: tuple[str, str]) -> str:
        found = [{"记录时间": at, "内容": text} for at, text in notes]
        return states(program, case(program, {}, 医嘱=[ORDER], 病程=found))[0]

    assert state(("2025-01-03", "予拜复乐抗感染")) == "met"
    assert state(("2025-01-04 08:00", "予拜复乐抗感染")) == "met"
    assert state(("2025-01-04 08:01", "予拜复乐抗感染")) == "violated"
    assert state() == "violated"
    assert state(("2025-01-04", "予拜复乐抗感染")) == "open", "a day in which the window ends"
    assert state(("2025-01-02", "继续抗感染")) == "open", "the model is asked"
    assert state(("2025-01-02", "")) == "open", "nothing written: data is missing"


def test_only_orders_in_scope_count_and_a_table_not_extracted_is_unknown() -> None:
    program = one_rule(REFLECTED)
    other = ORDER | {"药品": "阿司匹林"}
    undone = ORDER | {"状态": "未执行"}
    unsaid = ORDER | {"状态": ""}
    orders = [other, undone, unsaid, ORDER]
    assert states(program, case(program, {}, 医嘱=orders, 病程=[])) == [
        "exempt", "exempt", "open", "violated",
    ]  # fmt: skip
    assert states(program, case(program, {}, 医嘱=orders))[3] == "open"
    assert states(program, case(program, {}, 病程=[])) == []


def test_what_is_asked_about_a_row_says_where_it_stands() -> None:
    program = one_rule(REFLECTED)
    notes = [{"记录时间": "2025-01-09", "内容": "晚"}, {"记录时间": "2025-01-02", "内容": "抗感染"}]
    record = case(program, {}, 医嘱=[ORDER], 病程=notes)
    (row,) = rows(program.obligations[0], record)
    (atom,) = judge_row(program.obligations[0], row).atoms(row)
    assert atom.key == ("提及(内容,医嘱.药品)", ("抗感染", "盐酸莫西沙星片"))
    assert atom.rows == (("病程", 1), ("医嘱", 0))
    for answer, state in ((True, State.MET), (False, State.VIOLATED)):
        answered = {**row, ANSWERS: {atom.key: answer}}
        assert judge_row(program.obligations[0], answered).state is state


def test_an_exception_exempts_under_its_label() -> None:
    sentence = "每条 医嘱：须 存在 病程，否则 缺陷 “无”"
    program = compiled(f"规则:\n  甲:\n    句: {sentence}\n    除外: {{急: 药品 为 “急”}}\n")
    duty = program.obligations[0]
    orders = [{"药品": "急"}, {"药品": "缓"}, {}]
    record = case(program, {}, 医嘱=orders, 病程=[])
    found = [judge_row(duty, row) for row in rows(duty, record)]
    assert [(str(f.state), f.label) for f in found] == [
        ("exempt", "急"), ("violated", None), ("open", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "values", "wanted"),
    [
        ("存在 检验，值 大于 5", ["6", "1"], "met"),
        ("存在 检验，值 大于 5", ["1"], "violated"),
        ("存在 检验，值 大于 5", ["1", ""], "open"),
        ("不存在 检验，值 大于 5", ["1", ""], "open"),
        ("不存在 检验，值 大于 5", [], "met"),
        ("至少 2 条 检验，值 大于 5", ["6", "7", ""], "met"),
        ("至少 2 条 检验，值 大于 5", ["6", ""], "open"),
        ("至多 1 条 检验，值 大于 5", ["6", "7"], "violated"),
        ("恰好 1 条 检验，值 大于 5", ["6", "1"], "met"),
        ("恰好 1 条 检验，值 大于 5", ["6", ""], "open"),
        ("所有 检验 (值 大于 5)", ["6", "7"], "met"),
        ("所有 检验 (值 大于 5)", ["6", "", "1"], "violated"),
        ("所有 检验 (值 大于 5)", [], "open"),
        ("所有(可无) 检验 (值 大于 5)", [], "met"),
        ("检验 的数量 大于 1", ["1", "1"], "met"),
        ("检验 的数量 小于 2", ["1", "1"], "violated"),
        ("检验 的数量 为 0", [], "met"),
    ],
)
def test_quantifiers(sentence: str, values: list[str], wanted: str) -> None:
    program = one_rule(f"须 {sentence}，否则 缺陷 “不行”")
    assert states(program, case(program, {}, 检验=[{"值": v} for v in values])) == [wanted]


def test_the_latest_row_is_the_one_that_must_hold() -> None:
    program = one_rule("须 最近一条 病程 满足 (内容 包含 “出院”)，否则 缺陷 “不行”")

    def state(*notes: tuple[str, str]) -> str:
        found = [{"记录时间": at, "内容": text} for at, text in notes]
        return states(program, case(program, {}, 病程=found))[0]

    assert state(("2025-01-01", "入院"), ("2025-01-02", "今日出院")) == "met"
    assert state(("2025-01-03", "入院"), ("2025-01-02", "今日出院")) == "violated"
    assert state(("2025-01-02 08:00", "入院"), ("2025-01-02", "出院")) == "open", "which is last?"
    assert state(("", "入院"), ("2025-01-02", "出院")) == "open"
    assert state(("2025-01-02", "出院"), ("", "准予出院")) == "met", "whichever it is"
    assert state() == "violated"


def test_another_row_is_not_the_row_itself() -> None:
    program = one_rule(
        "每条 医嘱：须 不存在 另一条 医嘱，药品 为 本条.药品 且 开始时间 与 本条.开始时间 同一天，"
        "否则 缺陷 “重复 {药品}”"
    )
    again = ORDER | {"开始时间": "2025-01-01 20:00"}
    later = ORDER | {"开始时间": "2025-01-02 08:00"}
    assert states(program, case(program, {}, 医嘱=[ORDER, later])) == ["met", "met"]
    assert states(program, case(program, {}, 医嘱=[ORDER, again])) == ["violated", "violated"]


@pytest.mark.parametrize("other", ["另外的", "另一条", "other"])
def test_the_latest_other_row_is_never_the_row_itself(other: str) -> None:
    program = one_rule(
        f"每条 病程：须 非 最近一条 {other} 病程 (记录时间 不晚于 本条.记录时间) 满足 "
        "内容 为 本条.内容，否则 缺陷 “照抄”"
    )
    notes = [("2025-01-01", "甲"), ("2025-01-02", "乙"), ("2025-01-03", "乙")]
    found = [{"记录时间": at, "内容": text} for at, text in notes]
    assert states(program, case(program, {}, 病程=found)) == ["met", "met", "violated"]
    assert states(program, case(program, {}, 病程=found[:1])) == ["met"], "there is no other"


def test_a_duration_is_compared_in_its_unit() -> None:
    program = one_rule("当 病程长 大于 2 周：须 年龄 大于 1，否则 缺陷 “不行”")
    assert [states(program, case(program, {"病程长": t, "年龄": "0"})) for t in (
        "15天", "2周", "半月", "数天"
    )] == [["violated"], ["exempt"], ["violated"], ["open"]]  # fmt: skip


def test_a_message_has_its_columns() -> None:
    message = one_rule(REFLECTED).obligations[0].message
    names = [part.key for part in message if isinstance(part, ir.Column)]
    assert names == ["医嘱.开始时间", "医嘱.药品"]


# Questions

ASKED = """规则:
  甲: 须 主诉 与 现病史 不矛盾 关于 “伤因”，否则 缺陷 “一”
  乙: 须 现病史 体现 “受伤的时间”，否则 缺陷 “二”
  丙: 须 现病史 体现 “受伤的地点”，否则 缺陷 “三”
  丁: 当 主诉 提及 “摔伤”：须 现病史 体现 “受伤的时间”，否则 缺陷 “四”
"""


def test_a_question_that_comes_up_twice_is_one() -> None:
    program = compiled(ASKED)
    assert [question.id for question in program.questions] == [
        "矛盾(主诉,现病史,伤因)",
        "体现(现病史,受伤的时间)",
        "体现(现病史,受伤的地点)",
        "提及(主诉,摔伤)",
    ]
    assert all(question.truths == (True, False) for question in program.questions)


def laid_out(names: list[str], record: str, records: int) -> list[Planned]:
    """The plan for these questions put to so many records of this text."""
    program = compiled(ASKED)
    shown = [{"现病史": f"{record}{number}"} for number in range(records)]
    return list(plan([(program.question(name), one) for name in names for one in shown], "zh"))


def test_many_questions_to_long_texts_share_the_text() -> None:
    [both] = laid_out(
        ["体现(现病史,受伤的时间)", "体现(现病史,受伤的地点)"], "走路时摔倒。" * 200, 5
    )
    assert (both.layout, both.records, both.asked) == ("record_first", 5, 10)
    assert both.record_first < 0.6 * both.question_first
    program, shown = compiled(ASKED), {"现病史": "走路时摔倒"}
    prompts = [prompt(program.question(name), shown, both.layout, "zh") for name in both.questions]
    (first, one), (second, other) = prompts
    assert first == second
    assert "走路时摔倒" in first
    assert "受伤的时间" in one
    assert "受伤的地点" in other


def test_questions_to_short_texts_or_a_single_question_go_first() -> None:
    [both] = laid_out(["体现(现病史,受伤的时间)", "体现(现病史,受伤的地点)"], "摔倒", 500)
    [alone] = laid_out(["体现(现病史,受伤的时间)"], "走路时摔倒。" * 200, 5)
    assert both.layout == alone.layout == "question_first"
    assert both.cost == both.question_first < both.record_first


@given(st.integers(1, 40), st.integers(1, 400), st.integers(1, 2))
def test_the_layout_never_costs_more_than_a_quarter_over_the_best(
    records: int, length: int, questions: int
) -> None:
    names = ["体现(现病史,受伤的时间)", "体现(现病史,受伤的地点)"][:questions]
    [group] = laid_out(names, "摔" * length, records)
    assert group.cost <= 1.25 * min(group.question_first, group.record_first)


def test_tests_answer_questions_by_name() -> None:
    more = "测试:\n  - {应为: 缺陷, 回答: {%s: 是}}\n"
    for name in ("矛盾(主诉,现病史,伤因)", "矛盾（主诉、现病史、伤因）", "矛盾"):
        program = compiled(ASKED + more % f'"{name}"')
        assert program.tests[0].answers == (("矛盾(主诉,现病史,伤因)", "是"),)
    assert complaint(ASKED + more % "体现").code == "QC220", "there are two"
    assert complaint(ASKED + more % "矛頓").code == "QC220"
    assert complaint(ASKED + (more % "矛盾").replace("是", "也许")).code == "QC220"


# What is wrong


def complaint(rest: str) -> Diagnostic:
    with pytest.raises(QcError) as caught:
        compiled(rest)
    assert len(caught.value.diagnostics) == 1, caught.value
    return caught.value.diagnostics[0]


@pytest.mark.parametrize(
    ("sentence", "code", "at"),
    [
        ("须 药品 为 “甲”，否则 缺陷 “一”", "QC115", "药品"),
        ("须 医嘱.药品 为 “甲”，否则 缺陷 “一”", "QC115", "医嘱.药品"),
        ("须 用抗菌药，否则 缺陷 “一”", "QC115", "药品"),
        ("每条 病程：须 医嘱.药品 为 “甲”，否则 缺陷 “一”", "QC115", "医嘱.药品"),
        ("须 存在 另一条 医嘱，否则 缺陷 “一”", "QC217", "医嘱"),
        ("须 首条 另外的 医嘱 满足 (药品 为空)，否则 缺陷 “一”", "QC217", "医嘱"),
        ("须 最近一条 检验 满足 (值 大于 1)，否则 缺陷 “一”", "QC214", "检验"),
        ("每条 医嘱：须 药品 在 入院时间 后 3 天内，否则 缺陷 “一”", "QC201", "药品"),
        ("每条 医嘱：须 开始时间 在 年龄 后 3 天内，否则 缺陷 “一”", "QC201", "年龄"),
        ("须 病程长 大于 3，否则 缺陷 “一”", "QC213", "3"),
        ("须 年龄 大于 3 天，否则 缺陷 “一”", "QC213", "3 天"),
        ("须 年龄 字数 大于 3，否则 缺陷 “一”", "QC201", "年龄"),
        ("须 主诉 项数 大于 3，否则 缺陷 “一”", "QC201", "主诉"),
        ("须 年龄 提及 “甲”，否则 缺陷 “一”", "QC201", "年龄"),
        ("每条 医嘱：须 药品 为 “甲”，否则 缺陷 “用 {药名}”", "QC117", "药名"),
        ("每条 医嘱：须 药品 为 “甲”，否则 缺陷 “用 {药品}{ 医嘱.内客 }”", "QC117", " 医嘱.内客 "),
        ("须 年龄 大于 1，否则 缺陷 “用 {药品}”", "QC115", "药品"),
        ("每条 医嘱：须 状态 为 “做了”，否则 缺陷 “一”", "QC203", "“做了”"),
    ],
)
def test_mistakes_at_their_place(sentence: str, code: str, at: str) -> None:
    found = complaint(f"规则:\n  甲: |\n    {sentence}\n")
    assert found.code == code
    assert found.span is not None
    assert found.span.text == at
    assert found.message.zh
    assert found.message.en


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("时间: 记录时间, 列: {记录时间: 时间", "时间: 记录时间, 列: {记录时间: 文本", "QC215"),
        ("列: {项目: 文本, 值: 数字}", "键: 值, 列: {项目: 文本, 值: 数字}", "QC215"),
        ("主诉: {取自: 全文, 标题: 主诉}", "主诉: {取自: 年龄, 标题: 主诉}", "QC216"),
        ("病程长: {类型: 时长}", "病程长: {从: 全文, 到: 入院时间}", "QC216"),
        ("年龄: {类型: 数字}", "年龄: {类型: 数字, 取自: 全文, 正则: '(岁'}", "QC204"),
        ("检验: {列: {项目: 文本, 值: 数字}}", "records: {列: {项目: 文本, 值: 数字}}", "QC219"),
        ("检验: {列: {项目: 文本, 值: 数字}}", "检验: {列: {Na: 文本, NA: 数字}}", "QC219"),
    ],
)
def test_declarations_that_make_no_sense(before: str, after: str, code: str) -> None:
    rest = "规则:\n  甲: 须 年龄 大于 1，否则 缺陷 “一”\n"
    assert before in HEAD
    with pytest.raises(QcError) as caught:
        read_and_compile(Source("test", HEAD.replace(before, after) + rest))
    assert code in {found.code for found in caught.value.diagnostics}


def test_what_is_never_used_is_named() -> None:
    rulebook, program = read_and_compile(Source("test", f"{HEAD}规则:\n  甲: |\n    {REFLECTED}\n"))
    said = {d.message.zh for d in analyse(program, rulebook) if d.code == "QC303"}
    assert "“检验”从未用到" in said
    assert "“医嘱.内容”从未用到" not in said, "病程 has a column of that name, which is used"
    assert not [d for d in analyse(program, rulebook) if d.code == "QC302"], "findings decide"


# Explanation


def test_a_quantifier_is_explained_by_its_rows() -> None:
    program = one_rule(REFLECTED)
    notes = [
        {"记录时间": "2025-01-02", "内容": "予 拜复乐 抗感染"},
        {"记录时间": "2025-01-02", "内容": "查房"},
        {"记录时间": "2025-03-02", "内容": "拜复乐"},
    ]
    record = case(program, {}, 医嘱=[ORDER], 病程=notes)
    (row,) = rows(program.obligations[0], record)
    display = bind({RowsOf("病程"): notes}, "医嘱", ORDER)
    traced = trace_rule(program.rules[0], row, display)
    must = traced.clauses[-1]
    assert must.truth is True
    assert must.rows is not None
    assert (must.rows.total, must.rows.true, must.rows.unknown) == (3, 1, 1)
    assert must.rows.deciding == (0,)
    assert [(q.field, q.text) for q in must.quotes] == [
        ("病程.记录时间", "2025-01-02"),
        ("医嘱.开始时间", "2025-01-01 08:00"),
        ("病程.内容", "拜复乐"),
    ]
    assert ("医嘱.药品", "莫西沙星") in [(q.field, q.text) for q in traced.quotes()]


def test_an_unknown_quantifier_names_what_is_missing() -> None:
    program = one_rule(REFLECTED)
    record = case(program, {}, 医嘱=[ORDER])
    (row,) = rows(program.obligations[0], record)
    assert trace_rule(program.rules[0], row, {}).missing() == ("病程",)
    record = case(program, {}, 医嘱=[ORDER], 病程=[{"记录时间": "2025-01-02"}])
    (row,) = rows(program.obligations[0], record)
    assert trace_rule(program.rules[0], row, {}).missing() == ("病程.内容",)


def test_every_stage_of_it_can_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"{HEAD}{ASKED}  戊: |\n    {REFLECTED}\n", "utf-8")
    program = compile_file(path)
    emitted = {stage: emit(program) for stage, emit in EMITTERS.items()}
    assert emitted == {stage: emit(compile_file(path)) for stage, emit in EMITTERS.items()}
    assert "-- 戊" in emitted["sql"]
    assert "[question] 提及(内容,医嘱.药品)" in emitted["prompts"]
    assert '"layer": "obligations"' in emitted["ir"]
