"""A chat service that misbehaves in every way we know, and where records may not go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from qc_dsl.errors import QcError, render
from qc_runtime.backend import Reply
from qc_runtime.endpoint import http as chat_http
from qc_runtime.endpoint.allowed import check_allowed, parse_entry
from qc_runtime.endpoint.backend import EndpointBackend
from qc_runtime.endpoint.http import Patience
from support.asking import asked
from support.unruly_server import Answer, Server, logprobs

QUICK = Patience(tries=4, first_wait=0.01)
REQUESTS = [asked("系统", f"第{n}例", ("A", "B")) for n in range(12)]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No allow list but what a test writes."""
    monkeypatch.delenv("QC_ENDPOINT_ALLOW", raising=False)
    monkeypatch.setenv("QC_CONFIG", str(tmp_path))
    return tmp_path / "endpoints.txt"


def answers(server: Server, timeout: float = 0.5) -> list[Reply]:
    backend = EndpointBackend(server.url, "m", patience=QUICK, timeout=timeout, concurrency=4)
    try:
        return [reply for _, reply in sorted(backend.answer(REQUESTS), key=lambda pair: pair[0])]
    finally:
        backend.close()


# -- faults ----------


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=500),
        Answer(status=503, headers={"Retry-After": "0.02"}),
        Answer(status=429, headers={"Retry-After": "0.02"}),
        Answer(drop=True),
        Answer(delay=0.7, body={}),
    ],
    ids=["500", "503", "429", "dropped", "slow"],
)
def test_a_burst_of_failures_loses_no_answer(server: Server, fault: Answer) -> None:
    server.script = lambda body, n: fault if 3 <= n <= 7 else logprobs(A=0.8, B=0.2)
    replies = answers(server)
    assert [reply.error for reply in replies] == [None] * len(REQUESTS)
    assert {reply.probabilities for reply in replies} == {replies[0].probabilities}


def test_every_second_request_failing_loses_no_answer(server: Server) -> None:
    faults = [Answer(status=500), Answer(drop=True), Answer(status=429)]
    server.script = lambda body, n: faults[n // 2 % 3] if n % 2 else logprobs(A=1.0)
    backend = EndpointBackend(server.url, "m", patience=QUICK, timeout=0.5, concurrency=1)
    assert all(reply.error is None for _, reply in backend.answer(REQUESTS))
    backend.close()


def test_a_huge_reply_is_an_error_and_is_not_read_to_its_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_http, "_LONGEST_REPLY", 100_000)
    server.script = lambda body, n: (
        Answer("x" * 5_000_000) if "第0例" in body["messages"][1]["content"] else logprobs(A=1.0)
    )
    first, *rest = answers(server)
    assert first.error is not None
    assert "长" in first.error.zh
    assert all(reply.error is None for reply in rest)


def test_a_reply_that_drips_for_ever_times_out(server: Server) -> None:
    dripping = Answer("x" * 100, delay=0.1, pieces=100)
    server.script = lambda body, n: dripping
    backend = EndpointBackend(server.url, "m", patience=Patience(tries=1), timeout=0.4)
    started = time.perf_counter()
    [(_, reply)] = backend.answer(REQUESTS[:1])
    assert reply.error is not None
    assert "超时" in reply.error.zh
    assert time.perf_counter() - started < 3
    backend.close()


def test_json_nested_beyond_reason_is_an_error(server: Server) -> None:
    server.script = lambda body, n: Answer("[" * 200_000)
    assert all(reply.error is not None for reply in answers(server))


def test_a_redirect_is_not_followed(server: Server) -> None:
    other = Server()
    other.script = lambda body, n: logprobs(A=1.0)
    server.script = lambda body, n: Answer(status=307, headers={"Location": other.url})
    assert all(reply.error is not None for reply in answers(server))
    assert other.seen == []
    other.close()


def test_a_proxy_of_the_environment_sees_no_record(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Server()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server.script = lambda body, n: logprobs(A=1.0)
    assert all(reply.error is None for reply in answers(server))
    assert proxy.seen == []
    proxy.close()


# -- the allow list ----------


def refused(url: str) -> str | None:
    try:
        check_allowed(httpx.URL(url))
    except QcError as error:
        return render(error.diagnostics[0], "zh") if error.diagnostics[0].code == "QC513" else ""
    return None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_this_machine_is_always_allowed(host: str) -> None:
    assert refused(f"http://{host}:8000/v1") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.8:8000/v1",
        "https://api.example.com/v1",
        "http://localhost.example.com/v1",
        "http://127.0.0.1.example.com/v1",
        "http://127.0.0.1@example.com/v1",
        "http://0.0.0.0:8000/v1",
    ],
)
def test_any_other_machine_is_not_and_the_line_to_add_works(url: str, no_list: Path) -> None:
    told = refused(url)
    assert told is not None
    parsed = httpx.URL(url)
    line = f"{parsed.host}:{parsed.port or (443 if parsed.scheme == 'https' else 80)}"
    assert f"加一行 {line}" in told
    assert str(no_list) in told
    no_list.write_text(f"# 院内\n\n{line}  # 32B\n", "utf-8")
    assert refused(url) is None


def test_the_back_end_itself_refuses_before_anything_is_sent() -> None:
    with pytest.raises(QcError) as caught:
        EndpointBackend("http://llm.example.com/v1", "m")
    assert caught.value.diagnostics[0].code == "QC513"


@pytest.mark.parametrize(
    ("entry", "allowed", "others"),
    [
        (
            "llm.cn",
            ["http://llm.cn", "https://LLM.cn:8443/v1"],
            ["http://a.llm.cn", "http://xllm.cn"],
        ),
        ("llm.cn:8000", ["http://llm.cn:8000/v1"], ["http://llm.cn/v1", "http://llm.cn:80001"]),
        ("llm.cn:80", ["http://llm.cn/v1"], ["https://llm.cn/v1"]),
        (
            "https://llm.cn/qc",
            ["https://llm.cn/qc", "https://llm.cn:443/qc/v1/"],
            [
                "http://llm.cn/qc",
                "https://llm.cn/qcx",
                "https://llm.cn/",
                "https://llm.cn/qc/../v1",
            ],
        ),
        ("[fd00::1]:8000", ["http://[fd00::1]:8000"], ["http://[fd00::2]:8000"]),
    ],
)
def test_an_entry_allows_what_it_says_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, entry: str, allowed: list[str], others: list[str]
) -> None:
    monkeypatch.setenv("QC_ENDPOINT_ALLOW", f" other.cn , {entry},")
    assert [url for url in allowed if refused(url)] == []
    assert [url for url in others if not refused(url)] == []


@pytest.mark.parametrize(
    "entry", ["*.llm.cn", "llm.cn/v1", "http://u:p@llm.cn", "ftp://llm.cn", "a b", "http://"]
)
def test_an_entry_that_is_not_clear_is_said_and_never_guessed(entry: str) -> None:
    with pytest.raises(QcError) as caught:
        parse_entry(entry, "endpoints.txt:3")
    assert caught.value.diagnostics[0].code == "QC514"
    assert "endpoints.txt:3" in render(caught.value.diagnostics[0], "zh")


def test_the_file_in_the_home_folder_counts_where_nothing_else_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("QC_CONFIG")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config" / "qc").mkdir(parents=True)
    (tmp_path / ".config" / "qc" / "endpoints.txt").write_text("\ufeffllm.cn\r\n", "utf-8")
    assert refused("http://llm.cn:1") is None


def test_a_list_that_cannot_be_read_allows_nothing(no_list: Path) -> None:
    no_list.write_bytes(b"\xff\xfe")
    with pytest.raises(QcError) as caught:
        check_allowed(httpx.URL("http://llm.cn"))
    assert caught.value.diagnostics[0].code == "QC514"
