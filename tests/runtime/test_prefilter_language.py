"""The SQL of every predicate over every pair of fields agrees with the interpreter.

Random drawing (`test_prefilter`) seldom hits the cells at which two readings part: an item that
is part of another, a day against a time within it. Here every predicate of the language meets
the cells of ``tests/cases/predicates.yaml``, which are chosen to lie there.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
import yaml
from sqlglot import exp

from qc_compiler import sql
from qc_compiler.interpret import Truth, evaluate
from qc_compiler.prefilter import TABLE
from qc_compiler.values import Raw
from qc_runtime.records.memory import recordset_of
from qc_runtime.records.recordset import RecordSet
from support.language import SCOPE, lowered

CASES = Path(__file__).parents[1] / "cases"
ROWS: list[dict[str, Any]] = yaml.safe_load((CASES / "predicates.yaml").read_text("utf-8"))
TEXTS, NUMBERS, TIMES = (
    ("文", "另文", "类", "列", "另列"),
    ("数", "另数"),
    ("日", "另日", "时", "另时"),
)
BETWEEN = (
    (TEXTS, ("为", "不为", "包含", "不包含")),
    (NUMBERS, ("为", "大于", "小于", "不大于", "不小于")),
    (TIMES, ("为", "早于", "晚于", "不早于", "不晚于")),
)


def sentences() -> list[str]:
    """Every sentence of the table, and every predicate between every two fields of a kind."""
    written = [row["zh"] for row in ROWS]
    for fields, words in BETWEEN:
        written += [f"{a} {word} {b}" for a, b in product(fields, fields) for word in words]
    return written + [f"{a} 与 {b} 侧别不同" for a, b in product(TEXTS, TEXTS)]


POOLS: dict[str, tuple[Raw, ...]] = {
    "text": (
        None, "甲", "乙", "痔切除术", "外痔切除术", "ＣＴ 平扫", "左侧疝修补术", "双侧疝",
        "自费", "尺骨骨折内固定术", "膝盖骨与桡骨", "胫骨平台植骨术",
    ),
    "category": (None, "自费", "职工", "外星人"),
    "list": (
        None, "甲", "甲+乙", "自费；自费", "外痔切除术+混合痔注射", "痔切除术；甲", "宫腔镜检查+甲",
        "乙；外痔切除术；左侧疝修补术", "甲+痔切除术", "+；", "右肾+左眼",
    ),
    "number": (None, "0", "1", "2.5", "60", "70", "-2", "很多"),
    "date": (None, "2025-01-02", "2025-01-03", "2025-01-04", "不详"),
    "datetime": (
        None, "2025-01-03", "2025-01-03 00:00", "2025-01-03 08:00", "2025-01-03 23:59:59",
        "2025-01-04 00:00", "2025-01-02",
    ),
}  # fmt: skip


def records() -> RecordSet:
    """A few hundred records in which every pair of cells of two fields is likely to be."""
    pick = Random(7)
    kinds = {field.name: field.type.value for field in SCOPE.fields.values()}
    rows: list[dict[str, Raw]] = [
        {name: pick.choice(POOLS[kind]) for name, kind in kinds.items()} | {"编号": str(number)}
        for number in range(400)
    ]
    fields = tuple(replace(field, lined=True) for field in SCOPE.fields.values())
    return recordset_of(fields, "编号", rows)


@pytest.fixture(scope="module")
def compared() -> dict[str, tuple[list[Truth], list[Truth]]]:
    """By sentence: what SQL says about every record, and what the interpreter says."""
    exprs = {text: lowered(text) for text in sentences()}
    drawn = records()
    columns = [
        exp.cast(sql.expression(e), "BOOLEAN").as_(f"t{n}") for n, e in enumerate(exprs.values())
    ]
    query = exp.select(*columns).from_(TABLE).sql(dialect="duckdb")
    with duckdb.connect(":memory:") as connection:
        connection.register(TABLE, drawn.arrow())
        found = connection.sql(query).fetchall()
    every = [drawn.record(row) for row in range(len(drawn))]
    return {
        text: ([row[n] for row in found], [evaluate(expr, record) for record in every])
        for n, (text, expr) in enumerate(exprs.items())
    }


Compared = dict[str, tuple[list[Truth], list[Truth]]]


def test_sql_says_of_every_predicate_what_the_interpreter_says(compared: Compared) -> None:
    differing = [text for text, (found, wanted) in compared.items() if found != wanted]
    assert differing == []


def test_the_records_put_the_predicates_to_the_test(compared: Compared) -> None:
    """A predicate that is never true, or never false, of any record proves little."""
    between = [
        f"{a} {w} {b}" for f, words in BETWEEN for a in f for b in f for w in words if a != b
    ]
    seen = [set(compared[text][1]) for text in between]
    assert sum({True, False, None} <= truths for truths in seen) >= 0.8 * len(seen)
