"""Outcomes of every kind, their records, and what a report of them is about."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from qc_compiler.values import Field, FieldType
from qc_runtime.outcome import Evidence, Outcome, Status, Usage
from qc_runtime.records import RecordSet, load_records
from qc_runtime.report.summary import RunInfo

FIELDS = (
    Field("住院号", FieldType.TEXT, ("住院号",)),
    Field("术前术式", FieldType.TEXT, ("术前术式",)),
    Field("手术记录", FieldType.LIST, ("手术记录",), separator="+"),
    Field("年龄", FieldType.NUMBER, ("年龄",)),
)
CSV = """住院号,术前术式,手术记录,年龄,期望
0012,痔切除术,=1+1,55,匹配
2,+宫腔镜,-宫腔镜下诊刮术,41,匹配
3,经尿道输尿管镜激光碎石术,@经尿道输尿管支架置入术,sixty,不匹配
4,甲,乙,,
5,丙,,3,
6,丁,戊,4,
7,己,庚,5,不适用
8,辛,壬,6,
"""
OUTCOMES = (
    Outcome(
        "0012",
        Status.DECIDED,
        "匹配",
        decided_by="rule",
        rules=("痔", "宫腔镜"),
        explanation="规则“痔”",
        evidence=(Evidence("手术记录", "内痔套扎术"), Evidence("术前术式", "痔切除术")),
    ),
    Outcome("2", Status.DECIDED, "匹配", decided_by="rule", rules=("宫腔镜",)),
    Outcome("3", Status.DECIDED, "不匹配", decided_by="model", confidence=0.931234),
    Outcome("4", Status.NEEDS_REVIEW, leaning="匹配", confidence=0.61),
    Outcome("5", Status.DATA_MISSING, explanation="手术记录 为空"),
    Outcome("6", Status.ERROR, explanation="超过上下文长度"),
    Outcome("7", Status.DECIDED, "不适用", decided_by="rule", rules=("日间病房",)),
    Outcome("8", Status.PENDING),
)
INFO = RunInfo(
    title="术前讨论计划手术一致率",
    id="surgery-consistency",
    version="1.0.0",
    basis="国卫办医政函〔2025〕227号 指标十七",
    data="records.csv",
    records=8,
    verdicts=(("匹配", "pass"), ("不匹配", "fail"), ("不适用", "exclude")),
    rules=("日间病房", "宫腔镜", "鼻内镜", "痔"),
    started=datetime(2025, 3, 1, 8),
    finished=datetime(2025, 3, 1, 8, 1, 5),
    model="demo",
    usage=Usage(4, 3, 1200, 800, 80, 8.0, 1.2),
    problems=1,
)


def reported(folder: Path) -> RecordSet:
    """The records of the outcomes, with the label column."""
    path = folder / "records.csv"
    path.write_text(CSV, "utf-8")
    return load_records(path, FIELDS, "住院号", extra=["期望"])
