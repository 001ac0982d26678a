"""What a machine and an author read: CI reports that say why, diffs that say what was before."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from support.qc import qc

BOOK = """\
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
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, "utf-8")
    return Path(name)


def test_a_ci_report_says_which_clause_failed_and_what_to_do_about_a_mended_todo() -> None:
    book = write("book.yaml", BOOK + TESTS)
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
        "test", write("book.yaml", BOOK + TESTS.replace("主诉: 发热", "主诉: 热")), "--no-model"
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
    new = BOOK.replace("  停药:", f"  年纪: {sentence}\n  停药:")
    found = compared(BOOK, new)
    before, after = verdicts(BOOK), verdicts(new)
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
    back = compared(new, BOOK)
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
    book = write("book.yaml", BOOK + rules)
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
