"""Rulebooks of several files: includes, files of sentences, files of terms, tests with tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import xlsxwriter

from qc_dsl.errors import QcError
from qc_dsl.reader import parse_rulebook, read_rulebook
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Source

HEAD = """
规则集: 多个文件
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
"""


def read(files: dict[str, str | bytes], name: str = "main.yaml") -> Rulebook:
    """The rulebook of some files that are only texts."""

    def load(path: Path) -> bytes:
        if path.as_posix() not in files:
            raise FileNotFoundError(path)
        content = files[path.as_posix()]
        return content if isinstance(content, bytes) else content.encode()

    main = files[name]
    assert isinstance(main, str)
    return parse_rulebook(Source(name, main), load)


def codes(files: dict[str, str | bytes]) -> list[str]:
    with pytest.raises(QcError) as raised:
        read(files)
    return [diagnostic.code for diagnostic in raised.value.diagnostics]


def test_declarations_and_rules_of_all_files_come_together() -> None:
    rulebook = read(
        {
            "main.yaml": f"{HEAD}引用: [common/a.yaml, common/rules.qc]\n字段: {{主诉: {{}}}}\n"
            "规则: {甲: 当 主诉 包含 部位 → 医保 不为空 即视为 合格}\n",
            "common/a.yaml": "引用: b.yaml\n字段: {医保: {}}\n适用: 如果 医保 为空 则 不适用\n",
            "common/b.yaml": "词表: {部位: [手]}\n说法: {写了: 主诉 不为空}\n"
            "表: {医嘱: {列: {药品: }}}\n",
            "common/rules.qc": "乙：当 写了 即视为 合格\n"
            "丙：每条 医嘱 须 药品 不为空，否则 缺陷 “缺”\n",
        }
    )
    assert [field.name for field in rulebook.fields] == ["主诉", "医保"]
    assert [term.name for term in rulebook.terms] == ["部位"]
    assert [table.name for table in rulebook.tables] == ["医嘱"]
    assert {rule.id: rule.section for rule in rulebook.rules} == {
        "适用": "applicability", "甲": "rules", "乙": "rules", "丙": "rules",
    }  # fmt: skip
    assert [source.path for source in rulebook.sources] == [
        "main.yaml", "common/a.yaml", "common/b.yaml", "common/rules.qc",
    ]  # fmt: skip


def test_a_file_that_two_others_include_is_read_once() -> None:
    rulebook = read(
        {
            "main.yaml": f"{HEAD}引用: [a.yaml, b.yaml]\n规则: {{甲: 当 主诉 为空 即视为 缺陷}}\n",
            "a.yaml": "引用: c.yaml\n",
            "b.yaml": "引用: [./c.yaml, ../here/c.yaml]\n",
            "c.yaml": "字段: {主诉: {}}\n",
            "../here/c.yaml": "字段: {别的: {}}\n",
        }
    )
    assert [field.name for field in rulebook.fields] == ["主诉", "别的"]


def test_an_include_brings_all_rules_of_a_rulebook_that_has_none() -> None:
    files = {
        "main.yaml": f"{HEAD}引用: rules.qc\n字段: {{主诉: {{}}}}\n",
        "rules.qc": "甲：当 主诉 为空 即视为 缺陷\n",
    }
    assert [rule.id for rule in read(files).rules] == ["甲"]
    assert codes(files | {"rules.qc": "# 没有规则\n"}) == ["QC010"]
    assert codes({"main.yaml": f"{HEAD}字段: {{主诉: {{}}}}\n"}) == ["QC010"]


def test_too_many_includes_are_refused() -> None:
    named = ", ".join(f"f{n}.yaml" for n in range(70))
    files: dict[str, str | bytes] = {f"f{n}.yaml": "词表: {}\n" for n in range(70)}
    files["main.yaml"] = f"{HEAD}引用: [{named}]\n字段: {{主诉: {{}}}}\n规则: {{}}\n"
    assert set(codes(files)) == {"QC019"}


def test_a_sentence_file_keeps_sections_comments_quotes_and_lines_apart() -> None:
    rulebook = read(
        {
            "main.yaml": f"{HEAD}引用: r.qc\n字段: {{主诉: {{}}}}\n",
            "r.qc": "# 注释\n甲: 当 主诉 包含 “#1 甲” # 注释\n  即视为 合格\n\n   # 注释\n"
            "  ，否则 缺陷\n[例外]\n乙 ：当 主诉 为空 即视为 缺陷\n【适用】\n"
            "丙：如果 主诉 为空 则 不适用\n"
            "[rules]\n必须签名：须 主诉 不为空，否则 缺陷 “缺”",
        }
    )
    found = {rule.id: (rule.section, rule.text) for rule in rulebook.rules}
    assert found["甲"] == ("rules", "当 主诉 包含 “#1 甲”\n即视为 合格\n，否则 缺陷")
    assert found["乙"][0] == "exceptions"
    assert found["丙"][0] == "applicability"
    assert found["必须签名"][0] == "rules"
    place = next(rule for rule in rulebook.rules if rule.id == "甲").sentence.span
    assert place.source.path == "r.qc"
    assert place.source.position(place.start) == (2, 4)


TERMS = f"{HEAD}字段: {{主诉: {{}}}}\n词表: {{药: {{文件: terms/a.csv}}}}\n规则: {{}}\n"


@pytest.mark.parametrize(
    "data",
    [
        "通用名,同义词,分组\n莫西沙星,拜复乐；莫西,甲级\n头孢,,甲级|乙级\n\n青霉素,钠盐、,\n".encode(),
        "\ufeff通用名\t同义词\t分组\r\n莫西沙星\t拜复乐;莫西\t甲级\r\n头孢\t\t甲级、乙级\r\n青霉素\t钠盐\t\r\n".encode(),
        "通用名,分组,同义词\n莫西沙星,甲级,拜复乐|莫西\n头孢,甲级;乙级,\n青霉素, ,钠盐\n".encode(
            "gb18030"
        ),
    ],
    ids=("utf-8", "tabs-bom-crlf", "gb18030"),
)
def test_a_file_of_terms_gives_words_synonyms_and_groups(data: bytes) -> None:
    rulebook = read({"main.yaml": TERMS, "terms/a.csv": data})
    assert {term.name: term.words for term in rulebook.terms} == {
        "药": ("莫西沙星=拜复乐=莫西", "头孢", "青霉素=钠盐"),
        "药.甲级": ("莫西沙星=拜复乐=莫西", "头孢"),
        "药.乙级": ("头孢",),
    }
    assert [term.of for term in rulebook.terms] == [None, "药", "药"]


def test_a_workbook_of_terms_is_read_like_its_csv(tmp_path: Path) -> None:
    (tmp_path / "rulebook.yaml").write_text(TERMS.replace("a.csv", "a.xlsx"), "utf-8")
    (tmp_path / "terms").mkdir()
    book = xlsxwriter.Workbook(tmp_path / "terms" / "a.xlsx")
    sheet = book.add_worksheet()
    for number, row in enumerate(
        [["名称", "同义词", "分组"], ["甲,乙", "丙；丁", 1], ["戊", None, 2]]
    ):
        sheet.write_row(number, 0, row)
    book.close()
    rulebook = read_rulebook(tmp_path / "rulebook.yaml")
    assert {term.name: term.words for term in rulebook.terms} == {
        "药": ("甲,乙=丙=丁", "戊"), "药.1": ("甲,乙=丙=丁",), "药.2": ("戊",),
    }  # fmt: skip


def test_a_group_of_terms_is_a_name_of_the_language() -> None:
    files = {
        "main.yaml": TERMS.replace("规则: {}", "规则: {甲: 当 主诉 提及 药.甲级 即视为 合格}"),
        "terms/a.csv": "名称,分组\n莫西沙星,甲级\n",
    }
    assert len(read(files).rules) == 1
    wrong = files["main.yaml"].replace("药.甲级", "药.申级")
    assert codes(files | {"main.yaml": wrong}) == ["QC114"]


def test_a_group_that_cannot_be_named_in_a_sentence_is_said() -> None:
    files: dict[str, str | bytes] = {"main.yaml": TERMS, "terms/a.csv": "名称,分组\n甲,“特殊”\n"}
    assert codes(files) == ["QC024"]


def test_a_column_of_many_values_is_no_group() -> None:
    rows = "".join(f"药{n},组{n}\n" for n in range(400))
    assert codes({"main.yaml": TERMS, "terms/a.csv": f"名称,分组\n{rows}"}) == ["QC024"]


def test_a_pipe_or_a_folder_is_refused_without_waiting(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.qc").mkdir()
    main = tmp_path / "main.yaml"
    main.write_text(
        f"{HEAD}引用: [pipe.yaml, folder.qc]\n字段: {{主诉: {{}}}}\n规则: {{}}\n", "utf-8"
    )
    with pytest.raises(QcError) as raised:
        read_rulebook(main)
    assert [d.code for d in raised.value.diagnostics] == ["QC017", "QC017"]


WITH_TABLES = f"""{HEAD}
字段: {{住院科室: {{}}, 主诉: {{}}}}
表:
  医嘱: {{键: 医嘱号, 病例: 病案号, 列: {{药品: 文本}}}}
  病程: {{列: {{内容: 文本}}}}
问题: {{写清: {{问: 写清了吗？, 看: [主诉], 答: {{清楚: 真, 不清楚: 假}}}}}}
评分: {{甲级: 95}}
规则: {{用药: 每条 医嘱 须 药品 不为空，否则 缺陷 “缺”}}
测试:
  - 住院科室: 内科
    主诉:
    医嘱: [{{药品: 甲, 医嘱号: "1"}}, {{药品: , 病案号: A}}]
    病程: []
    回答: {{写清: 不清楚}}
    应为: 缺陷
    缺陷: [用药, 用药]
  - {{应为: 资料缺失, 缺陷: []}}
  - {{应为: 合格}}
"""


def test_a_test_gives_rows_of_tables_answers_and_findings() -> None:
    first, second, third = read({"main.yaml": WITH_TABLES}).tests
    assert first.record == (("住院科室", "内科"), ("主诉", None))
    assert first.tables == (
        ("医嘱", ((("药品", "甲"), ("医嘱号", "1")), (("药品", None), ("病案号", "A")))),
        ("病程", ()),
    )
    assert first.answers == (("写清", "不清楚"),)
    assert first.findings == ("用药", "用药")
    assert (second.findings, third.findings) == ((), None)


def test_a_question_with_a_name_answers_true_or_false() -> None:
    rulebook = read({"main.yaml": WITH_TABLES})
    (question,) = rulebook.questions
    assert question.answers == (("清楚", "true"), ("不清楚", "false"))
    assert (question.name, question.show) == ("写清", ("主诉",))
    assert rulebook.score is not None
    assert (rulebook.score.total, rulebook.score.a, rulebook.score.b) == (100, 95, 75)


def test_a_field_says_where_it_is_taken_from() -> None:
    rulebook = read(
        {
            "main.yaml": f"""{HEAD}
字段:
  全文: {{}}
  主诉: {{取自: 全文, 标题: [主诉, 主 诉], 空值: [无, None]}}
  时长: {{取自: 主诉, 正则: '(\\d+)天', 类型: 时长}}
  入院: {{类型: 时间}}
  出院: {{类型: 时间}}
  住院: {{从: 入院, 到: 出院}}
规则: {{甲: 当 时长 大于 3 天 即视为 合格}}
"""
        }
    )
    fields = {field.name: field for field in rulebook.fields}
    assert (fields["主诉"].source, fields["主诉"].headings) == ("全文", ("主诉", "主 诉"))
    assert fields["主诉"].blanks == ("无", "None")
    assert (fields["时长"].pattern, fields["时长"].type) == (r"(\d+)天", "duration")
    assert (fields["住院"].since, fields["住院"].until) == ("入院", "出院")
    assert fields["住院"].type == "duration"


def test_english_keys_say_the_same() -> None:
    rulebook = read(
        {
            "main.yaml": """
rulebook: english
verdicts: {pass: fine, fail: defective}
include: more.qc
case: {key: admission, department: ward}
fields: {ward: {}, note: {}, complaint: {from: note, heading: complaint, blank: none}}
tables:
  orders: {key: order id, case: admission, time: start, files: [orders],
    columns: {drug: text, start: datetime}}
terms: {injury: [fracture]}
questions: {stated: {ask: Is it stated?, show: [complaint], answers: {yes: true, no: false}}}
score: {total: 100, a: 90, b: 75}
rules:
  reflected:
    sentence: |
      each orders when drug is not blank: must stated, else defect "missing {drug}" deduct 2 points
    exceptions: {urgent: drug is "urgent"}
tests:
  - {orders: [{drug: a}], answers: {stated: no}, expect: defective, findings: reflected}
""",
            "more.qc": "[rules]\nlong: must complaint length > 3, else defect “short”\n",
        }
    )
    assert rulebook.department == "ward"
    assert [rule.id for rule in rulebook.rules] == ["reflected", "long"]
    assert [e.name for e in rulebook.rules[0].exceptions] == ["urgent"]
    assert rulebook.tests[0].findings == ("reflected",)


@pytest.mark.parametrize("rows", ['甲,"特殊\n乙,限制\n丙,限制\n', '甲,"特\n殊"\n乙,限制\n'])
def test_a_quote_that_never_closes_swallows_no_terms_silently(rows: str) -> None:
    found = codes({"main.yaml": TERMS, "terms/a.csv": f"名称,分组\n{rows}"})
    assert found in (["QC022"], ["QC024"])


def test_reading_terms_leaves_other_readers_of_csv_their_cells() -> None:
    """csv's limit on a cell belongs to the whole process: short terms must not lower it."""
    before = csv.field_size_limit()
    read({"main.yaml": f"{HEAD}字段: {{主诉: {{}}}}\n词表: {{部位: {{文件: t.csv}}}}\n"
          "规则: {甲: 当 主诉 包含 部位 → 主诉 不为空 即视为 合格}\n",
          "t.csv": "名称\n手\n"})  # fmt: skip
    assert csv.field_size_limit() >= before
