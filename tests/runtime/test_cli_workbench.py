"""``qc test``, ``coverage``, ``ci``, ``diff`` and the change that flips a verdict, from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import xlsxwriter

from support.junit import junit_faults
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


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("QC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, "utf-8")
    return Path(name)


def run(*args: object) -> Ran:
    return qc(*args, "--no-model")


def with_tests(*tests: str, book: str = BOOK) -> Path:
    return write("book.yaml", book + "测试:\n" + "".join(f"  - {one}\n" for one in tests))


OLD, YOUNG = "{科室: 内科, 诊断: 肺炎, 年龄: '70'", "{科室: 内科, 诊断: 肺炎, 年龄: '30'"


# qc test


def test_a_test_answers_the_last_question_too() -> None:
    asks = BOOK.replace("其余: 合格", "其余: {问: 一样吗？, 看: [诊断], 答: {是: 合格, 否: 缺陷}}")
    young = f"{YOUNG}, 回答: {{其余: 否}}, 应为: 缺陷}}"
    ran = run("test", with_tests(young, young.replace("否", "是"), book=asks))
    assert (ran.code, "通过 1，失败 1，未运行 0" in ran.out) == (1, True), ran.out + ran.err
    ran = run("test", with_tests(young.replace("否", "或许"), book=asks))
    assert (ran.code, "QC220" in ran.err, "或许" in ran.err) == (2, True, True)


def test_a_todo_that_fails_is_no_failure_and_one_that_passes_is_said() -> None:
    book = with_tests(f"{OLD}, 应为: 缺陷}}", f"{OLD}, 应为: 合格, 状态: 待办}}")
    ran = run("test", book)
    assert (ran.code, "通过 1，失败 0，未运行 0，待办 1" in ran.out) == (0, True), ran.out
    assert f"{book}:15:5: 待办：应为 合格，实为 缺陷" in ran.out
    ran = run("test", with_tests(f"{OLD}, 应为: 缺陷, mark: todo}}"))
    assert (ran.code, "待办已通过 1" in ran.out, "请去掉" in ran.out) == (0, True, True)
    assert run("test", "book.yaml", "--strict").code == 1


def test_strictly_nothing_but_todos_is_a_failure() -> None:
    book = with_tests(f"{OLD}, 应为: 合格, 状态: 待办}}")
    assert run("test", book).code == 0
    assert run("test", book, "--strict").code == 1


def test_a_mark_that_is_none_is_a_mistake_and_a_field_of_that_name_is_a_field() -> None:
    ran = run("test", with_tests(f"{OLD}, 应为: 缺陷, 状态: 搁置}}"))
    assert (ran.code, "QC016" in ran.err, "待办、正常" in ran.err) == (2, True, True)
    book = BOOK.replace("  科室: {}", "  科室: {}\n  状态: {}").replace(
        "年龄 大于 60", "状态 为 “待办”"
    )
    ran = run("test", with_tests(f"{OLD}, 状态: 待办, 应为: 缺陷, 依: 肺炎}}", book=book))
    assert (ran.code, "通过 1" in ran.out) == (0, True), ran.out + ran.err


def test_a_failure_shows_the_clause_that_decided_and_no_other() -> None:
    ran = run("test", with_tests(f"{YOUNG}, 应为: 缺陷}}", f"{OLD}, 应为: 合格}}"))
    assert ran.code == 1
    first, second = (part for part in ran.out.split("book.yaml:")[1:])
    assert first.splitlines()[1] == "    肺炎：→ 年龄 大于 60 → 否  年龄[30]"
    assert second.splitlines()[1] == "    肺炎：→ 年龄 大于 60 → 是  年龄[70]"
    assert "日间" not in ran.out


def test_a_missing_finding_shows_what_exempted_the_row() -> None:
    rows = "[{医嘱号: a, 药品: 红霉素膏}]"
    case = f"{{主诉: 发热3天, 医嘱: {rows}, 回答: {{写清: 是}}, 应为: 缺陷, 缺陷: [停药]}}"
    ran = run("test", write("book.yaml", f"{DUTY}  - {case}\n"))
    assert "    停药：除外 外用 药品 包含 “膏” → 是  药品[膏]" in ran.out.replace(
        "医嘱.药品", "药品"
    )


def test_a_rule_about_the_key_sees_the_key_that_a_test_writes() -> None:
    book = BOOK.replace("肺炎: 当 诊断 包含 “肺炎” →", "肺炎: 当 住院号 匹配正则 “^ZY” →")
    tests = [f"{{住院号: ZY1, 科室: 内科, 年龄: '{age}', 应为: {verdict}}}"
             for age, verdict in (("70", "缺陷"), ("30", "合格"))]  # fmt: skip
    other = "{住院号: XX1, 科室: 内科, 年龄: '70', 应为: 合格}"
    ran = run("test", with_tests(*tests, other, book=book))
    assert (ran.code, "通过 3" in ran.out) == (0, True), ran.out + ran.err


def test_a_test_may_write_a_key_that_is_no_field() -> None:
    book = BOOK.replace("  住院号: {列: [住院号, 病案号]}\n", "")
    more = write("more.yaml", f"测试:\n  - {{住院号: ZY2, {OLD[1:]}, 应为: 缺陷}}\n")
    path = with_tests(f"{{住院号: ZY1, {OLD[1:]}, 应为: 缺陷}}", book=book)
    ran = run("test", path, "--cases", more)
    assert (ran.code, "通过 2" in ran.out) == (0, True), ran.out + ran.err


def test_a_failure_counts_the_rows_of_its_own_test() -> None:
    rule = "  多: 须 至多 0 条 医嘱 满足 (药品 包含 “膏”)，否则 缺陷 “多”\n测试:"
    rows = "[{药品: 片}, {药品: 软膏}]"
    case = f"{{主诉: 发热3天, 医嘱: {rows}, 回答: {{写清: 是}}, 应为: 合格, 缺陷: []}}"
    book = DUTY.replace("测试:", rule).replace("药品: 青霉素", "药品: 片")
    ran = run("test", write("book.yaml", f"{book}  - {case}\n"))
    assert "医嘱 2 行：是 1，未知 0（第 2 行）" in ran.out, ran.out


CSV = """\
出院诊断,年龄,科室,应为,依,状态
肺炎,70,内科,缺陷,肺炎,
肺炎,30,内科,合格,,
肺炎,30,内科,缺陷,,待办
"""


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl", "yaml"])
def test_tests_stand_in_files_of_every_kind(kind: str) -> None:
    rows = [line.split(",") for line in CSV.splitlines()]
    if kind == "csv":
        write("cases.csv", CSV)
    elif kind == "xlsx":
        with xlsxwriter.Workbook("cases.xlsx") as book:
            sheet = book.add_worksheet()
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, [int(cell) if cell.isdigit() else cell for cell in row])
    elif kind == "jsonl":
        objects = [dict(zip(["诊断", *rows[0][1:]], row, strict=True)) for row in rows[1:]]
        lines = [json.dumps({k: v for k, v in o.items() if v}, ensure_ascii=False) for o in objects]
        write("cases.jsonl", "\n".join(lines) + "\n")
    else:
        write("cases.yaml", "测试:\n" + "".join(
            f"  - {{诊断: {a}, 年龄: '{b}', 科室: {c}, 应为: {d}{', 状态: 待办' if m else ''}}}\n"
            for a, b, c, d, _, m in rows[1:]
        ))  # fmt: skip
    book_ = write("book.yaml", BOOK + f"测试文件: cases.{kind}\n测试: [{YOUNG}, 应为: 合格}}]\n")
    ran = run("test", book_)
    assert (ran.code, "通过 3，失败 0，未运行 0，待办 1" in ran.out) == (0, True), ran.out + ran.err
    ran = run("test", write("bare.yaml", BOOK), "--cases", f"cases.{kind}")
    assert "通过 2，失败 0，未运行 0，待办 1" in ran.out, ran.err


def test_rows_answers_and_findings_come_from_files_too() -> None:
    line = {"主诉": "发热3天", "医嘱": [{"医嘱号": "a", "药品": "青霉素"}], "回答": {"写清": "是"}}
    write("a.jsonl", json.dumps({**line, "应为": "缺陷", "缺陷": ["停药"]}, ensure_ascii=False))
    cell = '"[{""医嘱号"": ""a"", ""药品"": ""青霉素""}]"'
    write("b.csv", f"主诉,医嘱,回答.写清,应为,缺陷\n热,{cell},否,缺陷,停药、主诉\n")
    ran = run("test", write("book.yaml", DUTY), "--cases", "a.jsonl", "--cases", "b.csv")
    assert "通过 3，失败 0，未运行 0" in ran.out, ran.out + ran.err


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.csv", "诊断,年龄\n肺炎,1\n", "QC010"),
        ("a.csv", "诊断,年令,应为\n肺炎,1,合格\n", "QC101"),
        ("a.csv", "诊断,应为\n肺炎,合各\n", "QC109"),
        ("a.jsonl", "{", "QC407"),
        ("a.jsonl", '{"诊断": "肺炎", "应为": "合格", "依": ["没有"]}', "QC112"),
        ("a.yaml", "- 1\n", "QC002"),
        ("a.yaml", "规则集: 甲\n", "QC009"),
        ("a.txt", "", "QC010"),
    ],
)
def test_what_is_wrong_in_a_file_of_tests_is_said(name: str, text: str, code: str) -> None:
    write(name, text)
    ran = run("test", write("book.yaml", BOOK), "--cases", name)
    assert ran.code == 2
    assert code in ran.err, ran.err
    assert name in ran.err


def test_a_file_of_tests_that_is_not_there_stops_tests_but_not_the_rulebook() -> None:
    book = write("book.yaml", BOOK + "测试文件: [没有.csv]\n")
    assert qc("check", book).code == 0
    ran = run("test", book)
    assert (ran.code, "QC401" in ran.err) == (2, True)


# qc coverage


def test_coverage_counts_each_clause_true_and_false() -> None:
    ran = qc("coverage", with_tests(f"{OLD}, 应为: 缺陷}}"), "--json")
    found = json.loads(ran.out)
    clauses = {c["text"]: (c["true"], c["false"]) for r in found["rules"] for c in r["clauses"]}
    assert clauses == {
        "科室 包含 “日间”": (0, 1),
        "诊断 包含 “肺炎”": (1, 0),
        "年龄 大于 60": (1, 0),
    }
    assert (found["covered"], found["total"], found["otherwise"]) == (3, 7, 0)
    whole = with_tests(
        f"{OLD}, 应为: 缺陷}}",
        f"{YOUNG}, 应为: 合格}}",
        "{科室: 日间, 应为: 不适用}",
        "{科室: 内科, 诊断: 痔, 年龄: '9', 应为: 合格}",
    )
    assert "覆盖 100.0%（7/7），4 个测试" in qc("coverage", whole, "--fail-under", 100).out


def test_coverage_goes_into_obligations_exceptions_and_unknowns() -> None:
    rows = "[{医嘱号: a, 药品: 红霉素膏}, {医嘱号: b, 药品: 甲素}]"
    more = f"  - {{医嘱: {rows}, 回答: {{写清: 是}}, 应为: 缺陷}}\n"
    found = json.loads(qc("coverage", write("book.yaml", DUTY + more), "--json").out)
    stop, complaint = found["rules"]
    scope, exception, must = stop["clauses"]
    assert (scope["true"], scope["false"]) == (3, 0)
    assert (exception["label"], exception["true"], exception["false"]) == ("外用", 1, 2)
    assert (must["true"], must["false"]) == (1, 1)  # the exempt row's does not count
    length, clear = complaint["clauses"][0]["parts"]
    assert (length["true"], length["false"], length["unknown"]) == (1, 0, 1)
    assert (clear["true"], clear["unknown"]) == (1, 1)


def test_coverage_under_the_bound_fails_and_so_does_a_rulebook_without_tests() -> None:
    book = with_tests(f"{OLD}, 应为: 缺陷}}")
    assert qc("coverage", book).code == 0
    assert qc("coverage", book, "--fail-under", 90).code == 1
    ran = qc("coverage", write("bare.yaml", BOOK))
    assert (ran.code, "规则集没有测试" in ran.out) == (1, True)


# qc ci


def ci(*args: object) -> Ran:
    return run("ci", *args)


def test_ci_passes_what_is_checked_tested_and_covered() -> None:
    ran = ci(with_tests(f"{OLD}, 应为: 缺陷}}"), "--junit", "report.xml")
    assert (ran.code, ran.err) == (0, "")
    assert junit_faults(Path("report.xml").read_bytes()) == []
    suite = Xml.parse("report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "0", "0")


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ((), "规则集没有测试"),
        ((f"{OLD}, 应为: 合格, 状态: 待办}}",), "测试都标为待办"),
        ((f"{OLD}, 应为: 合格}}",), "1 个测试失败"),
        ((f"{OLD}, 应为: 缺陷}}", f"{OLD}, 应为: 缺陷, 状态: 待办}}"), "待办的测试已通过"),
    ],
)
def test_ci_fails_whatever_was_not_tested(tests: tuple[str, ...], reason: str) -> None:
    book = with_tests(*tests) if tests else write("book.yaml", BOOK)
    ran = ci(book, "--junit", "report.xml")
    assert (ran.code, reason in ran.out) == (1, True), ran.out
    assert junit_faults(Path("report.xml").read_bytes()) == []
    assert int(Xml.parse("report.xml").getroot().get("failures", "0")) >= 1


def test_ci_fails_where_a_test_needs_a_model_and_there_is_none() -> None:
    text = DUTY.replace("    回答: {写清: 是}\n", "")
    ran = ci(write("book.yaml", text), "--format", "github")
    assert ran.code == 1
    assert re.search(r"^::error file=book\.yaml,line=\d+,col=5,title=not_run::", ran.out, re.M)
    assert "1 个测试未运行" in ran.out


def test_the_worst_rulebook_decides_and_annotations_stand_at_the_line() -> None:
    good, bad = with_tests(f"{OLD}, 应为: 缺陷}}"), write("bad.yaml", BOOK.replace("大于", "大鱼"))
    ran = ci(good, bad, "--format", "github", "--junit", "report.xml")
    assert ran.code == 2
    assert re.search(r"^::error file=bad\.yaml,line=11,endLine=11,col=\d+,title=QC", ran.out, re.M)
    assert junit_faults(Path("report.xml").read_bytes()) == []
    assert Xml.parse("report.xml").getroot().get("errors") == "1"
    assert ci(good, "--fail-under", 90).code == 1


# qc diff

DATA = "住院号,科室,诊断,年龄\n1,内科,肺炎,70\n2,内科,肺炎,62\n3,日间,肺炎,80\n4,内科,肺炎,\n"


def test_diff_says_whose_outcome_changes_and_by_which_clause() -> None:
    write("data.csv", DATA)
    old, new = write("a.yaml", BOOK), write("b.yaml", BOOK.replace("大于 60", "大于 65"))
    ran = run("diff", old, new, "--data", "data.csv")
    assert (ran.code, ran.err) == (0, "")
    assert "改动的规则：肺炎" in ran.out
    assert "4 例中 1 例的结果有变" in ran.out
    assert "  缺陷 → 合格：1 例\n    住院号 2\n" in ran.out
    assert "      − 肺炎：→ 年龄 大于 60 → 是  年龄[62]" in ran.out
    assert "      + 肺炎：→ 年龄 大于 65 → 否  年龄[62]" in ran.out
    assert "两个版本都不问模型" in ran.out


def test_diff_of_rules_added_removed_and_of_the_same() -> None:
    write("data.csv", DATA)
    old = write("a.yaml", BOOK)
    gone = write("b.yaml", BOOK.replace("适用: {日间: 如果 科室 包含 “日间”，则 不适用}\n", ""))
    found = json.loads(run("diff", old, gone, "--data", "data.csv", "--json").out)
    assert found["rules"]["removed"] == ["日间"]
    assert found["outcomes"] == [{"from": "不适用", "to": "缺陷", "n": 1, "keys": ["3"]}]
    back = json.loads(run("diff", gone, old, "--data", "data.csv", "--json").out)
    assert (back["rules"]["added"], back["changed"]) == (["日间"], 1)
    assert "两个版本意思相同" in run("diff", old, old, "--data", "data.csv").out


ASKING = BOOK.replace(
    "其余: 合格", "其余: {问: 一样吗？, 看: [诊断, 科室], 答: {是: 合格, 否: 缺陷}}"
)


def test_diff_counts_the_questions_before_any_is_asked() -> None:
    write("data.csv", DATA)
    old, new = write("a.yaml", ASKING), write("b.yaml", ASKING.replace("大于 60", "大于 65"))
    found = json.loads(run("diff", old, new, "--data", "data.csv", "--json").out)
    # case 4 cannot be judged; case 2 is asked about only with the new bound
    assert found["questions"] == {"before": 0, "after": 1, "new": 1, "answered": None}
    reworded = write("c.yaml", ASKING.replace("大于 60", "大于 65").replace("一样吗", "相同吗"))
    found = json.loads(run("diff", new, reworded, "--data", "data.csv", "--json").out)
    assert (found["rules"]["otherwise"], found["changed"]) == (True, 0)
    assert found["questions"] == {"before": 1, "after": 1, "new": 1, "answered": None}


def test_diff_of_obligations_names_the_rows_that_move() -> None:
    plain = DUTY.replace(" 且 写清", "").replace("问题: {写清: {问: 写清了吗？, 看: [主诉]}}\n", "")
    plain = plain.partition("测试:")[0]
    write("old.yaml", plain)
    write("new.yaml", plain.replace("“膏”", "“霉”").replace("字数 大于 2", "字数 大于 3"))
    write("data/病例.csv", "住院号,主诉\n1,发热天\n2,发热三天多\n")
    write("data/医嘱.csv", "住院号,医嘱号,药品,停止时间\n1,a,青霉素,\n2,b,红素膏,\n2,c,甲素,\n")
    found = json.loads(run("diff", "old.yaml", "new.yaml", "--data", "data", "--json").out)
    moves = {(o["rule"], o["from"], o["to"]): o["keys"] for o in found["obligations"]}
    assert moves == {
        ("停药", "violated", "exempt"): ["1"],
        ("停药", "exempt", "violated"): ["2"],
        ("主诉", "met", "violated"): ["1"],
    }
    ran = run("diff", "old.yaml", "new.yaml", "--data", "data")
    assert "+ 主诉：须 主诉 字数 大于 3 → 否" in ran.out


def test_diff_with_questions_inside_rules_judges_both_in_full() -> None:
    write("data/病例.csv", "住院号,主诉\n1,发热三天\n2,咳\n")
    write("data/医嘱.csv", "住院号,医嘱号,药品,停止时间\n1,a,青霉素,2025-01-01\n")
    old, new = write("a.yaml", DUTY), write("b.yaml", DUTY.replace("字数 大于 2", "字数 大于 9"))
    found = json.loads(run("diff", old, new, "--data", "data", "--json").out)
    assert found["questions"] == {"before": 1, "after": 0, "new": 0, "answered": None}
    assert found["outcomes"] == [{"from": "pending", "to": "缺陷", "n": 1, "keys": ["1"]}]


def test_diff_knows_an_earlier_version_from_git() -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    write("data.csv", DATA)
    write("rules/terms.csv", "名称\n肺炎\n")
    listed = BOOK.replace("“肺炎”", "肺病").replace(
        "适用:", "词表: {肺病: {文件: terms.csv}}\n适用:"
    )
    write("rules/a.yaml", listed)
    for command in (["init", "-q"], ["add", "rules"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    write("rules/terms.csv", "名称\n肺癌\n")
    ran = run("diff", "HEAD:rules/a.yaml", "rules/a.yaml", "--data", "data.csv")
    assert (ran.code, "4 例中 3 例的结果有变" in ran.out) == (0, True), ran.out + ran.err
    ran = run("diff", "HEAD:rules/b.yaml", "rules/a.yaml", "--data", "data.csv")
    assert (ran.code, "git 里没有这个版本" in ran.err) == (2, True)


# qc explain


def explain(book: str, data: str, key: str) -> str:
    return qc("explain", book, "--data", data, "--case", key).out


def test_explain_says_the_smallest_change_that_flips_the_verdict() -> None:
    write("book.yaml", BOOK)
    write("data.csv", DATA + "5,内科,痔,9\n")
    assert explain("book.yaml", "data.csv", "1").splitlines()[-4:] == [
        "怎样会得到别的结论：",
        "    若 科室 包含 “日间”，则 不适用",
        "    若 诊断 不包含 “肺炎”，则 合格",
        "    若 年龄 不大于 60，则 合格",
    ]
    assert explain("book.yaml", "data.csv", "5").splitlines()[-2:] == [
        "怎样会得到别的结论：",
        "    若 科室 包含 “日间”，则 不适用",
    ]


def test_explain_says_of_a_finding_what_would_meet_it() -> None:
    write("book.yaml", DUTY)
    write("data/病例.csv", "住院号,主诉\n1,热\n")
    write("data/医嘱.csv", "住院号,医嘱号,药品,停止时间\n1,a,青霉素,\n")
    said = explain("book.yaml", "data", "1")
    assert "      若 停止时间 不为空，则满足" in said
    assert "      若 主诉 字数 大于 2 且 写清，则满足" in said
