"""Slots filled by a chat service: checked, asked for once more, and never made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from qc_runtime.backend import (
    ANSWER,
    QUOTE,
    REASON,
    THOUGHT,
    Choice,
    Line,
    Number,
    Quote,
    Reply,
    Request,
    Step,
    Thought,
)
from qc_runtime.endpoint.backend import EndpointBackend
from qc_runtime.endpoint.http import Patience
from qc_runtime.judging.questions import is_complete
from support.unruly_server import Answer, Script, Server, logprobs, says

NOTE = "患者于3月5日行左侧腹股沟疝修补术，术中出血约20ml。"
ASK = Step(ANSWER, Choice(("A", "B")), ("答案：",))
CITE = Step(QUOTE, Quote(NOTE), ("（不同）\n原文：“",), ("B",))
WHY = Step(REASON, Line(), ("”\n理由：",), ("B",))
CITED = Request("系统", f"手术记录：{NOTE}", (ASK, CITE, WHY))
GOOD = {"quote": "左侧腹股沟疝修补术", "reason": "侧别不同。"}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def ask(server: Server, request: Request, script: Script) -> Reply:
    server.script = script
    backend = EndpointBackend(
        server.url, "m", patience=Patience(tries=2, first_wait=0.01), timeout=0.5
    )
    [(_, reply)] = backend.answer([request])
    backend.close()
    return reply


def then(*bodies: Any, code: str = "B") -> Script:
    """The code by log-probabilities, then these contents one after the other."""
    contents = iter(bodies)

    def script(body: dict[str, Any], n: int) -> Answer:
        if body.get("max_tokens") == 1:
            return logprobs(**{code: 0.9})
        content = next(contents)
        if isinstance(content, Answer):
            return content
        return says(content if isinstance(content, str) else json.dumps(content))

    return script


def test_a_quotation_and_a_reason_come_in_one_json(server: Server) -> None:
    reply = ask(server, CITED, then(GOOD))
    assert dict(reply.values) == {ANSWER: (0.0, 1.0), **GOOD}
    code, rest = server.seen
    schema = rest["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["quote", "reason"]
    assert schema["required"] == ["quote", "reason"]
    assert [turn["role"] for turn in rest["messages"]] == ["system", "user", "assistant", "user"]
    assert rest["messages"][:2] == code["messages"]
    assert rest["messages"][2]["content"] == "答案：B"
    assert "理由" in rest["messages"][3]["content"]


def test_nothing_is_asked_that_the_code_does_not_lead_to(server: Server) -> None:
    reply = ask(server, CITED, then(code="A"))
    assert dict(reply.values) == {ANSWER: (1.0, 0.0)}
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD | {"quote": "左侧腹股沟疝修补"[::-1]},
        GOOD | {"quote": "左侧 腹股沟疝修补术"},
        GOOD | {"quote": ""},
        GOOD | {"quote": ["左侧"]},
        {"reason": "侧别不同。"},
        "侧别不同，一左一右。",
        '{"quote": "左侧',
        "[]",
        "",
    ],
)
def test_what_is_not_as_asked_is_asked_once_more_and_told_why(server: Server, wrong: Any) -> None:
    reply = ask(server, CITED, then(wrong, GOOD))
    assert reply.text(QUOTE) == GOOD["quote"]
    assert reply.text(REASON) == GOOD["reason"]
    assert len(server.seen) == 3
    assert "quote" in server.seen[2]["messages"][-1]["content"]
    assert server.seen[2]["messages"][-2]["role"] == "assistant"


def test_a_quotation_that_stays_wrong_is_none_and_the_answer_stands(server: Server) -> None:
    wrong = GOOD | {"quote": "右侧腹股沟疝"}
    reply = ask(server, CITED, then(wrong, wrong))
    assert reply.error is None
    assert dict(reply.values) == {ANSWER: (0.0, 1.0), QUOTE: None, REASON: GOOD["reason"]}
    assert is_complete(CITED, reply)  # asking again would bring nothing else
    assert len(server.seen) == 3


def test_prose_twice_is_no_reason_beside_a_quotation(server: Server) -> None:
    reply = ask(server, CITED, then("侧别不同", "侧别不同"))
    assert reply.error is None
    assert (reply.text(QUOTE), reply.text(REASON)) == (None, None)


def test_what_a_failure_kept_from_us_is_asked_again_next_time(server: Server) -> None:
    reply = ask(server, CITED, then(Answer(status=500), Answer(status=500)))
    assert reply.probabilities == (0.0, 1.0)
    assert not is_complete(CITED, reply)


@pytest.mark.parametrize("given", ["“左侧腹股沟疝修补术”", " 左侧腹股沟疝修补术\n"])
def test_marks_around_a_quotation_are_not_part_of_it(server: Server, given: str) -> None:
    assert ask(server, CITED, then(GOOD | {"quote": given})).text(QUOTE) == GOOD["quote"]


def test_json_within_a_fence_or_after_a_thought_is_read(server: Server) -> None:
    fenced = f"<think>嗯\n</think>\n```json\n{json.dumps(GOOD)}\n```"
    assert ask(server, CITED, then(fenced)).text(QUOTE) == GOOD["quote"]


def test_a_quotation_that_is_the_whole_question_must_be_had(server: Server) -> None:
    only = Request("系统", NOTE, (Step(QUOTE, Quote(NOTE)),))
    assert ask(server, only, then({"quote": "术中出血"})).text(QUOTE) == "术中出血"
    assert ask(server, only, then({"quote": "没有"}, {"quote": "没有"})).error is not None


COUNTED = Request("系统", NOTE, (ASK, Step("number", Number(4), ("\n数值：",), ("B",))))


@pytest.mark.parametrize(("given", "value"), [(20, 20.0), (-1.5, -1.5), ("20", 20.0), (0, 0.0)])
def test_a_number_is_read(server: Server, given: Any, value: float) -> None:
    reply = ask(server, COUNTED, then({"number": given}))
    assert reply.values["number"] == value
    schema = server.seen[1]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["number"] == {"type": "number"}


@pytest.mark.parametrize("given", ["二十", "20ml", True, None, 123456, "1e999", [20]])
def test_a_number_that_cannot_be_had_is_an_error(server: Server, given: Any) -> None:
    reply = ask(server, COUNTED, then({"number": given}, {"number": given}))
    assert reply.error is not None
    assert not reply.values
    assert NOTE not in reply.error.zh + reply.error.en


def test_a_number_behind_a_failing_server_is_an_error_too(server: Server) -> None:
    failed = ask(server, COUNTED, then(Answer(status=500), Answer(status=500)))
    assert failed.error is not None
    assert "500" in failed.error.zh


def test_a_second_choice_follows_from_the_first(server: Server) -> None:
    side = Step("side", Choice(("L", "R")), ("\n侧别：", "\n哪一侧不同："))
    last = Step(REASON, Line(), ("\n理由（左）：", "\n理由（右）："))
    replies = iter([logprobs(B=0.9), logprobs(L=0.2, R=0.7), says('{"reason": "右侧。"}')])
    reply = ask(server, Request("系统", NOTE, (ASK, side, last)), lambda body, n: next(replies))
    assert reply.values["side"] == pytest.approx((2 / 9, 7 / 9))
    assert reply.text(REASON) == "右侧。"
    said = [turn["content"] for turn in server.seen[2]["messages"] if turn["role"] == "assistant"]
    assert said == ["答案：B", "哪一侧不同：R"]
    assert "理由（右）" in server.seen[2]["messages"][-1]["content"]


# -- thinking ----------

THOUGHTFUL = Request("系统", NOTE, (Step(THOUGHT, Thought(200)), ASK, CITE, WHY))


@pytest.mark.parametrize(
    "message",
    [
        {"reasoning_content": " 先看侧别。", "content": "B"},
        {"reasoning": "先看侧别。", "content": None},
        {"content": "<think>先看侧别。</think>B"},
        {"content": "<think>先看侧别。"},
        {"content": "先看侧别。"},
    ],
)
def test_the_model_thinks_first_and_then_answers_in_one_token(
    server: Server, message: dict[str, str]
) -> None:
    thought = Answer({"choices": [{"message": message, "finish_reason": "stop"}]})
    replies = iter([thought, logprobs(B=0.9), says(json.dumps(GOOD))])
    reply = ask(server, THOUGHTFUL, lambda body, n: next(replies))
    assert reply.text(THOUGHT) == "先看侧别。"
    assert reply.probabilities == (0.0, 1.0)
    assert is_complete(THOUGHTFUL, reply)
    thinking, choosing, _ = server.seen
    assert thinking["chat_template_kwargs"] == {"enable_thinking": True}
    assert thinking["max_tokens"] == 200
    assert choosing["chat_template_kwargs"] == {"enable_thinking": False}
    assert choosing["max_tokens"] == 1
    assert choosing["messages"][2] == {"role": "assistant", "content": "先看侧别。"}


def test_a_thought_is_kept_within_its_bound(server: Server) -> None:
    replies = iter([says("想" * 100_000), logprobs(A=1.0)])
    reply = ask(server, THOUGHTFUL, lambda body, n: next(replies))
    assert len(reply.text(THOUGHT) or "") == 800


def test_without_logprobs_every_vote_thinks_for_itself(server: Server) -> None:
    votes = iter(
        [
            {"thought": "像左侧", "code": "A"},
            {"thought": "是右侧", "code": "B"},
            {"thought": "右侧无疑", "code": "B"},
        ]
    )

    def script(body: dict[str, Any], n: int) -> Answer:
        if "response_format" in body:
            names = body["response_format"]["json_schema"]["schema"]["required"]
            return says(json.dumps(next(votes) if "code" in names else GOOD))
        return says("我先想想")

    reply = ask(server, THOUGHTFUL, script)
    assert reply.probabilities == pytest.approx((0.375, 0.625))
    assert reply.text(THOUGHT) == "是右侧"
    voting = [body for body in server.seen if body.get("temperature") == 1]
    assert len(voting) == 3
    assert all(body["chat_template_kwargs"]["enable_thinking"] for body in voting)
    assert all("我先想想" not in json.dumps(body, ensure_ascii=False) for body in voting)


def test_nothing_thought_is_no_error(server: Server) -> None:
    replies = iter([says(""), logprobs(A=1.0)])
    reply = ask(server, THOUGHTFUL, lambda body, n: next(replies))
    assert reply.values[THOUGHT] is None
    assert reply.probabilities == (1.0, 0.0)


def test_a_thought_that_the_server_fails_to_give_is_an_error(server: Server) -> None:
    reply = ask(server, THOUGHTFUL, lambda body, n: Answer(status=500))
    assert reply.error is not None
