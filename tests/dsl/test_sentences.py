"""What the sentences of tables, windows, texts and questions mean as trees."""

from __future__ import annotations

import logging

import pytest
from lark import Lark, logger

from qc_dsl import ast
from qc_dsl.errors import QcError
from qc_dsl.message import parts
from qc_dsl.printer import print_condition, print_sentence
from qc_dsl.sentence import parse_condition, parse_sentence
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Scalar
from support.trees import LEXICON


def scalar(text: str) -> Scalar:
    return Scalar(text, Span(Source("test", text), 0, len(text)), None, tuple(range(len(text))))


def read(text: str) -> ast.Condition:
    return parse_condition(scalar(text), LEXICON)


def said(text: str) -> ast.Sentence:
    return parse_sentence(scalar(text), LEXICON)


def codes(text: str) -> list[str]:
    with pytest.raises(QcError) as raised:
        said(text)
    return [diagnostic.code for diagnostic in raised.value.diagnostics]


CANONICAL = [
    # windows
    ("记录时间 在 入院时间 后 3 天内", "记录时间 在 入院时间 后 3 天内"),
    ("记录时间在医嘱.开始时间之后三天以内", "记录时间 在 医嘱.开始时间 后 3 天内"),
    ("记录时间 在 入院时间 前 二十四小时 之内", "记录时间 在 入院时间 前 24 小时内"),
    ("记录时间 在 入院时间 前后 半小时内", "记录时间 在 入院时间 前后 0.5 小时内"),
    ("记录时间 within 2 weeks before 入院时间", "记录时间 在 入院时间 前 2 周内"),
    ("记录时间 is within 1 calendar day after 入院时间", "记录时间 在 入院时间 后 1 自然日内"),
    ("记录时间 不在 “2025-01-01” 后 3 个自然日内", "非 记录时间 在 “2025-01-01” 后 3 自然日内"),
    # rows
    ("存在医嘱", "存在 医嘱"),
    ("存在 医嘱，药品 为 “甲” 且 主诉 为空", "存在 医嘱 满足 (药品 为 “甲” 且 主诉 为空)"),
    ("存在 医嘱 满足 (药品 为 “甲”) 且 主诉 为空", "存在 医嘱 满足 (药品 为 “甲”) 且 主诉 为空"),
    ("存在 医嘱 且 主诉 为空", "存在 医嘱 且 主诉 为空"),
    ("主诉 为空 或 存在 医嘱，药品 为 “甲”", "主诉 为空 或 存在 医嘱 满足 (药品 为 “甲”)"),
    ("非 存在 医嘱，药品 为空", "非 存在 医嘱 满足 (药品 为空)"),
    (
        "存在 医嘱，药品 为空 且 不存在 病程，内容 提及 医嘱.药品 且 标题 为空",
        "存在 医嘱 满足 (药品 为空 且 不存在 病程 满足 (内容 提及 医嘱.药品 且 标题 为空))",
    ),
    ("存在 另一条 医嘱，药品 为 本条.药品", "存在 另一条 医嘱 满足 (药品 为 本条.药品)"),
    ("至少两条病程的内容提及“会诊”", "至少 2 条 病程 满足 (内容 提及 “会诊”)"),
    ("最多 3 次 医嘱", "至多 3 条 医嘱"),
    ("exactly 2 vital signs where 体温 > 38", "恰好 2 条 vital signs 满足 (体温 大于 38)"),
    ("所有（可无）病程 内容 不为空", "所有(可无) 病程 满足 (内容 不为空)"),
    ("医嘱的数量 不小于 2 条", "医嘱 的数量 不小于 2"),
    ("末条 病程（标题 包含 “查房”）满足 内容 不为空",
     "最近一条 病程 (标题 包含 “查房”) 满足 (内容 不为空)"),
    ("首条 病程，内容 不为空", "首条 病程 满足 (内容 不为空)"),
    # measures
    ("主诉的字数 > 20", "主诉 字数 大于 20"),
    ("手术记录 项数 等于 2", "手术记录 项数 为 2"),
    ("入院时间 与 出院时间 相隔 超过 三小时", "入院时间 与 出院时间 间隔 大于 3 小时"),
    ("入院时间 与 出院时间 在同一天", "入院时间 与 出院时间 同一天"),
    ("主诉时长 大于 3 个月", "主诉时长 大于 3 个月"),
    ("主诉 不为空 且 字数 小于 5", "主诉 不为空 且 主诉 字数 小于 5"),
    # texts
    ("主诉 提及任一 外伤词", "主诉 提及 外伤词"),
    ("主诉 提及 “甲” 或 “乙”", "主诉 提及任一 “甲”、“乙”"),
    ("主诉 未提及任一 “甲”、“乙”", "主诉 未提及任一 “甲”、“乙”"),
    ("内容 提到 医嘱.药品 所属 抗菌药物.特殊使用级",
     "内容 提及 医嘱.药品 所属 抗菌药物.特殊使用级"),
    ("主诉 字面未提及 “甲”", "主诉 字面未提及 “甲”"),
    # questions
    ("矛盾(主诉, 现病史、手术记录；关于 “时间”)", "主诉、现病史、手术记录 矛盾 关于 “时间”"),
    ("主诉 与 现病史 不矛盾", "主诉 与 现病史 不矛盾"),
    ("主诉 和 手术记录 是同一手术", "主诉 与 手术记录 为同一手术"),
    ("主诉、现病史 未体现 “时间”", "主诉 与 现病史 未体现 “时间”"),
    # several fields at once
    ("主诉、现病史及手术记录均不为空",
     "主诉 不为空 且 现病史 不为空 且 手术记录 不为空"),
    ("主诉 都不为空", "主诉 不为空"),
    ("主诉 与 现病史 均已填写 或 年龄 小于 1",
     "(主诉 不为空 且 现病史 不为空) 或 年龄 小于 1"),
    ("主诉 & 现病史 are all not blank and 年龄 > 3",
     "(主诉 不为空 且 现病史 不为空) 且 年龄 大于 3"),
    ("存在 医嘱，药品、内容 均不为空 且 状态 为空",
     "存在 医嘱 满足 ((药品 不为空 且 内容 不为空) 且 状态 为空)"),
    ("主诉 不为空 且 体现 “时间”", "主诉 不为空 且 主诉 体现 “时间”"),
    ("判断 “写全了”", "判断 “写全了”"),
    ("伤因写清 且 非 stated in full", "伤因写清 且 非 stated in full"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "canonical"), CANONICAL)
def test_what_is_written_is_understood_in_its_canonical_form(written: str, canonical: str) -> None:
    tree = read(written)
    assert print_condition(tree) == canonical
    assert read(print_condition(tree, "en")) == tree


SENTENCES = [
    (
        "每条医嘱当药品包含抗菌药物且状态为“已执行”：须存在病程，记录时间在医嘱.开始时间后3天内"
        "且内容提及医嘱.药品，否则缺陷“医嘱日期:{医嘱.开始时间}”扣2分",
        "每条 医嘱 当 药品 包含 抗菌药物 且 状态 为 “已执行”：须 存在 病程 满足 "
        "(记录时间 在 医嘱.开始时间 后 3 天内 且 内容 提及 医嘱.药品)，"
        "否则 缺陷 “医嘱日期:{医嘱.开始时间}” 扣 2 分",
    ),
    ("应当 主诉 不为空，否则 记缺陷：“缺” 扣除 0.5 分", "须 主诉 不为空，否则 缺陷 “缺” 扣 0.5 分"),
    ("当主诉为空须年龄大于3，否则缺陷“缺”", "当 主诉 为空：须 年龄 大于 3，否则 缺陷 “缺”"),
    (
        'every vital signs: shall 体温 > 35, otherwise defect "too cold" deduct 1 point',
        "每条 vital signs：须 体温 大于 35，否则 缺陷 “too cold” 扣 1 分",
    ),
    (
        "须 主诉、现病史和手术记录 均不为空，否则 缺陷 “缺”",
        "须 主诉 不为空 且 现病史 不为空 且 手术记录 不为空，否则 缺陷 “缺”",
    ),
    ("不得主诉为空，否则缺陷“缺”扣1分", "须 非 主诉 为空，否则 缺陷 “缺” 扣 1 分"),
    (
        "每条 医嘱：不应 存在 病程，内容 为空 且 标题 为空，否则 缺陷 “缺”",
        "每条 医嘱：须 非 存在 病程 满足 (内容 为空 且 标题 为空)，否则 缺陷 “缺”",
    ),
    (
        "不得 (主诉 为空 且 年龄 大于 3)，否则 缺陷 “缺”",
        "须 非 (主诉 为空 且 年龄 大于 3)，否则 缺陷 “缺”",
    ),
    (
        "不得 主诉 为空 或 年龄 大于 3，否则 缺陷 “缺”",
        "须 非 (主诉 为空 或 年龄 大于 3)，否则 缺陷 “缺”",
    ),
    (
        'must not 主诉 & 现病史 are all not empty, else defect "x"',
        "须 非 (主诉 不为空 且 现病史 不为空)，否则 缺陷 “x”",
    ),
    ('shall not 年龄 > 3, else defect "x"', "须 非 年龄 大于 3，否则 缺陷 “x”"),
    ("当主诉为空→年龄为空即视为合格否则缺陷", "当 主诉 为空 → 年龄 为空 即视为 合格，否则 缺陷"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "canonical"), SENTENCES)
def test_obligations_are_understood_in_their_canonical_form(written: str, canonical: str) -> None:
    assert print_sentence(said(written)) == canonical


def test_a_body_without_brackets_takes_every_and_that_follows() -> None:
    tree = read("存在 医嘱，药品 为空 且 状态 为空 且 主诉 为空")
    assert isinstance(tree, ast.Quantified)
    assert isinstance(tree.body, ast.And)
    assert len(tree.body.items) == 3


@pytest.mark.parametrize(
    "text",
    [
        "须 存在 病程，内容 为空 或 主诉 为空，否则 缺陷 “缺”",
        "须 存在 病程 (内容 为空) 且 主诉 为空，否则 缺陷 “缺”",
        "须 主诉 为空 且 存在 病程，内容 为空 或 主诉 为空，否则 缺陷 “缺”",
        "须 存在 病程，内容 为空 且 存在 医嘱 (药品 为空) 且 主诉 为空，否则 缺陷 “缺”",
    ],
)
def test_what_could_be_about_the_row_or_not_is_refused(text: str) -> None:
    assert codes(text) == ["QC103"]


def test_brackets_or_a_word_settle_what_is_about_the_row() -> None:
    for text in ("(存在 病程，内容 为空) 或 主诉 为空", "存在 病程 满足 (内容 为空) 或 主诉 为空"):
        assert isinstance(read(text), ast.Or)


def test_a_row_does_not_speak_for_the_case_nor_the_case_for_a_row() -> None:
    for text in (
        "须 主诉 不为空 且 存在 病程，包含 “甲”，否则 缺陷 “缺”",
        "须 存在 病程 满足 (内容 不为空) 且 包含 “甲”，否则 缺陷 “缺”",
        "每条 医嘱 当 药品 不为空：须 包含 “甲”，否则 缺陷 “缺”",
    ):
        assert codes(text) == ["QC108"]


def test_what_is_forbidden_by_and_without_brackets_is_refused() -> None:
    assert codes("不得 主诉 为空 且 年龄 大于 3，否则 缺陷 “缺”") == ["QC103"]
    assert codes('must not 主诉 is blank and 年龄 > 3, else defect "x"') == ["QC103"]


def test_a_negation_after_must_keeps_to_its_own_part() -> None:
    """须 非 甲 且 乙 is printed in English so that must not does not take all of it."""
    sentence = said("须 非 主诉 为空 且 年龄 大于 3，否则 缺陷 “缺”")
    assert isinstance(sentence, ast.Obligation)
    assert isinstance(sentence.condition, ast.And)
    assert "must (not 主诉 is blank and 年龄 > 3)" in print_sentence(sentence, "en")
    assert said(print_sentence(sentence, "en")) == sentence


def test_several_fields_that_must_all_be_written_do_not_speak_for_what_follows() -> None:
    assert codes("须 主诉、现病史 均不为空 且 包含 “甲”，否则 缺陷 “缺”") == ["QC108"]


def test_the_verdict_may_have_the_name_of_a_defect() -> None:
    verdict = said("当 主诉 为空 即视为 合格，否则 缺陷")
    assert isinstance(verdict, ast.Equivalence)
    assert verdict.otherwise == ast.Name("缺陷", span=verdict.span)
    assert isinstance(said("须 主诉 为空，否则 缺陷 “缺陷”"), ast.Obligation)


def test_names_keep_what_was_written() -> None:
    tree = read("存在 病程，内容 为 本条.内容 且 this.药品 为 医嘱.药品")
    assert {name.text for name in ast.names(tree)} == {
        "病程", "内容", "本条.内容", "this.药品", "医嘱.药品",
    }  # fmt: skip


def test_the_parts_of_a_message_are_its_texts_and_names_with_their_places() -> None:
    text = "须 主诉 不为空，否则 缺陷 “日期:{医嘱.开始时间}, {主诉}”"
    sentence = said(text)
    assert isinstance(sentence, ast.Obligation)
    found = parts(sentence.message)
    assert [p.text if isinstance(p, ast.Name) else p for p in found] == [
        "日期:", "医嘱.开始时间", ", ", "主诉",
    ]  # fmt: skip
    assert [p.span.text for p in found if isinstance(p, ast.Name)] == ["医嘱.开始时间", "主诉"]


def test_every_walker_sees_every_part() -> None:
    tree = read("非 (存在 医嘱 满足 (药品 为 主诉) 或 伤因写清) 且 入院时间 在 出院时间 前 1 天内")
    kinds = [type(part).__name__ for part in ast.walk(tree)]
    assert kinds == ["And", "Not", "Or", "Quantified", "Predicate", "Phrase", "Within"]
    assert [name.text for name in ast.names(tree)] == [
        "医嘱", "药品", "主诉", "伤因写清", "入院时间", "出院时间",
    ]  # fmt: skip


def test_the_grammar_has_no_conflict_but_the_one_that_is_meant(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """且 after a body without brackets goes on with the body: a shift, for both starts."""
    from qc_dsl import sentence

    build = Lark.__init__
    monkeypatch.setattr(Lark, "__init__", lambda self, *a, **k: build(self, *a, **k, debug=True))
    monkeypatch.setattr(logger, "propagate", True)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG, logger=logger.name):
            sentence._parser.__wrapped__()
    finally:
        logger.setLevel(level)
    conflicts = [r.message for r in caplog.records if "onflict" in r.message]
    rules = {r.message.strip() for r in caplog.records if r.message.startswith(" * ")}
    assert len(conflicts) == 2
    assert all("terminal AND" in conflict for conflict in conflicts)
    assert all(rule.startswith("* <bare :") for rule in rules)
