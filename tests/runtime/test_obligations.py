"""Obligations from rows to outcomes by the data alone, and every rule accounted for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qc_compiler.found import Searched, Window
from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Score
from qc_dsl.source import Source
from qc_runtime import prefilter as prefilter_module
from qc_runtime.judging import duties as duties_module
from qc_runtime.judging.accounts import Account, AccountingError, Accounts
from qc_runtime.outcome import Evidence, RowPlace, Status
from support.obligations import (
    ASKED,
    HEAD,
    NOTE,
    ORDER,
    USED,
    Judge,
    account,
    compiled,
    judged,
    one,
    store,
)

__all__ = ["judged", "store"]  # fixtures
pytestmark = pytest.mark.usefixtures("chinese")


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


BLANK = ORDER | {"时间": None}
NEAR = "存在 病程，记录时间 在 医嘱.时间 后 3 天内"


@pytest.mark.parametrize("notes", [[], [(0, NOTE)]], ids=["no note", "a note"])
def test_an_order_without_a_time_is_missing_data_beside_any_notes(
    judged: Judge, notes: list[tuple[int, dict[str, str]]]
) -> None:
    outcome = one(judged(compiled(用药=USED), [{}], {"医嘱": [(0, BLANK)], "病程": notes}))
    assert (outcome.status, outcome.findings) == (Status.DATA_MISSING, ())
    assert outcome.explanation == "缺少：医嘱.时间"


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (f"每条 医嘱 当 {NEAR}：须 药品 为 “x”，否则 缺陷 “y”", "exempt"),
        (f"每条 医嘱：须 不{NEAR}，否则 缺陷 “y”", "decided"),
    ],
    ids=["scope", "must not"],
)
def test_what_never_happened_needs_no_time(judged: Judge, rule: str, wanted: str) -> None:
    tables = {"医嘱": [(0, BLANK)], "病程": []}
    assert account(judged(compiled(用药=rule), [{}], tables), "用药") == wanted


def test_a_finding_about_a_window_carries_the_times_that_decided(judged: Judge) -> None:
    late = [(0, NOTE | {"记录时间": text}) for text in ("2024-12-31 7:00", "2025/1/4 08:01", None)]
    rule = "每条 医嘱：须 至少 2 条 病程 满足 (记录时间 在 医嘱.时间 后 3 天内)，否则 缺陷 “y”"
    tables = {"医嘱": [(0, ORDER)], "病程": [*late[:2], (0, NOTE)]}
    [finding] = one(judged(compiled(用药=rule), [{}], tables)).findings
    window = Window("2025-01-01 08:00", "2025-01-04 08:00")
    assert finding.evidence == (
        Evidence("医嘱.时间", "2025-01-01 08:00"),
        Evidence(
            "病程.记录时间",
            "",
            window,
            Searched(3, 1, 0, 1, 0, before="2024-12-31 7:00", after="2025/1/4 08:01"),
        ),
        Evidence("病程.记录时间", "2025-01-02 08:00", window),
    )
    two = "每条 医嘱：须 至少 3 条 病程 满足 (记录时间 在 医嘱.时间 后 3 天内)，否则 缺陷 “y”"
    tables = {"医嘱": [(0, ORDER)], "病程": [late[0], late[2]]}
    [finding] = one(judged(compiled(用药=two), [{}], tables)).findings
    assert finding.evidence[1].rows == Searched(2, 0, 1, 0, 1, before="2024-12-31 7:00")


@pytest.mark.parametrize(
    ("must", "wanted"),
    [
        ("时间 早于 科室时间", [("医嘱.时间", "2025-01-01 08:00"), ("科室时间", "2024-12-01")]),
        ("用途 不为空", [("医嘱.用途", "")]),
        ("药品 不包含 “莫西”", [("医嘱.药品", "莫西")]),
        ("存在 病程", [("病程", "")]),
    ],
)
def test_what_made_a_demand_false_is_its_evidence(
    judged: Judge, must: str, wanted: list[tuple[str, str]]
) -> None:
    text = f"每条 医嘱：须 {must}，否则 缺陷 “y”"
    source = HEAD.replace("  科室: {}", "  科室: {}\n  科室时间: {类型: 时间}")
    program = read_and_compile(Source("t.yaml", f"{source}规则:\n  甲: {text}\n"))[1]
    tables: dict[str, list[tuple[int, dict[str, str]]]] = {"医嘱": [(0, ORDER)], "病程": []}
    [finding] = one(judged(program, [{"科室时间": "2024-12-01"}], tables)).findings
    assert [(each.field, each.quote) for each in finding.evidence] == wanted


def test_a_finding_decides_though_something_else_is_open(judged: Judge) -> None:
    tables = {"医嘱": [(0, ORDER)], "病程": []}
    result = judged(compiled(用药=USED, 摔伤=ASKED), [{"现病史": None}], tables)
    assert one(result).verdict == "缺陷"
    assert (one(result).explanation or "").endswith("；尚未判定：摔伤")
    assert account(result, "摔伤") == "data_missing"


@pytest.mark.parametrize(("note", "score"), [("门诊随访", 95.0), (None, None)])
def test_a_score_is_given_only_when_every_rule_is_settled(
    judged: Judge, note: str | None, score: float | None
) -> None:
    program = replace(compiled(用药=USED, 摔伤=ASKED), score=Score(100, 90, 75))
    outcome = one(judged(program, [{"现病史": note}], {"医嘱": [(0, ORDER)], "病程": []}))
    assert (outcome.verdict, outcome.score) == ("缺陷", score)


def test_a_day_that_straddles_the_bound_is_said_to_be_the_reason(judged: Judge) -> None:
    day = NOTE | {"记录时间": "2025-01-04"}
    outcome = one(judged(compiled(用药=USED), [{}], {"医嘱": [(0, ORDER)], "病程": [(0, day)]}))
    assert outcome.status is Status.DATA_MISSING
    assert "只写了日期" in (outcome.explanation or "")


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


def test_many_cases_are_judged_a_part_at_a_time(
    judged: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts are the same cases: with parts of two, what comes out is what came out."""
    gate = "如果 存在 医嘱，用途 包含 “外用” 则 不适用"
    program = compiled(门=gate, 用药=USED, 摔伤="须 现病史 不包含 “摔伤”，否则 缺陷 “x”")
    cases = [{"现病史": "摔伤" if n % 3 else "咳嗽"} for n in range(7)]
    orders = [(n, ORDER | {"用途": "外用" if n == 5 else "静滴"}) for n in range(7)]
    tables = {"医嘱": orders, "病程": [(n, NOTE) for n in range(0, 7, 2)]}
    whole = judged(program, cases, tables)
    assert [o.verdict for o in whole.outcomes] == (
        ["合格", "缺陷", "缺陷", "缺陷", "缺陷", "不适用", "合格"]
    )
    monkeypatch.setattr(prefilter_module, "PART", 2)
    in_parts = judged(program, cases, tables)
    assert in_parts.outcomes == whole.outcomes
    assert dict(in_parts.accounts.counts()) == dict(whole.accounts.counts())


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


# Accounts


def test_accounts_that_do_not_add_up_fail_loudly() -> None:
    accounts = Accounts(["甲"], 3)
    accounts.raise_to(0, 1, Account.DECIDED)
    accounts.raise_to(0, 1, Account.EXEMPT)  # the higher one stays
    assert dict(accounts.counts())["甲"]["decided"] == 1
    accounts._of[0][2] = 9
    with pytest.raises(AccountingError):
        dict(accounts.counts())


def test_a_pass_with_nothing_to_check_says_so(judged: Judge) -> None:
    outcome = one(judged(compiled(用药=USED), [{}], {"医嘱": [], "病程": []}))
    assert outcome.verdict == "合格"
    assert (outcome.explanation or "").startswith("没有要查的内容")
