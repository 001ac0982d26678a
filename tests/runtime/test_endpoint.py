"""The endpoint back end against a real local server that behaves and misbehaves on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from qc_dsl.errors import QcError, render
from qc_runtime.backend import REASON, Reply, Request
from qc_runtime.endpoint.backend import EndpointBackend
from qc_runtime.endpoint.http import Patience
from support.asking import asked
from support.unruly_server import Answer, Server, logprobs, says

KEY = "sk-very-secret-0123456789"
QUICK = Patience(tries=3, first_wait=0.01)
REQUEST = asked("系统", "左侧与右侧", ("A", "B"))
EXPLAINED = asked("系统", "左侧与右侧", ("A", "B"), explain=("B",))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("QC_ENDPOINT_KEY", KEY)
    made = Server()
    yield made
    made.close()


def ask(server: Server, *requests: Request, **options: Any) -> list[Reply]:
    backend = EndpointBackend(server.url, "m", patience=QUICK, timeout=0.5, **options)
    pairs = sorted(backend.answer(requests or [REQUEST]), key=lambda pair: pair[0])
    backend.close()
    assert [index for index, _ in pairs] == list(range(len(requests or [REQUEST])))
    for _, reply in pairs:
        assert KEY not in repr(reply)
    return [reply for _, reply in pairs]


# -- answers ----------


def test_probabilities_are_the_codes_shares_of_the_first_token(server: Server) -> None:
    server.script = lambda body, n: logprobs(A=0.6, B=0.2, C=0.1)
    [reply] = ask(server)
    assert reply.probabilities == pytest.approx((0.75, 0.25))
    sent = server.seen[0]
    assert sent["max_tokens"] == 1
    assert sent["logprobs"] is True
    assert sent["chat_template_kwargs"] == {"enable_thinking": False}
    assert sent["path"] == "/v1/chat/completions"


def test_the_key_is_sent_and_the_first_of_the_two_names_wins(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = lambda body, n: logprobs(A=1.0)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    ask(server)
    monkeypatch.delenv("QC_ENDPOINT_KEY")
    ask(server)
    assert server.keys == [f"Bearer {KEY}", "Bearer sk-other"]


def test_only_codes_to_be_explained_cost_a_second_call(server: Server) -> None:
    def script(body: dict[str, Any], n: int) -> Answer:
        if body["max_tokens"] == 1:
            side = body["messages"][1]["content"]
            return logprobs(A=0.1, B=0.9) if "左侧与右侧" in side else logprobs(A=0.9, B=0.1)
        return says("<think>嗯</think>\n侧别不同，一左一右，所以", "length")

    server.script = script
    alike = asked("系统", "同侧", ("A", "B"), explain=("B",))
    different, same = ask(server, EXPLAINED, alike)
    assert different.text(REASON) == "侧别不同，一左一右…"
    assert same.text(REASON) is None
    assert len(server.seen) == 3


def test_weights_decide_what_is_explained_but_do_not_change_probabilities(server: Server) -> None:
    server.script = lambda body, n: (
        logprobs(A=0.6, B=0.4) if body["max_tokens"] == 1 else says("侧别不同。")
    )
    weighted = asked("系统", "甲", ("A", "B"), explain=("B",), weights=(1.0, 2.0))
    [reply] = ask(server, weighted)
    assert reply.probabilities == pytest.approx((0.6, 0.4))
    assert reply.text(REASON) == "侧别不同。"


def test_an_answer_stands_without_its_explanation(server: Server) -> None:
    server.script = lambda body, n: (
        logprobs(B=1.0) if body["max_tokens"] == 1 else Answer(status=500)
    )
    [reply] = ask(server, EXPLAINED)
    assert reply.probabilities == (0.0, 1.0)
    assert reply.text(REASON) is None
    assert reply.error is None


def test_without_logprobs_votes_are_counted_and_never_certain(server: Server) -> None:
    votes = iter(['{"code": "B"}', '{"code": "B"}', '{"code": "A"}', *['{"code": "B"}'] * 3])
    server.script = lambda body, n: says("A") if body["max_tokens"] == 1 else says(next(votes))
    split, unanimous = ask(server, REQUEST, REQUEST, concurrency=1)
    assert split.probabilities == pytest.approx((0.375, 0.625))
    assert unanimous.probabilities == pytest.approx((0.125, 0.875))
    assert len(server.seen) == 1 + 3 + 3  # that there are no log-probabilities is found out once
    assert server.seen[1]["response_format"]["type"] == "json_schema"
    assert server.seen[1]["temperature"] == 1


def test_one_wrong_vote_is_asked_again(server: Server) -> None:
    contents = iter(["可能是 A", '{"code": "A"}', '{"code": "A"}', '{"code": "A"}'])
    server.script = lambda body, n: says("A") if body["max_tokens"] == 1 else says(next(contents))
    assert ask(server)[0].probabilities == pytest.approx((0.875, 0.125))


@pytest.mark.parametrize(
    "content",
    ["我认为是 A", '{"code": "C"}', '{"code": ["A"]}', '"A"', '{"verdict": "A"}', "", "[1", "A"],
)
def test_prose_and_other_json_are_an_error_and_never_an_answer(
    server: Server, content: str
) -> None:
    server.script = lambda body, n: says(content)
    [reply] = ask(server)
    assert reply.error is not None
    assert reply.probabilities == ()


def test_a_first_token_that_is_hardly_a_code_is_no_answer(server: Server) -> None:
    server.script = lambda body, n: (
        logprobs(A=0.01, The=0.9) if body["max_tokens"] == 1 else says("The answer is A")
    )
    assert ask(server)[0].error is not None


# -- features a server may not know ----------


def test_a_refused_feature_is_left_out_from_then_on(server: Server) -> None:
    def script(body: dict[str, Any], n: int) -> Answer:
        refused = "chat_template_kwargs" in body
        return Answer({"error": "unknown"}, status=400) if refused else logprobs(A=1.0)

    server.script = script
    replies = ask(server, REQUEST, REQUEST, concurrency=1)
    assert all(reply.probabilities == (1.0, 0.0) for reply in replies)
    assert len(server.seen) == 3


def test_a_prompt_the_server_refuses_is_one_error_and_others_go_on(server: Server) -> None:
    def script(body: dict[str, Any], n: int) -> Answer:
        long = len(body["messages"][1]["content"]) > 1000
        return Answer({"error": "too long"}, status=400) if long else logprobs(A=1.0)

    server.script = script
    long = asked("系统", "长" * 2000, ("A", "B"))
    bad, good = ask(server, long, REQUEST, concurrency=1)
    assert bad.error is not None
    assert good.probabilities == (1.0, 0.0)
    assert "logprobs" in server.seen[-1]  # one refused prompt teaches nothing about features
    assert "chat_template_kwargs" in server.seen[-1]


# -- failures that pass, and those that do not ----------


@pytest.mark.parametrize(
    "failure",
    [
        Answer(status=429, headers={"Retry-After": "0"}),
        Answer(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Answer(status=500, headers={"Retry-After": "soon"}),
        Answer(drop=True),
        Answer(delay=0.8, body={}),
    ],
    ids=["429", "503 with a date", "500", "dropped", "slow"],
)
def test_a_failure_that_passes_is_waited_out(server: Server, failure: Answer) -> None:
    server.script = lambda body, n: failure if n < 3 else logprobs(A=1.0)
    assert ask(server)[0].probabilities == (1.0, 0.0)
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (Answer({"error": f"{KEY} 左侧与右侧"}, status=500), "500"),
        (Answer(status=429), "429"),
        (Answer(drop=True), "中断"),
        (Answer(delay=0.8, body={}), "超时"),
        (Answer("<html>502</html>"), "JSON"),
        (Answer([1, 2]), "JSON"),
    ],
    ids=["500", "429", "dropped", "slow", "html", "list"],
)
def test_a_failure_that_stays_is_an_error_of_that_request_alone(
    server: Server, failure: Answer, said: str
) -> None:
    def script(body: dict[str, Any], n: int) -> Answer:
        return failure if "左侧" in body["messages"][1]["content"] else logprobs(A=1.0)

    server.script = script
    bad, good = ask(server, REQUEST, asked("系统", "同侧", ("A", "B")))
    assert good.probabilities == (1.0, 0.0)
    assert bad.error is not None
    assert said in bad.error.zh
    assert KEY not in bad.error.zh + bad.error.en
    assert "左侧与右侧" not in bad.error.zh + bad.error.en
    assert bad.probabilities == ()


def test_retry_after_is_obeyed(server: Server) -> None:
    server.script = lambda body, n: (
        Answer(status=429, headers={"Retry-After": "0.4"}) if n == 1 else logprobs(A=1.0)
    )
    started = time.perf_counter()
    ask(server)
    assert time.perf_counter() - started >= 0.4


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_wrong_for_every_request_ends_the_run_without_the_key(
    server: Server, status: int
) -> None:
    server.script = lambda body, n: Answer({"error": f"bad key {KEY}"}, status=status)
    with pytest.raises(QcError) as caught:
        ask(server, *[REQUEST] * 50)
    assert caught.value.diagnostics[0].code == "QC512"
    shown = render(caught.value.diagnostics[0], "zh") + str(caught.value)
    assert KEY not in shown
    assert len(server.seen) < 50


def test_no_server_at_all_is_said_once(server: Server) -> None:
    server.close()
    with pytest.raises(QcError) as caught:
        ask(server)
    assert caught.value.diagnostics[0].code == "QC511"


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x/v1", "http://", "http://[::1"])
def test_a_bad_address_is_said_before_anything_is_sent(url: str) -> None:
    with pytest.raises(QcError) as caught:
        EndpointBackend(url, "m")
    assert caught.value.diagnostics[0].code == "QC510"


@pytest.mark.parametrize("key", ["sk-中文", "sk-a\nb"])
def test_a_key_that_cannot_be_sent_is_refused_unseen(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("QC_ENDPOINT_KEY", key)
    with pytest.raises(QcError) as caught:
        EndpointBackend("http://127.0.0.1:1", "m")
    assert key not in str(caught.value)


def test_neither_repr_nor_identity_shows_the_key_or_a_password(server: Server) -> None:
    backend = EndpointBackend("http://someone:hidden@127.0.0.1:1/v1", "m")
    for shown in (repr(backend), backend.identity, repr(vars(backend))):
        assert KEY not in shown
        assert "hidden" not in shown
    assert "127.0.0.1" in backend.identity
    assert "m" in backend.identity


# -- the run as a whole ----------


def test_requests_go_side_by_side_up_to_the_bound(server: Server) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def script(body: dict[str, Any], n: int) -> Answer:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        return logprobs(A=1.0)

    server.script = script
    ask(server, *[REQUEST] * 12, concurrency=4)
    assert 2 <= most[0] <= 4


def test_leaving_early_does_not_wait_and_the_back_end_still_works(server: Server) -> None:
    server.script = lambda body, n: logprobs(A=1.0)
    backend = EndpointBackend(server.url, "m", patience=QUICK, concurrency=1)
    for _ in backend.answer([REQUEST] * 200):
        break
    begun = len(server.seen)
    time.sleep(0.1)
    assert len(server.seen) <= begun + 2
    assert len(list(backend.answer([REQUEST]))) == 1
    backend.close()


def test_counters_add_up_what_the_server_reports(server: Server) -> None:
    server.script = lambda body, n: logprobs(A=1.0)
    backend = EndpointBackend(server.url + "/v1/", "m", patience=QUICK)
    list(backend.answer([REQUEST] * 3))
    assert backend.counters.prompt_tokens == 90
    assert backend.counters.generated_tokens == 3
    assert backend.counters.seconds > 0
    backend.close()
