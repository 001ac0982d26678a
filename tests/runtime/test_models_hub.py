"""Models fetched over HTTP from a server on 127.0.0.1 that misbehaves in every known way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from qc_dsl.errors import Diagnostic, QcError
from qc_runtime import models
from qc_runtime.models import MODELS, Progress, cache, hub
from support.model_sources import CONTENT, PART, Server, reply, says, serving, tiny

SIZE = len(CONTENT)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setitem(MODELS, "tiny", tiny(sources=tiny().sources[1:]))
    monkeypatch.setattr(hub, "RETRY", hub.Retry(limit=3, first=0.001, most=0.002))
    with serving() as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", served.address + "/")
        yield served


def refused(source: str = "huggingface") -> Diagnostic:
    with pytest.raises(QcError) as error:
        models.pull("tiny", source=source)
    return error.value.diagnostics[0]


def leave(content: bytes) -> None:
    """What an earlier try fetched."""
    partial = cache.partial_path(tiny())
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(content)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("huggingface", "/Org/Tiny-GGUF/resolve/main/tiny.gguf"),
        ("modelscope", "/models/Org/Tiny-GGUF/resolve/master/tiny.gguf"),
    ],
)
def test_a_model_is_fetched_from_its_address(server: Server, source: str, path: str) -> None:
    assert models.pull("tiny", source=source).read_bytes() == CONTENT
    assert [asked for asked, _ in server.asked] == [path]


def test_a_dropped_connection_goes_on_where_it_broke(server: Server) -> None:
    server.script = [server.drop_at(1200), server.drop_at(2000)]
    seen: list[Progress] = []
    assert models.pull("tiny", progress=seen.append).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1200-", "bytes=2000-"]
    assert [p.phase for p in seen].count("retry") == 2


def test_more_drops_than_the_limit_are_fine_while_bytes_still_come(server: Server) -> None:
    server.script = [server.drop_at(stop) for stop in range(200, 2400, 200)]
    assert models.pull("tiny").read_bytes() == CONTENT


def test_a_later_pull_goes_on_where_an_earlier_one_gave_up(server: Server) -> None:
    server.script = [server.drop_at(1500), *[says(503)] * 3]
    problem = refused()
    assert problem.code == "QC504"
    assert "HTTP 503" in problem.message.zh
    assert models.bytes_here(tiny()) == 1500
    server.asked.clear()
    assert models.pull("tiny", source="modelscope").read_bytes() == CONTENT
    assert server.ranges == ["bytes=1500-"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_tried_again(server: Server, status: int) -> None:
    server.script = [says(status), says(status)]
    assert models.pull("tiny").read_bytes() == CONTENT


def test_retry_after_is_heeded(server: Server) -> None:
    server.script = [says(429, Retry_After="1")]
    before = time.monotonic()
    models.pull("tiny")
    assert time.monotonic() - before >= 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(server: Server, status: int) -> None:
    server.script = [says(status)]
    problem = refused()
    assert problem.code == "QC504"
    assert f"HTTP {status}" in problem.message.zh
    assert len(server.asked) == 1
    assert problem.help is not None
    assert ("HF_TOKEN" in problem.help.zh) == (status in {401, 403})


def test_a_server_that_ignores_ranges_starts_over_without_mixing(server: Server) -> None:
    leave(CONTENT[:1700])
    server.script = [server.whole]
    assert models.pull("tiny").read_bytes() == CONTENT
    assert server.ranges == ["bytes=1700-"]


def test_a_server_that_always_starts_over_and_breaks_off_is_given_up(server: Server) -> None:
    def early(request: BaseHTTPRequestHandler) -> None:
        reply(request, 200, {"Content-Length": str(SIZE)}, CONTENT[:900])

    server.script = [early] * 20
    assert refused().code == "QC504"
    assert len(server.asked) == 4


def test_another_range_than_asked_for_is_not_appended(server: Server) -> None:
    def shifted(request: BaseHTTPRequestHandler) -> None:
        headers = {"Content-Range": f"bytes 10-{SIZE - 1}/{SIZE}"}
        reply(request, 206, headers | {"Content-Length": str(SIZE - 10)}, CONTENT[10:])

    leave(CONTENT[:1700])
    server.script = [shifted]
    assert models.pull("tiny").read_bytes() == CONTENT


def test_416_for_a_range_that_should_be_there_starts_over(server: Server) -> None:
    leave(CONTENT[:1700])
    server.script = [says(416)]
    assert models.pull("tiny").read_bytes() == CONTENT
    assert server.ranges == ["bytes=1700-", None]


def test_416_from_a_shorter_file_is_another_file(server: Server) -> None:
    leave(CONTENT[:1700])
    server.content = CONTENT[:1000]
    assert refused().code == "QC503"


def test_a_complete_partial_asks_for_nothing(server: Server) -> None:
    leave(CONTENT)
    assert models.pull("tiny").read_bytes() == CONTENT
    assert server.asked == []


def test_wrong_bytes_of_the_right_length_are_removed(server: Server) -> None:
    server.content = CONTENT[:-1] + b"?"
    problem = refused()
    assert problem.code == "QC503"
    assert tiny().sha256 in problem.message.zh
    assert {p.name for p in models.model_path(tiny()).parent.iterdir()} == {"tiny.lock"}
    server.content = CONTENT
    assert models.pull("tiny").read_bytes() == CONTENT


def test_a_page_instead_of_the_model_is_noticed_at_once(server: Server) -> None:
    server.content = b"<html>please log in</html>"
    assert refused().code == "QC503"


def test_a_stream_without_end_is_cut_off(server: Server) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        reply(request, 200, {}, CONTENT + bytes(5_000_000))

    server.script = [endless]
    assert refused().code == "QC503"
    assert models.bytes_here(tiny()) == 0


def test_wrong_parts_left_by_one_source_are_cut_before_another_goes_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "tiny", tiny())  # its parts' checksums are known
    leave(CONTENT[:PART] + bytes(PART + 200))
    assert models.pull("tiny", source="huggingface").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={PART}-"]


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serving() as store:
        server.script = [says(302, Location=f"{store.address}/blob?signed=1")]
        assert models.pull("tiny").read_bytes() == CONTENT
    assert server.asked[0][1]["Authorization"] == "Bearer hf_secret"
    assert [path for path, _ in store.asked] == ["/blob?signed=1"]
    assert "Authorization" not in store.asked[0][1]


def test_the_token_and_a_password_in_the_address_are_in_no_message(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    host = server.address.removeprefix("http://")
    monkeypatch.setenv("HF_ENDPOINT", f"http://nurse:pass9@{host}")
    server.script = [says(403)]
    said = str(refused().as_json())
    assert "hf_secret" not in said
    assert "pass9" not in said


def test_a_range_survives_a_redirect(server: Server) -> None:
    leave(CONTENT[:1700])
    with serving() as store:
        server.script = [says(307, Location=f"{store.address}/blob")]
        assert models.pull("tiny").read_bytes() == CONTENT
    assert store.ranges == ["bytes=1700-"]


@pytest.mark.parametrize("endpoint", ["hub.example", "http://[", "ftp://127.0.0.1"])
def test_an_endpoint_that_is_no_address_fails_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setattr(hub, "RETRY", hub.Retry(limit=9, first=60.0, most=60.0))
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert refused().code == "QC504"


def test_nobody_there_is_a_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    problem = refused()
    assert problem.code == "QC504"
    assert "ConnectError" in problem.message.zh


def test_two_pulls_at_once_fetch_the_model_once(server: Server) -> None:
    first_is_at_work, second_waits = threading.Event(), threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        first_is_at_work.set()
        second_waits.wait(10)
        server.serve(request)

    def waiting(progress: Progress) -> None:
        if progress.phase == "wait":
            second_waits.set()

    server.script = [slow]
    first = threading.Thread(target=models.pull, args=("tiny",))
    first.start()
    assert first_is_at_work.wait(10)
    assert models.pull("tiny", progress=waiting).read_bytes() == CONTENT
    first.join()
    assert second_waits.is_set()
    assert len(server.asked) == 1


def test_pauses_grow_and_end_somewhere() -> None:
    pauses = [hub.Retry(9, 1.0, 30.0).pause(n) for n in range(1, 8)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
