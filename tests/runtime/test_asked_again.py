"""After a change, what is asked again is what the change is about, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Program
from qc_dsl.source import Source
from qc_runtime.backend import Request
from qc_runtime.cache import Layered, SharedCache
from qc_runtime.judging.judge import judge
from qc_runtime.outcome import Outcome
from qc_runtime.records.memory import recordset_of
from qc_runtime.scripted import ScriptedBackend
from qc_runtime.store import AnswerStore

pytestmark = pytest.mark.usefixtures("chinese")
RULES, CASES = 20, 15
HEAD = """
规则集: 二十条
编号: twenty
结论: {通过: 合格, 不通过: 缺陷}
病例: {主键: 号}
字段: {现病史: {}}
"""


def rulebook(**changed: str) -> Program:
    """Twenty questions, each in a rule of its own; ``changed`` replaces a question's text."""
    asks = [changed.get(f"问{n}", f"第{n}项写清了吗？") for n in range(RULES)]
    questions = "".join(
        f"  问{n}: {{问: {ask}, 看: [现病史], 复核线: {changed.get('复核线', '0.5')}}}\n"
        for n, ask in enumerate(asks)
    )
    message = changed.get("缺陷", "没写清")
    rules = "".join(f"  规则{n}: 须 问{n}，否则 缺陷 “{message}”\n" for n in range(RULES))
    text = f"{HEAD}问题:\n{questions}规则:\n{rules}"
    return read_and_compile(Source("twenty.yaml", text))[1]


def run(home: Path, program: Program, folder: str) -> tuple[list[Request], tuple[Outcome, ...]]:
    """A run with a folder of its own; what was asked and what came of it."""
    backend = ScriptedBackend(lambda request: "A" if "第7项" in request.system else "B")
    rows = [{"号": str(n), "现病史": f"病史{n}"} for n in range(CASES)]
    records = recordset_of(program.fields, program.key, rows)

    def fail(diagnostic: object) -> None:
        raise AssertionError(diagnostic)

    with (
        AnswerStore(home / folder / "answers.sqlite") as store,
        SharedCache(home / "shared.sqlite", fail) as cache,
    ):
        judged = judge(program, records, lambda: backend, Layered(store, cache))
    return backend.asked, judged.outcomes


def test_after_editing_one_of_20_rules_only_its_questions_are_asked_again(tmp_path: Path) -> None:
    first, _ = run(tmp_path, rulebook(), "first")
    assert len(first) == RULES * CASES
    edited = rulebook(问3="第3项写得具体吗？")
    for folder in ("first", "another"):
        again, outcomes = run(tmp_path, edited, folder)
        if folder == "first":
            assert len(again) == CASES  # that is 1 of 20 of all questions
            assert all("写得具体吗" in one.system + one.user for one in again)
        else:
            assert again == []
        assert len(outcomes) == CASES


@pytest.mark.parametrize("change", [{"缺陷": "改了说法"}, {"复核线": "0.6"}])
def test_editing_what_no_question_shows_asks_nothing_again(
    tmp_path: Path, change: dict[str, str]
) -> None:
    run(tmp_path, rulebook(), "first")
    again, outcomes = run(tmp_path, rulebook(**change), "second")
    assert again == []
    assert len(outcomes) == CASES


def test_a_change_taken_back_asks_nothing_again(tmp_path: Path) -> None:
    _, before = run(tmp_path, rulebook(), "first")
    run(tmp_path, rulebook(问3="第3项写得具体吗？"), "second")
    again, after = run(tmp_path, rulebook(), "third")
    assert again == []
    assert after == before
