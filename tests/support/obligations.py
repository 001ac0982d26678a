"""Small rulebooks with orders and notes, and judging a few cases under them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Program
from qc_dsl.source import Source
from qc_runtime.judging.accounts import Account
from qc_runtime.judging.judge import Judged, judge
from qc_runtime.outcome import Outcome
from qc_runtime.prefilter import Database
from qc_runtime.records.memory import recordset_of
from qc_runtime.scripted import Script, ScriptedBackend
from qc_runtime.store import AnswerStore
from qc_runtime.tables.load import load_rows
from qc_runtime.tables.workspace import workspace_in_memory

HEAD = """
规则集: 测试
编号: t
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 号}
字段:
  科室: {}
  现病史: {}
表:
  医嘱: {键: 医嘱号, 时间: 时间, 列: {时间: 时间, 药品: 文本, 用途: 文本}}
  病程: {时间: 记录时间, 列: {记录时间: 时间, 内容: 文本}}
问题:
  写清: {问: 写清了吗？, 看: [现病史], 复核线: 0.8}
  相符: {问: 记录说到这个药了吗？, 看: [医嘱.药品, 病程.内容], 复核线: 0.6}
"""
USED = "每条 医嘱：须 存在 病程，记录时间 在 医嘱.时间 后 3 天内，否则 缺陷 “{药品} {时间}” 扣 5 分"
ASKED = "当 现病史 包含 “摔伤”：须 写清，否则 缺陷 “没写清” 扣 3 分"
ORDER = {"医嘱号": "A", "时间": "2025-01-01 08:00", "药品": "莫西沙星"}
NOTE = {"记录时间": "2025-01-02 08:00", "内容": "好转"}
Row = Mapping[str, str | None]
Tables = Mapping[str, Sequence[Row]]


def compiled(**rules: str) -> Program:
    lines = "".join(f"  {name}: {rule}\n" for name, rule in rules.items())
    return read_and_compile(Source("t.yaml", f"{HEAD}规则:\n{lines}"))[1]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnswerStore]:
    with AnswerStore(tmp_path / "answers.sqlite") as opened:
        yield opened


Judge = Callable[..., Judged]


@pytest.fixture
def judged(store: AnswerStore) -> Judge:
    def run(
        program: Program,
        cases: Sequence[Row],
        tables: Mapping[str, Sequence[tuple[int, Row]]] | None = None,
        script: Script | None = None,
        **how: Any,
    ) -> Judged:
        """Cases, and rows with the number of their case."""
        numbered = [dict(case) | {"号": str(n)} for n, case in enumerate(cases)]
        records = recordset_of(program.fields, program.key, numbered)
        connect = None if script is None else lambda: ScriptedBackend(script)
        with workspace_in_memory() as work:
            given = {
                name: [(str(number), row) for number, row in rows]
                for name, rows in (tables or {}).items()
            }
            load_rows(work, program, records, given)
            database = Database(work.connection, tuple(given))
            return judge(program, records, connect, store, database=database, **how)

    return run


def one(result: Judged) -> Outcome:
    [outcome] = result.outcomes
    return outcome


def account(result: Judged, rule: str, number: int = 0) -> str:
    counts = dict(result.accounts.counts())[rule]
    if result.accounts.records == 1:
        return next(name for name, count in counts.items() if count)
    return next(a.name.lower() for a in Account if rule in result.accounts.having(number, a))
