"""``qc ci``, ``qc diff`` and the change that flips a verdict, from outside."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from support.junit import junit_faults
from support.qc import Ran, at_home, qc
from support.workbench import BOOK, DUTY, OLD, run, with_tests, write

DUTIES = """\
规则集: 义务
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段: {科室: {}, 主诉: {}, 年龄: {类型: 数字}}
表:
  医嘱: {键: 医嘱号, 列: {药品: 文本, 停止时间: 时间}}
规则:
  日间: 如果 科室 包含 “日间” 则 不适用
  停药: 每条 医嘱 当 药品 包含 “素”：须 停止时间 不为空，否则 缺陷 “{药品} 没有停”
  主诉: 须 主诉 字数 大于 1，否则 缺陷 “主诉太短”
"""
TESTS = """\
测试:
  - {科室: 内科, 主诉: 发热, 医嘱: [], 应为: 缺陷}
  - {科室: 日间, 应为: 不适用, 状态: 待办}
"""
CASES = "住院号,科室,主诉,年龄\n1,内科,发热,70\n2,内科,发热,20\n3,内科,热,70\n4,内科,,70\n"
ORDERS = "住院号,医嘱号,药品,停止时间\n1,a,青霉素,\n1,b,红霉素,2025-01-01\n2,c,青霉素,\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_home(tmp_path, monkeypatch)


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


def test_a_ci_report_says_which_clause_failed_and_what_to_do_about_a_mended_todo() -> None:
    book = write("book.yaml", DUTIES + TESTS)
    ran = qc("ci", book, "--no-model", "--junit", "report.xml", "--format", "github")
    assert ran.code == 1
    failed, mended = Xml.parse("report.xml").getroot().findall(".//testcase/failure")[:2]
    assert "主诉：须 主诉 字数 大于 1 → 是" in (failed.text or "")
    assert mended.get("message") == "标为待办，却通过了：请去掉“状态: 待办”"
    annotations = [line for line in ran.out.splitlines() if line.startswith("::error")]
    assert "主诉：须 主诉 字数 大于 1 → 是" in annotations[0]
    assert annotations[1].endswith("::标为待办，却通过了：请去掉“状态: 待办”")
    assert "::notice file=book.yaml,line=9,col=15,title=coverage::停药: 药品 包含 “素”" in ran.out
    assert ran.out.splitlines()[-1].endswith("；不通过")


def test_ci_says_of_a_broken_rulebook_that_it_fails() -> None:
    ran = qc("ci", write("book.yaml", "规则集: 坏\n"), "--no-model", "--format", "github")
    assert (ran.code, ran.out.splitlines()[-1]) == (2, "book.yaml: 不通过")


def test_reasons_in_english_have_english_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QC_LANG", "en")
    ran = qc(
        "test", write("book.yaml", DUTIES + TESTS.replace("主诉: 发热", "主诉: 热")), "--no-model"
    )
    assert "（" not in ran.out


def compared(old: str, new: str) -> dict[str, object]:
    write("data/病例.csv", CASES)
    write("data/医嘱.csv", ORDERS)
    ran = qc("diff", write("old.yaml", old), write("new.yaml", new), "--data", "data", "--json")
    assert ran.code == 0, ran.err
    return dict(json.loads(ran.out))


def verdicts(book: str) -> dict[str, str]:
    qc("run", write("run.yaml", book), "--data", "data", "--no-model", "--out", "out")
    lines = map(json.loads, Path("out/outcomes.jsonl").read_text("utf-8").splitlines())
    return {line["key"]: line["verdict"] or line["status"] for line in lines}


@pytest.mark.parametrize(
    "sentence",
    ["如果 年龄 大于 60 则 不适用", "当 年龄 大于 60 即视为 合格", "当 年龄 大于 60 即视为 缺陷"],
)
def test_records_that_a_new_rule_takes_from_the_obligations_show_what_they_were(
    sentence: str,
) -> None:
    new = DUTIES.replace("  停药:", f"  年纪: {sentence}\n  停药:")
    found = compared(DUTIES, new)
    before, after = verdicts(DUTIES), verdicts(new)
    moved = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    said = {
        key: (one["from"], one["to"])
        for one in found["outcomes"]  # type: ignore[attr-defined]
        for key in one["keys"]
    }
    assert said == moved
    gone = {
        (one["rule"], one["from"], one["to"]): one["keys"]
        for one in found["obligations"]  # type: ignore[attr-defined]
    }
    assert gone == {
        ("停药", "violated", "exempt"): ["1"],
        ("主诉", "violated", "exempt"): ["3"],
    }
    back = compared(new, DUTIES)
    assert {
        (one["rule"], one["from"], one["to"]): one["keys"]
        for one in back["obligations"]  # type: ignore[attr-defined]
    } == {("停药", "exempt", "violated"): ["1"], ("主诉", "exempt", "violated"): ["3"]}


def test_contradictions_are_shown_by_a_record_of_the_data() -> None:
    rules = (
        "  老: 当 年龄 大于 60 即视为 合格\n"
        "  素: 当 存在 医嘱，药品 包含 “红霉素” 即视为 缺陷\n"
        "  小: 当 年龄 小于 3 即视为 缺陷\n"
        "  短: 当 主诉 字数 小于 2 且 年龄 小于 9 即视为 合格\n"
    )
    book = write("book.yaml", DUTIES + rules)
    write("data/病例.csv", CASES)
    write("data/医嘱.csv", ORDERS)
    made_up = qc("check", book)
    assert (made_up.code, made_up.out.count("QC301"), "数据里" in made_up.out) == (1, 3, False)
    real = qc("check", book, "--data", "data")
    assert (real.code, real.out.count("QC301")) == (1, 3)
    assert real.out.count("数据里 住院号 为“1”的病例") == 1
    assert "发热" not in real.out
    missing = qc("check", book, "--data", "nowhere.csv")
    assert (missing.code, "QC401" in missing.out) == (1, True)
