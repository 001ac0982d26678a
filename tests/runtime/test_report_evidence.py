"""Evidence as a person reads it: in the sheet of findings and in ``qc explain``."""

from __future__ import annotations

from pathlib import Path

import pytest
import python_calamine as calamine

from qc_compiler.found import Searched, Window
from qc_runtime.outcome import Evidence
from qc_runtime.report.evidence import evidence_text
from support.qc import qc
from support.tables import write_csv

pytestmark = pytest.mark.usefixtures("chinese")
RULES = """
规则集: 行
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 号, 科室: 科室}
字段: {科室: {}, 史: {空值: [无]}, 龄: {类型: 数字}}
表: {病程: {时间: 时, 列: {时: 时间, 文: 文本}}}
规则:
  全: "须 所有 病程 满足 (文 包含 “甲”)，否则 缺陷 “不全”"
  史: "须 史 包含 “痛” 或 龄 大于 5，否则 缺陷 “没写史”"
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(RULES, "utf-8")
    write_csv(Path("病例.csv"), [{"号": "1", "科室": "内科", "史": "无", "龄": "3"}])
    notes = [{"号": "1", "时": f"2025-01-0{n} 08:00", "文": "乙"} for n in range(1, 6)]
    write_csv(Path("病程.csv"), notes)
    return tmp_path


def test_a_finding_of_the_whole_record_says_so_and_explain_counts_all_rows(told: Path) -> None:
    given = ("r.yaml", "--data", "病例.csv", "--data", "病程=病程.csv")
    said = qc("explain", *given, "--case", "1").out
    assert "整份病历：缺陷" in said
    assert "病程 5 行：是 0，未知 0（第 2、3、4 行，另有 2 行）" in said
    assert qc("run", *given, "--out", "out", "--no-model").code == 0
    [head, line] = calamine.load_workbook("out/outcomes.xlsx").get_sheet_by_name("缺陷").to_python()
    place = dict(zip(head, line, strict=True))
    assert (place["表"], place["行"], place["时间"]) == ("整份病历", "", "")


def test_a_cell_that_counts_as_blank_is_missing_and_not_called_unreadable(told: Path) -> None:
    Path("病程.csv").write_text("号,时,文\n1,2025-01-01,甲\n", "utf-8")
    qc("run", "r.yaml", "--data", "病例.csv", "--data", "病程=病程.csv", "--out", "o", "--no-model")
    [head, line] = calamine.load_workbook("o/outcomes.xlsx").get_sheet_by_name("结果").to_python()
    shown = dict(zip(head, line, strict=True))
    assert (shown["状态"], shown["说明"], shown["史"]) == ("资料缺失", "缺少：史", "无")


WINDOW = Window("2025-01-01 08:00", "2025-01-04 08:00")


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence("时", "2025-1-9", WINDOW),
         "时：“2025-1-9”，范围 2025-01-01 08:00 至 2025-01-04 08:00"),
        (Evidence("接收人", ""), "接收人：未填写"),
        (Evidence("病程", "", None, Searched(3, 1, 1)), "病程：共 3 行，符合 1 行，不能确定 1 行"),
        (Evidence("病程.时", "", Window(None, "2025-01-04"), Searched(2, 0, 0, 0, 1, after="1/9")),
         "病程.时：共 2 行，符合 0 行；"
         "范围 2025-01-04 以前 内 0 行（另有 1 行不能确定），之后最近 1/9"),
    ],
)  # fmt: skip
def test_evidence_in_words(evidence: Evidence, said: str) -> None:
    assert evidence_text(evidence) == said
