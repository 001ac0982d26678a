"""Questions inside conditions: asked in rounds, once each, and no more than can matter."""

from __future__ import annotations

import pytest

from qc_dsl.lang import Text
from qc_runtime.backend import Reply, Request
from qc_runtime.outcome import Status
from support.obligations import (
    ASKED,
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


@pytest.mark.parametrize("length", [10, 100])
def test_a_finding_of_the_models_has_its_reason_and_from_long_texts_a_quotation(
    judged: Judge, length: int
) -> None:
    history = "摔伤" * (length // 2)
    result = judged(compiled(摔伤=ASKED), [{"现病史": history}], script=lambda _: "B")
    [finding] = one(result).findings
    assert finding.explanation == "答案为 B。"
    quotes = [quote.quote for quote in finding.evidence if quote.quote != history]
    assert (history[:8] in quotes) == (length == 100)


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
