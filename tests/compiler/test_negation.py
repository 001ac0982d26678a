"""What a text denies, and its reading by lines: by examples, and what the SQL relies on."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_compiler.lines import LINES, by_lines
from qc_compiler.negation import APART, CUT, STEPS, TURN, affirmed
from qc_compiler.pipeline import compile_rulebook
from qc_compiler.terms import Terms
from qc_dsl.fold import fold
from qc_dsl.reader import parse_rulebook
from qc_dsl.source import Source
from strategies import words

LANGUAGE = Path(__file__).parents[2] / "docs" / "language.md"
_ROW = re.compile(r"^\| (.+) \| (.+) \| ([是否]) \|$", re.MULTILINE)


def _table() -> list[tuple[str, str, bool]]:
    """The examples of the page, a line break written as ↵."""
    page = LANGUAGE.read_text("utf-8").partition("| 原文（↵ 是换行） |")[2].partition("```")[0]
    return [(text.replace("↵", "\n"), word, yes == "是") for text, word, yes in _ROW.findall(page)]


def mentions(text: str, word: str) -> bool:
    return word in affirmed(fold(by_lines(text) or text))


def test_the_page_has_examples() -> None:
    assert len(_table()) > 40


@pytest.mark.parametrize(("text", "word", "wanted"), _table())
def test_the_examples_of_the_documentation(text: str, word: str, wanted: bool) -> None:
    assert mentions(text, word) is wanted


@pytest.mark.parametrize(
    ("text", "word", "wanted"),
    [
        ("患者有糖尿病5年", "糖尿病", True),
        ("否认糖尿病", "糖尿病", False),
        ("否认高血压、冠心病、糖尿病等病史", "糖尿病", False),
        ("否认高血压，有糖尿病史", "糖尿病", True),
        ("否认高血压病史。糖尿病5年", "糖尿病", True),
        ("否认肝炎，5年前诊断糖尿病", "糖尿病", True),
        ("否认冠心病、高血压病史，2型糖尿病10年", "糖尿病", True),
        ("否认冠心病、高血压病史，2型糖尿病10年", "高血压", False),
        ("无发热咳嗽，胸痛3小时", "胸痛", True),
        ("无发热咳嗽，胸痛3小时", "咳嗽", False),
        ("无过敏史，摔伤致右腕肿痛两小时", "摔伤", True),
        ("否认高血压，无糖尿病5年", "糖尿病", False),
        ("无头晕、头痛，右下肢活动受限", "受限", True),
        ("无肝、肾疾病史，外院诊断糖尿病", "糖尿病", True),
        ("无明显诱因出现腹痛", "腹痛", True),
        ("无发热、咳嗽，伴腹痛", "腹痛", True),
        ("无发热、咳嗽，伴腹痛", "咳嗽", False),
        ("未见骨折", "骨折", False),
        ("不能排除骨折", "骨折", True),
        ("已排除骨折", "骨折", False),
        ("未婚，骨折", "骨折", True),
        ("未行手术，骨折", "骨折", True),
        ("无痛性肿块", "肿块", True),
        ("症状无好转，骨折待查", "骨折", True),
        ("不伴呕吐；腹泻", "腹泻", True),
        ("职业：无业，糖尿病5年", "糖尿病", True),
        ("腹肌无张力，反跳痛", "反跳痛", True),
        ("无发热，在外院诊断肺炎", "肺炎", True),
        ("无腹泻，常头晕", "头晕", True),
        ("无发热，感胸闷", "胸闷", True),
        ("未见粘连、积液，游离胆囊管", "胆囊管", True),
        ("无出血，切除胆囊", "胆囊", True),
        ("无活动性出血，送病理提示腺瘤", "腺瘤", True),
        ("无出血，取组织活检", "活检", True),
        ("无粘连、积液，见阑尾充血", "阑尾充血", True),
        ("无外伤，发生头痛", "头痛", True),
        ("否认高血压,糖尿病,冠心病史", "冠心病", False),
        ("无高血压,糖尿病,冠心病史", "冠心病", False),
        ("否认外伤,感染史,感冒史", "感染", False),
        ("否认外伤,感染史,感冒史", "感冒", False),
        ("未闻及啰音，未见骨折、游离气体", "游离气体", False),
        ("否认2型糖尿病、3期肾病", "肾病", False),
        ("否认2型糖尿病、3天前腹痛", "腹痛", True),
        ("无十二指肠溃疡", "溃疡", False),
        ("无半月板损伤", "半月板损伤", False),
        ("无腰4-5椎间盘突出", "突出", False),
        ("否认肝炎昨日摔伤", "摔伤", True),
        ("未予重视摔伤", "摔伤", True),
        ("未骨折", "骨折", False),
        ("否认：高血压、糖尿病", "糖尿病", False),
        ("否认肝炎，糖尿病：无", "糖尿病", False),
        ("1.糖尿病：无2.高血压：有", "高血压", True),
        ("过敏史：青霉素过敏", "过敏", True),
        ("药物过敏史：否认药物过敏", "过敏", False),
        ("压痛（-），反跳痛（+）", "反跳痛", True),
        ("压痛（-），反跳痛（+）", "压痛", False),
        ("主诉：无明显诱因出现腹痛", "腹痛", True),
        ("非典型肺炎", "肺炎", True),
        ("管壁非钙化斑块", "斑块", True),
        ("口腔：无异常 颈部：软", "口腔", True),
        ("未出现胡须，幼稚阴茎", "幼稚阴茎", True),
        ("口服非洛地平", "非洛地平", True),
        ("无锡市工地摔伤", "摔伤", True),
        ("输血过程无不良反应", "不良反应", False),
        ("无发热（咽痛）", "咽痛", False),
        ("否认肝炎\r\n摔伤", "摔伤", True),
        ("否认肝炎\u2028摔伤", "摔伤", True),
        ("既往史：\n无高血压", "高血压", False),
        ("否认外伤，\n高血压10年", "高血压", True),
    ],
)
def test_what_is_denied_is_not_mentioned(text: str, word: str, wanted: bool) -> None:
    assert mentions(text, word) is wanted


def test_a_text_of_one_line_has_no_other_reading() -> None:
    assert by_lines("否认肝炎　 高血压") is None
    assert by_lines("甲。\n乙") == "甲。;乙"
    assert by_lines("甲。\n乙。\n丙") == "甲。;乙。;丙"
    assert by_lines("甲\n 乙。\n丙") == "甲;乙。;丙;甲 乙。;丙;乙。 丙;"
    assert by_lines("甲、\n乙") == "甲、乙"


_sentences = st.lists(
    st.sampled_from(
        (
            "否认", "无", "未", "未见", "没", "非", "糖尿病", "，", "。", "有", "5年", "痛", "无痛",
            "；", "、", "：", "（", "）", "-", "（-）", "2型", "三", "天", "史", "不排除", "CT1",
            "不", "感染", "高血压", "左", "有无", "明显诱因", "排除", "昨", "\n",
        )
    ),
    max_size=14,
).map("".join)  # fmt: skip
_words = st.one_of(words, st.sampled_from(("糖尿病", "痛", "无痛", "5年", "糖尿病有", "2型糖尿病")))


@settings(max_examples=400, derandomize=True)
@given(_sentences, _words.map(fold))
def test_only_what_is_written_is_affirmed(text: str, word: str) -> None:
    """What the SQL relies on: a word in the affirmed text is in the text itself."""
    read = fold(by_lines(text) or text)
    said = affirmed(read)
    assert not word or word not in said or word in read
    assert all(piece in read for piece in said.split(CUT))
    assert APART not in said
    assert TURN not in said


@settings(max_examples=200, derandomize=True)
@given(st.lists(_sentences.map(fold), min_size=1, max_size=8))
def test_duckdb_denies_what_python_does(texts: list[str]) -> None:
    sql = "x"
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest(?) AS x", [texts])
        for pattern, put in STEPS:
            quoted = (part.replace("'", "''") for part in (pattern, put))
            sql = "regexp_replace({}, '{}', '{}', 'g')".format(sql, *quoted)
        found = [said for (said,) in connection.sql(f"SELECT {sql} FROM t").fetchall()]
    assert found == [affirmed(text) for text in texts]


@settings(max_examples=300, derandomize=True)
@given(
    st.lists(st.lists(st.text("甲乙丙", min_size=1), min_size=1, max_size=2), max_size=4),
    st.text("甲乙丙丁", max_size=12),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_a_list_whose_words_hide_none_finds_all_groups_of_a_piece(
    groups: list[list[str]], text: str, start: int, end: int
) -> None:
    terms = Terms(tuple(sorted({tuple(group) for group in groups})))
    if groups and not terms.may_hide:
        assert terms.mentioned(text[start:end]) <= terms.mentioned(text)


@pytest.mark.parametrize(
    ("listed", "hides"),
    [
        (("头孢", "头孢曲松"), True),
        (("头孢曲松=头孢", "莫西沙星"), False),
        (("骨折术", "术后"), True),
        (("痛", "腹痛=肚子痛"), True),
    ],
)
def test_words_that_may_hide_others(listed: tuple[str, ...], hides: bool) -> None:
    assert Terms.of(listed).may_hide is hides


RULEBOOK = """
规则集: 行
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 住院号}
字段: {既往史: {}, 主诉: {}, 标签: {类型: 列表}}
表: {病程: {列: {内容: 文本, 医师: 文本}}}
规则:
  甲: 须 既往史 提及 “糖尿病”，否则 缺陷 “没有”
  乙: 须 存在 病程，内容 字面提及 主诉，否则 缺陷 “没有”
  丙: 须 标签 提及 “急” 且 主诉 包含 “痛”，否则 缺陷 “没有”
"""


def test_only_texts_that_are_asked_about_are_read_by_lines() -> None:
    program = compile_rulebook(parse_rulebook(Source("r.yaml", RULEBOOK)))
    lined = [field.name for field in program.fields if field.lined]
    lined += [field.name for field in program.table("病程").columns if field.lined]
    assert lined == ["既往史", "主诉", "内容"]
    assert not LINES[0].isalnum(), "no field can have that name"
