"""Texts by their lines: the same in memory and in the database, and never seen by a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_compiler.lines import LINES, by_lines
from qc_compiler.values import Field, FieldType, display
from qc_dsl.fold import fold
from qc_runtime.records.memory import recordset_of
from qc_runtime.tables.columns import select, shown_sql, typed
from qc_runtime.tables.folding import add_fold
from qc_runtime.tables.workspace import quoted
from support.qc import qc

pytestmark = pytest.mark.usefixtures("chinese")
TEXT = Field("文", FieldType.TEXT, (), lined=True)
_texts = st.text(alphabet="甲乙a1。，、：（;.　 \t\n\r\x0b\x1c\u2028\u0085\u200bＡé“", max_size=14)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        add_fold(connection)
        yield connection


def in_sql(
    database: duckdb.DuckDBPyConnection, field: Field, texts: list[str]
) -> list[tuple[str | None, str | None]]:
    database.execute("CREATE OR REPLACE TEMP TABLE t AS SELECT unnest(?) AS 文", [texts])
    one = typed(database, f"t{len(field.blanks)}", field)
    query = select([one], {"文": shown_sql("文")}, "rowid", "FROM t")
    found = database.sql(f"SELECT 文, {quoted('文' + LINES)} FROM ({query}) ORDER BY rowid")
    return [(text, lines) for text, lines in found.fetchall()]


def in_memory(field: Field, texts: list[str]) -> list[tuple[str | None, str | None]]:
    key = Field("键", FieldType.TEXT, ())
    rows = [{"键": str(at), "文": text} for at, text in enumerate(texts)]
    values = recordset_of((key, field), "键", rows).values
    return list(zip(values["文"], values["文" + LINES], strict=True))  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(_texts, min_size=1, max_size=30))
def test_the_database_reads_lines_as_python_does(
    database: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    found = in_sql(database, TEXT, texts)
    assert found == in_memory(TEXT, texts)
    for text, (value, lines) in zip(texts, found, strict=True):
        read = by_lines(display(text) or "")
        assert lines == (fold(read) if read else None)
        assert value or not lines


def test_a_cell_that_counts_as_blank_has_no_lines(database: duckdb.DuckDBPyConnection) -> None:
    field = replace(TEXT, blanks=("无记录",))
    texts = ["无\n记录", "甲\n乙", "甲"]
    wanted = [(None, None), ("甲乙", "甲;乙;甲乙;;乙;"), ("甲", None)]
    assert in_sql(database, field, texts) == wanted
    assert in_memory(field, texts) == wanted


RULEBOOK = """
规则集: 行
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段: {病历: {}, 既往史: {取自: 病历, 标题: 既往史}, 主诉: {}}
表: {病程: {列: {内容: 文本, 全文: 文本, 结论: {取自: 全文, 标题: 结论}}}}
规则:
  记录: 须 非 既往史 字面提及 “高血压”，否则 缺陷 “有高血压, 既往史:{既往史}”
  病程: 须 不存在 病程，结论 字面提及 “骨折”，否则 缺陷 “病程有骨折”
  主诉: 须 病程 的数量 为 1 且 不存在 病程，内容 字面提及 主诉，否则 缺陷 “病程有主诉”
  折行: 须 非 主诉 包含 “腹痛”，否则 缺陷 “折行也找得到”
其余: 合格
测试:
  - 病历: "既往史：无药物过敏史\\n高血压病史10年"
    病程: [{内容: "无腹痛\\n头痛", 全文: "结论：未见脱位\\n左胫骨骨\\n折"}]
    主诉: "头痛"
    应为: 缺陷
    缺陷: [记录, 病程, 主诉]
  - 病历: "既往史：无药物过敏史、\\n高血压病史"
    病程: [{内容: "无头痛\\n乏力", 全文: "结论：未见骨\\n折"}]
    主诉: 头痛
    应为: 合格
"""
CASES = (
    {"住院号": "1", "病历": "既往史：无药物过敏史\n高血压病史10年", "主诉": "腹\n痛"},
    {"住院号": "2", "病历": "既往史：否认高血压", "主诉": "头痛"},
    {"住院号": "3", "病历": "", "主诉": "头痛"},
)
NOTES = (
    {"住院号": "1", "内容": "无发热\n腹痛", "全文": "结论：未见脱位\n左胫骨骨\n折"},
    {"住院号": "2", "内容": "无头痛\n乏力", "全文": "结论：未见脱位、\n骨折"},
    {"住院号": "3", "内容": "无乏力\n头痛", "全文": "结论：良好"},
)


@pytest.fixture
def rulebook(tmp_path: Path) -> Path:
    for name, rows in (("病例", CASES), ("病程", NOTES)):
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    path = tmp_path / "rules.yaml"
    path.write_text(RULEBOOK, "utf-8")
    return path


def test_a_denial_ends_with_its_line_in_fields_and_in_tables(rulebook: Path) -> None:
    folder = rulebook.parent
    out = folder / "out"
    data = ("--data", folder / "病例.jsonl", "--data", f"病程={folder / '病程.jsonl'}")
    ran = qc("run", rulebook, *data, "--out", out)
    assert ran.code == 0, ran.err
    lines = (out / "outcomes.jsonl").read_text("utf-8").splitlines()
    found = {one["key"]: one for one in map(json.loads, lines)}
    rules = {key: [f["rule"] for f in one["findings"]] for key, one in found.items()}
    assert rules == {"1": ["记录", "病程", "主诉", "折行"], "2": [], "3": ["主诉"]}
    assert found["2"]["verdict"] == "合格"
    quotes = [quote["quote"] for f in found["1"]["findings"] for quote in f["evidence"]]
    assert "骨\n折" in quotes, "as it is written, across the line break"
    for file in out.rglob("*"):
        assert not file.is_file() or LINES.encode() not in file.read_bytes(), file


def test_its_own_tests_and_its_explanation_speak_of_the_fields(rulebook: Path) -> None:
    assert "失败 0，未运行 0" in qc("test", rulebook, "--no-model").out
    notes = f"病程={rulebook.parent / '病程.jsonl'}"
    data = ("--data", rulebook.parent / "病例.jsonl", "--data", notes)
    ran = qc("explain", rulebook, *data, "--case", "1")
    assert ran.code == 0, ran.err
    assert LINES not in ran.out
    assert "高血压" in ran.out
    ran = qc("explain", rulebook, *data, "--case", "3")
    assert "既往史" in ran.out, "what is missing is called by its own name"
    assert LINES not in ran.out
    assert qc("check", rulebook).out.count("从未用到") == 0
