"""Obligations from rows to outcomes: by SQL, by the model, and every rule accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Program
from qc_dsl.lang import Text
from qc_dsl.source import Source
from qc_runtime import duties as duties_module
from qc_runtime.accounts import Account, AccountingError, Accounts
from qc_runtime.backend import Reply, Request
from qc_runtime.judge import Judged, judge
from qc_runtime.outcome import Outcome, RowPlace, Status
from qc_runtime.prefilter import Database
from qc_runtime.records.memory import recordset_of
from qc_runtime.scripted import Script, ScriptedBackend
from qc_runtime.store import AnswerStore
from qc_runtime.tables.load import load_rows
from qc_runtime.tables.workspace import workspace_in_memory

pytestmark = pytest.mark.usefixtures("chinese")
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


# By the data alone


def test_each_violating_row_is_a_finding_with_its_key_time_and_message(judged: Judge) -> None:
    late = ORDER | {"医嘱号": "B", "时间": "2025-02-01", "药品": "头孢 曲松"}
    tables = {"医嘱": [(0, ORDER), (0, late), (0, late | {"医嘱号": None})], "病程": [(0, NOTE)]}
    outcome = one(judged(compiled(用药=USED), [{}], tables))
    assert (outcome.status, outcome.verdict, outcome.rules) == (Status.DECIDED, "缺陷", ("用药",))
    assert (outcome.decided_by, outcome.confidence) == ("rule", None)
    assert [finding.message for finding in outcome.findings] == ["头孢 曲松 2025-02-01"] * 2
    assert outcome.findings[0].row == RowPlace("医嘱", "B", "2025-02-01")
    assert outcome.findings[1].row == RowPlace("医嘱", "3", "2025-02-01")  # by its number
    assert outcome.findings[0].points == 5


def test_what_is_blank_in_a_message_says_so(judged: Judge) -> None:
    tables = {"医嘱": [(0, ORDER | {"药品": None})], "病程": []}
    outcome = one(judged(compiled(用药=USED), [{}], tables))
    assert outcome.findings[0].message == "未填写 2025-01-01 08:00"


def test_met_rows_pass_and_no_rows_are_exempt(judged: Judge) -> None:
    program = compiled(用药=USED)
    tables = {"医嘱": [(0, ORDER)], "病程": [(0, NOTE)]}
    result = judged(program, [{}, {}], tables)
    assert [o.verdict for o in result.outcomes] == ["合格", "合格"]
    assert [account(result, "用药", n) for n in (0, 1)] == ["decided", "exempt"]


def test_a_table_that_was_not_given_is_missing_data_not_no_rows(judged: Judge) -> None:
    program = compiled(用药=USED)
    for tables in ({"病程": [(0, NOTE)]}, {"医嘱": [(0, ORDER)]}):
        result = judged(program, [{}], tables)
        assert one(result).status is Status.DATA_MISSING
        assert account(result, "用药") == "data_missing"
        assert {"医嘱", "病程"} - tables.keys() <= {(one(result).explanation or "")[-2:]}
    assert one(judged(program, [{}], {"医嘱": [], "病程": []})).verdict == "合格"


def test_a_missing_time_leaves_the_row_open(judged: Judge) -> None:
    tables = {"医嘱": [(0, ORDER | {"时间": "下周"})], "病程": [(0, NOTE)]}
    outcome = one(judged(compiled(用药=USED), [{}], tables))
    assert outcome.status is Status.DATA_MISSING
    assert outcome.explanation == "缺少：医嘱.时间（“下周”看不懂）"
    assert outcome.rules == ("用药",)


def test_a_finding_decides_though_something_else_is_open(judged: Judge) -> None:
    tables = {"医嘱": [(0, ORDER)], "病程": []}
    result = judged(compiled(用药=USED, 摔伤=ASKED), [{"现病史": None}], tables)
    assert one(result).verdict == "缺陷"
    assert account(result, "摔伤") == "data_missing"


def test_an_exception_exempts_its_row_only(judged: Judge) -> None:
    rule = f'{{句: "{USED}", 除外: {{外用: 用途 包含 “外用”}}}}'
    order = ORDER | {"用途": "外用"}
    tables = {"医嘱": [(0, order), (0, ORDER | {"用途": "口服"})], "病程": []}
    assert len(one(judged(compiled(用药=rule), [{}], tables)).findings) == 1
    result = judged(compiled(用药=rule), [{}], {"医嘱": [(0, order)], "病程": []})
    assert account(result, "用药") == "exempt"
    result = judged(compiled(用药=rule), [{}], {"医嘱": [(0, ORDER)], "病程": []})
    assert account(result, "用药") == "data_missing"  # it may be for external use


def test_a_gate_that_decides_exempts_and_one_that_is_unknown_leaves_open(judged: Judge) -> None:
    program = compiled(日间="如果 科室 包含 “日间” 则 不适用", 用药=USED)
    tables = {"医嘱": [(n, ORDER) for n in range(3)], "病程": []}
    result = judged(program, [{"科室": "日间"}, {"科室": None}, {"科室": "内科"}], tables)
    assert [o.verdict for o in result.outcomes] == ["不适用", None, "缺陷"]
    assert result.outcomes[1].status is Status.DATA_MISSING
    assert [account(result, "用药", n) for n in range(3)] == ["exempt", "data_missing", "decided"]
    assert [account(result, "日间", n) for n in range(3)] == ["decided", "data_missing", "exempt"]


def test_a_prefilter_that_differs_from_the_definition_is_an_error(
    judged: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault put in: the query calls a row violated that is not, or open."""
    for code in ("0", "NULL"):
        query = f'SELECT "#case", "#row", {code} AS code FROM "医嘱"'
        monkeypatch.setattr(duties_module, "obligation_query", lambda *_, query=query: query)
        met = {"医嘱": [(0, ORDER)], "病程": [(0, NOTE)]}
        violated = {"医嘱": [(0, ORDER)], "病程": []}
        result = judged(compiled(用药=USED), [{}], met if code == "0" else violated)
        assert (one(result).status, one(result).verdict) == (Status.ERROR, None)
        assert account(result, "用药") == "error"
        assert not one(result).findings


# With the model


def test_identical_questions_of_all_cases_are_asked_once(judged: Judge) -> None:
    asked: list[Request] = []

    def script(request: Request) -> str:
        asked.append(request)
        return "B"

    cases = [
        {"现病史": "摔伤1天"},
        {"现病史": "摔伤1天"},
        {"现病史": "摔伤 2天"},
        {"现病史": "咳嗽"},
    ]
    result = judged(compiled(摔伤=ASKED), cases, script=script)
    assert len(asked) == 2
    assert any("摔伤 2天" in request.user for request in asked)  # as it is written
    assert [o.verdict for o in result.outcomes] == ["缺陷"] * 3 + ["合格"]
    assert [o.decided_by for o in result.outcomes] == ["model"] * 3 + ["rule"]
    assert result.usage is not None
    assert (result.usage.requests, result.usage.unique_requests) == (3, 2)


@pytest.mark.parametrize(
    ("answer", "status", "verdict", "leaning", "found"),
    [
        (("A", 0.9), Status.DECIDED, "合格", None, []),
        (("B", 0.9), Status.DECIDED, "缺陷", None, [Status.DECIDED]),
        (("A", 0.7), Status.NEEDS_REVIEW, None, "合格", []),
        (("B", 0.7), Status.NEEDS_REVIEW, None, "缺陷", [Status.NEEDS_REVIEW]),
    ],
)
def test_an_answer_under_the_review_line_is_for_a_person(
    judged: Judge,
    answer: tuple[str, float],
    status: Status,
    verdict: str | None,
    leaning: str | None,
    found: list[Status],
) -> None:
    outcome = one(judged(compiled(摔伤=ASKED), [{"现病史": "摔伤"}], script=lambda _: answer))
    assert (outcome.status, outcome.verdict, outcome.leaning) == (status, verdict, leaning)
    assert [finding.status for finding in outcome.findings] == found
    assert outcome.confidence == pytest.approx(answer[1])


def test_without_a_model_its_rows_are_pending(judged: Judge) -> None:
    result = judged(compiled(摔伤=ASKED), [{"现病史": "摔伤"}])
    assert one(result).status is Status.PENDING
    assert account(result, "摔伤") == "pending"


def test_an_answer_that_fails_is_an_error_for_those_that_need_it(judged: Judge) -> None:
    reply = Reply(error=Text("超时", "timeout"))
    cases = [{"现病史": "摔伤"}, {"现病史": "咳嗽"}]
    result = judged(compiled(摔伤=ASKED), cases, script=lambda _: reply)
    assert [o.status for o in result.outcomes] == [Status.ERROR, Status.DECIDED]
    assert result.outcomes[0].explanation == "超时"
    assert account(result, "摔伤", 0) == "error"


EACH = "每条 医嘱：须 存在 病程 满足 相符，否则 缺陷 “{药品}”"


def test_only_the_answers_that_a_truth_rests_on_make_it_unsure(judged: Judge) -> None:
    """One sure yes is enough, whatever was said with little confidence about other rows."""

    def script(request: Request) -> tuple[str, float]:
        return ("A", 0.95) if "莫西" in request.user.split("莫西沙星", 1)[1] else ("B", 0.55)

    notes = [(0, NOTE), (0, NOTE | {"内容": "予莫西"}), (0, NOTE | {"内容": "换药"})]
    result = judged(compiled(相=EACH), [{}], {"医嘱": [(0, ORDER)], "病程": notes}, script)
    assert (one(result).verdict, one(result).decided_by) == ("合格", "model")
    assert one(result).confidence == pytest.approx(0.95)


def test_a_no_about_every_row_is_as_sure_as_the_least_sure_of_them(judged: Judge) -> None:
    def script(request: Request) -> tuple[str, float]:
        return ("B", 0.55) if "换药" in request.user else ("B", 0.95)

    notes = [(0, NOTE), (0, NOTE | {"内容": "换药"})]
    result = judged(compiled(相=EACH), [{}], {"医嘱": [(0, ORDER)], "病程": notes}, script)
    [finding] = one(result).findings
    assert (finding.status, finding.confidence) == (Status.NEEDS_REVIEW, pytest.approx(0.55))


def test_nothing_is_asked_that_cannot_matter(judged: Judge) -> None:
    def script(request: Request) -> str:
        raise AssertionError(request.user)

    met = "当 写清：须 现病史 包含 “伤”，否则 缺陷 “x”"
    result = judged(compiled(摔伤=met), [{"现病史": "摔伤"}], script=script)
    assert (one(result).verdict, account(result, "摔伤")) == ("合格", "decided")
    known = "须 现病史 包含 “咳” 且 写清，否则 缺陷 “x”"
    assert one(judged(compiled(摔伤=known), [{"现病史": "摔伤"}], script=script)).verdict == "缺陷"


def test_a_question_in_the_scope_comes_before_those_of_what_it_demands(judged: Judge) -> None:
    asked: list[str] = []

    def script(request: Request) -> str:
        asked.append(request.system + request.user)
        return "B"

    rule = "当 写清：须 现病史 体现 “受伤的时间”，否则 缺陷 “x”"
    result = judged(compiled(摔伤=rule), [{"现病史": "摔伤"}], script=script)
    assert len(asked) == 1
    assert account(result, "摔伤") == "exempt"


def test_a_question_may_stand_in_a_gate(judged: Judge) -> None:
    program = compiled(门="如果 写清 则 不适用", 用药=USED)
    tables = {"医嘱": [(0, ORDER), (1, ORDER)], "病程": []}
    cases = [{"现病史": "甲"}, {"现病史": "乙"}]

    def script(request: Request) -> str:
        return "A" if "甲" in request.user else "B"

    result = judged(program, cases, tables, script)
    assert [o.verdict for o in result.outcomes] == ["不适用", "缺陷"]
    assert [o.decided_by for o in result.outcomes] == ["model", "rule"]
    waiting = judged(program, cases, tables)
    assert [o.status for o in waiting.outcomes] == [Status.PENDING] * 2
    assert account(waiting, "用药", 0) == "pending"


def test_answers_are_stored_and_not_asked_again(judged: Judge) -> None:
    cases = [{"现病史": "摔伤"}]
    judged(compiled(摔伤=ASKED), cases, script=lambda _: "B")

    def again(request: Request) -> str:
        raise AssertionError("asked twice")

    assert one(judged(compiled(摔伤=ASKED), cases, script=again)).verdict == "缺陷"


# Accounts


def test_accounts_that_do_not_add_up_fail_loudly() -> None:
    accounts = Accounts(["甲"], 3)
    accounts.raise_to(0, 1, Account.DECIDED)
    accounts.raise_to(0, 1, Account.EXEMPT)  # the higher one stays
    assert dict(accounts.counts())["甲"]["decided"] == 1
    accounts._of[0][2] = 9
    with pytest.raises(AccountingError):
        dict(accounts.counts())
