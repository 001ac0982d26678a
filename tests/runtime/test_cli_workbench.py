"""``qc test`` and ``qc coverage``, from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xlsxwriter

from support.qc import at_home, qc
from support.workbench import BOOK, DUTY, OLD, YOUNG, run, with_tests, write


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_home(tmp_path, monkeypatch)


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
