"""``qc`` over cases with tables, from outside: run, test, eval by rules, explain."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import python_calamine as calamine

from support.chat_server import chat_server
from support.qc import Ran, at_home, environment, qc
from support.tables import CASES, NOTES, ORDERS, write_book, write_csv, write_folder

RULEBOOK = Path(__file__).parents[1] / "cases" / "orders.yaml"
BETWEEN = """
规则集: 用时
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 住院号}
字段: {}
表: {医嘱: {列: {起: 时间, 止: 时间, 用时: {从: 起, 到: 止}}}}
规则: {久: "每条 医嘱：须 用时 不大于 3 天，否则 缺陷 “用久了”"}
"""
FINDING = {"rule", "message", "points", "row", "evidence", "status", "confidence"}
STATUSES = ("decided", "exempt", "data_missing", "needs_review", "pending", "error")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_home(tmp_path, monkeypatch)


def run(*data: object, more: tuple[object, ...] = ("--no-model",)) -> Ran:
    given = [part for one in data for part in ("--data", one)]
    return qc("run", RULEBOOK, *given, "--out", "out", *more)


def outcomes() -> dict[str, dict[str, Any]]:
    lines = Path("out/outcomes.jsonl").read_text("utf-8").splitlines()
    return {one["key"]: one for one in map(json.loads, lines)}


def summary() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out/summary.json").read_text("utf-8"))
    return found


# qc run


def test_a_run_over_a_folder_finds_explains_and_scores() -> None:
    ran = run(write_folder(Path("data")))
    assert ran.code == 0
    found = outcomes()
    assert [one["status"] for one in found.values()] == [
        "decided", "pending", "decided", "data_missing"
    ]  # fmt: skip
    [finding] = found["1"]["findings"]
    assert set(finding) == FINDING
    assert finding["row"] == {"table": "医嘱", "key": "A3", "time": "2025-02-01 08:00"}
    assert finding["message"] == "未体现用药, 医嘱日期:2025-02-01 08:00, 内容:未填写"
    assert (found["1"]["score"], found["1"]["grade"]) == (88.0, "乙级")
    assert found["3"]["score"] is None
    assert "第 6 行" in ran.err
    assert "停了" in ran.err


def test_every_rule_and_record_is_accounted_for() -> None:
    run(write_folder(Path("data")))
    found = summary()
    assert set(found["by_rule_status"]) == {"日间", "体现用药", "伤因"}
    for row in found["by_rule_status"].values():
        assert sum(row[name] for name in STATUSES) == found["records"] == 4
        assert row["records_with_findings"] <= row["findings"]
    assert found["by_rule_status"]["体现用药"]["findings"] == found["findings"] == 1
    for rule, concerned in found["by_rule"].items():
        assert concerned == found["records"] - found["by_rule_status"][rule]["exempt"]
    wards = found["by_department"].values()
    for ward in wards:
        assert sum(ward["by_status"].values()) == ward["records"]
        assert sum(ward["by_verdict"].values()) == ward["by_status"]["decided"]
        assert all(sum(row.values()) == ward["records"] for row in ward["by_rule_status"].values())
    for rule, row in found["by_rule_status"].items():
        for name in STATUSES:
            assert sum(ward["by_rule_status"][rule][name] for ward in wards) == row[name]
    assert sum(one["records"] for one in wards) == 4
    assert found["by_department"]["内科"]["score"]["mean"] == 88.0
    assert [found["tables"]["医嘱"][name] for name in ("orphans", "keyless")] == [1, 1]
    assert found["unreadable_cells"] == 1


def test_the_terminal_says_of_rules_and_departments_what_is_open_and_why_rows_are_left_out() -> (
    None
):
    ran = run(write_folder(Path("data")))
    assert "表“医嘱”有 1 行的主键不是任何病例的，1 行没有主键，没有计入" in ran.out
    [head] = [line.split() for line in ran.out.splitlines() if line.split()[:1] == ["科室"]]
    assert head[:2] == ["科室", "例数"]
    assert {"资料缺失", "待问模型"} <= set(head)
    sheet = calamine.load_workbook("out/outcomes.xlsx").get_sheet_by_name("汇总").to_python()
    [heads] = [row for row in sheet if row[0] == "科室"]
    lines = [row for row in sheet if row[0] in ("内科", "外科", "日间病房")]
    end = heads.index("缺陷处数")
    assert len(lines) == 3
    assert all(row[1] == sum(row[2:end]) for row in lines)
    assert not [row for row in sheet if "涉及例数" in str(row[0])]


def test_findings_show_the_times_that_decided_and_the_window_that_was_searched() -> None:
    run(write_folder(Path("data")))
    [finding] = outcomes()["1"]["findings"]
    order, searched = finding["evidence"][-2:]
    assert order == {"field": "医嘱.开始时间", "quote": "2025-02-01 08:00"}
    assert searched == {
        "field": "病程.记录时间",
        "quote": "",
        "window": {"from": "2025-02-01 08:00", "to": "2025-02-04 08:00"},
        "rows": {"total": 1, "met": 0, "unknown": 0, "inside": 0, "unclear": 0,
                 "before": "2025-01-03 09:00", "after": None},
    }  # fmt: skip
    [head, line] = calamine.load_workbook("out/outcomes.xlsx").get_sheet_by_name("缺陷").to_python()
    assert (
        "病程.记录时间：共 1 行，符合 0 行；范围 2025-02-01 08:00 至 2025-02-04 08:00 内 0 行，"
        in (line[head.index("依据")])
    )
    told = qc("explain", RULEBOOK, "--data", "data", "--case", "1").out
    assert "范围 2025-02-01 08:00 至 2025-02-04 08:00 内 0 行，之前最近 2025-01-03 09:00" in told


def test_named_files_and_a_workbook_give_the_same_outcomes() -> None:
    write_folder(Path("data"))
    run("data/病例.csv", "医嘱=data/医嘱.csv", "病程=data/病程.csv")
    named = outcomes()
    run(write_book(Path("all.xlsx"), {"病例": CASES, "医嘱": ORDERS, "病程": NOTES}))
    assert outcomes() == named


def test_the_workbook_has_the_findings_and_the_scores() -> None:
    run(write_folder(Path("data")))
    book = calamine.load_workbook("out/outcomes.xlsx")
    assert book.sheet_names == ["结果", "汇总", "缺陷", "待处理"]
    head, *lines = book.get_sheet_by_name("缺陷").to_python()
    assert head[:4] == ["主键", "规则", "缺陷", "扣分"]
    assert [line[0] for line in lines] == ["1"]
    results = book.get_sheet_by_name("结果").to_python()
    assert {"缺陷数", "得分", "等级"} <= set(results[0])
    assert "体现用药" in {row[0] for row in book.get_sheet_by_name("汇总").to_python()}


def test_a_table_that_was_not_given_is_said_and_leaves_its_rules_open() -> None:
    write_folder(Path("data"))
    ran = run("data/病例.csv", "医嘱=data/医嘱.csv")
    assert "没有给出表：病程" in ran.out
    assert summary()["absent_tables"] == ["病程"]
    assert outcomes()["1"]["status"] == "data_missing"


def test_results_are_private_and_no_table_stays_behind() -> None:
    run(write_folder(Path("data")))
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"outcomes.jsonl", "outcomes.xlsx", "summary.json", "answers.sqlite"}
    for path in Path("out").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_bad_tables_leave_no_folder() -> None:
    write_folder(Path("data"))
    write_csv(Path("data/病程.csv"), [{"住院号": "1", "记录": ""}])
    ran = run("data")
    assert ran.code == 2
    assert "QC409" in ran.err
    assert not Path("out").exists()


def test_a_killed_run_leaves_answers_and_the_next_clears_its_tables() -> None:
    """SIGKILL while the model is asked: what was answered counts, the tables' folder goes."""
    cases = [dict(CASES[1]) | {"住院号": str(n), "现病史": f"摔伤{n}天"} for n in range(40)]
    Path("data").mkdir()
    write_csv(Path("data/病例.csv"), cases)
    write_csv(Path("data/病程.csv"), NOTES)
    with chat_server(lambda user: {"A": 0.05, "B": 0.95}, delay=0.2) as server:
        options = ("--endpoint", server.url, "--endpoint-model", "m", "--explain", "none")
        command = [sys.executable, "-c", "from qc_runtime.cli import main; main()", "run"]
        command += [str(RULEBOOK), "--data", "data", "--out", "out", *options]
        process = subprocess.Popen(command, env=environment(QC_LANG="zh"))
        while len(server.answered) < 20:  # more than are ever on their way at once
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert list(Path("out").glob(".tables-*"))
        while len(server.answered) < len(server.asked):  # those on their way when it was killed
            time.sleep(0.05)
        before = len(server.asked)
        assert before < 40
        assert run("data", more=options).code == 0
        assert len(server.asked) - before < 40
    assert not list(Path("out").glob(".tables-*"))
    assert summary()["by_verdict"]["缺陷"] == 40


def test_a_column_between_two_others_is_loaded_from_a_file() -> None:
    Path("r.yaml").write_text(BETWEEN, "utf-8")
    Path("data").mkdir()
    orders = [("1", "2025-01-01 08:00", "2025-01-09 08:00"), ("2", "2025-01-01", "2025-01-02")]
    names = ("住院号", "起", "止")
    write_csv(Path("data/医嘱.csv"), [dict(zip(names, row, strict=True)) for row in orders])
    ran = qc("run", "r.yaml", "--data", "data", "--no-model", "--out", "out")
    assert ran.code == 0, ran.err
    assert {key: one["verdict"] for key, one in outcomes().items()} == {"1": "缺陷", "2": "合格"}


# qc test


def test_inline_tests_have_tables_answers_and_findings() -> None:
    tests = """
测试:
  - 科室: 内科
    医嘱: [{药品: 莫西沙星, 开始时间: 2025-01-01, 状态: 已执行, 用途: 静滴}]
    病程: []
    应为: 缺陷
    缺陷: [体现用药]
  - {科室: 内科, 现病史: 摔伤, 医嘱: [], 病程: [], 回答: {伤因写清: 否}, 应为: 缺陷, 缺陷: [伤因]}
  - {科室: 内科, 现病史: 摔伤, 医嘱: [], 病程: [], 回答: {伤因写清: 是}, 应为: 合格, 缺陷: []}
  - {科室: 内科, 现病史: 摔伤, 医嘱: [], 病程: [], 应为: 合格}
  - {科室: 内科, 现病史: 咳嗽, 医嘱: [], 应为: 合格}
  - 现病史: 咳嗽
    医嘱: [{药品: 莫西沙星, 开始时间: 2025-01-01, 状态: 已执行, 用途: 静滴}]
    科室: 内科
    应为: 资料缺失
  - {科室: 内科, 现病史: 摔伤, 医嘱: [], 回答: {伤因写清: 否}, 应为: 缺陷, 缺陷: [体现用药]}
"""
    path = Path("t.yaml")
    path.write_text(RULEBOOK.read_text("utf-8") + tests, "utf-8")
    ran = qc("test", path, "--no-model")
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "通过 5，失败 1，未运行 1"
    assert "缺陷应为 体现用药，实为 伤因" in ran.out


# qc eval --labels


def labels(*lines: object) -> Path:
    path = Path("labels.jsonl")
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    return path


def evaluated(path: Path, *more: object) -> Ran:
    return qc("eval", RULEBOOK, "--data", "data", "--labels", path, "--no-model", *more)


def test_eval_by_rules_gives_precision_recall_and_what_differs() -> None:
    write_folder(Path("data"))
    path = labels(
        {"key": "1", "rules": ["体现用药"]},
        {"key": "2", "rules": ["伤因"]},
        {"key": "4", "rules": []},
    )
    ran = evaluated(path, "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert (found["n"], found["exact"]) == (3, 2)
    assert found["micro"] == {
        "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2,
        "predicted": 1, "correct": 1,
    }  # fmt: skip
    assert found["per_rule"]["伤因"]["recall"] == 0.0
    assert found["macro"]["f1"] == 0.5
    assert found["disagreements"] == [
        {"key": "2", "status": "pending", "missed": ["伤因"], "extra": []}
    ]
    shown = evaluated(path).out
    assert "2: 漏 伤因" in shown
    assert "0.667" in shown


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('{"key": "1", "rules": ["体现用要"]}', "体现用药"),
        ('{"key": "77", "rules": []}', "没有病例“77”"),
        ('{"key": "1"}', "rules"),
        ('{"key": "1", "rules": "伤因"}', "列表"),
        ("{oops", "JSON"),
        ('["1"]', "key"),
    ],
)
def test_a_bad_label_is_named_by_its_line(line: str, named: str) -> None:
    write_folder(Path("data"))
    path = Path("bad.jsonl")
    path.write_text('{"key": "2", "rules": []}\n\n' + line + "\n", "utf-8")
    ran = evaluated(path)
    assert ran.code == 2
    assert "QC614" in ran.err
    assert "第 3 行" in ran.err
    assert named in ran.err


def test_eval_wants_labels_one_way_or_the_other() -> None:
    write_folder(Path("data"))
    assert "QC611" in qc("eval", RULEBOOK, "--data", "data", "--no-model").err


# qc explain


def test_explain_goes_through_rows_and_clauses() -> None:
    write_folder(Path("data"))
    ran = qc("explain", RULEBOOK, "--data", "data", "--case", "1")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "住院号 1 ─ 缺陷（规则“体现用药”） 88 乙级"
    assert "    医嘱 A3（2025-02-01 08:00）：缺陷" in lines
    assert any("医嘱.药品[莫西沙星]" in line for line in lines)
    assert any(line.strip().startswith("除外 外用") for line in lines)
    assert any("病程 1 行：是 0" in line for line in lines)
    assert "    其余各行：除外 外用 1" in lines


def test_explain_agrees_with_the_run_about_rows_that_are_exempt() -> None:
    out_of_use = [{**row, "用途": "外用"} for row in ORDERS[:1]]
    write_csv(Path("病例.csv"), [{**CASES[0], "出院时间": ""}])
    write_csv(Path("医嘱.csv"), out_of_use)
    write_csv(Path("病程.csv"), NOTES[:1])
    given = ("病例.csv", "医嘱=医嘱.csv", "病程=病程.csv")
    assert run(*given).code == 0
    said = outcomes()["1"]
    assert (said["status"], said["grade"]) == ("decided", "甲级")
    told = qc("explain", RULEBOOK, *(f"--data={one}" for one in given), "--case", "1").out
    assert told.splitlines()[0] == f"住院号 1 ─ {said['verdict']} {said['score']:g} 甲级"


def test_explain_tells_a_gate_that_waits_for_the_model_from_missing_data() -> None:
    write_csv(Path("病例.csv"), [{"号": "1", "史": "体健"}, {"号": "2", "史": ""}])
    Path("rules.yaml").write_text(
        "规则集: 门\n结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}\n病例: {主键: 号}\n"
        "字段: {史: {}}\n"
        "适用: {无伤: 如果 史 未提及 “伤” 则 不适用}\n"
        "规则: {史: 须 史 字数 大于 1，否则 缺陷 “太短”}\n",
        "utf-8",
    )
    told = [qc("explain", "rules.yaml", "--data", "病例.csv", "--case", key) for key in "12"]
    heads = [ran.out.splitlines()[0] for ran in told]
    assert heads == ["号 1 ─ 待问模型（规则“无伤”）", "号 2 ─ 资料缺失（规则“无伤”），缺少：史"]
