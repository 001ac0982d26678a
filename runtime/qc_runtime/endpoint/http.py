"""Posting chat completions: features a server may refuse, failures that may pass, one key."""

from __future__ import annotations

import json
import os
import random
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic
from typing import Any

import httpx

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.endpoint.allowed import check_allowed

KEY_NAMES = ("QC_ENDPOINT_KEY", "OPENAI_API_KEY")
HEAVY_KEY_NAMES = ("QC_HEAVY_KEY", *KEY_NAMES)
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}  # may go away by itself
_REFUSED = {400, 422}  # something in the request is not understood
_MISCONFIGURED = {401, 403, 404, 405}  # the same for every request
_LONGEST_WAIT = 60.0  # seconds
_LONGEST_REPLY = 8 << 20  # bytes
_NO_PROXIES = {"all://": None, "http://": None, "https://": None}

Body = dict[str, Any]


@cache
def _certificates() -> ssl.SSLContext:
    """Those that servers are checked by. Read once: it takes longer than some requests."""
    return httpx.create_ssl_context()


class FailedError(Exception):
    """One request got no usable answer. Holds what to tell; never the key or a body."""

    def __init__(self, message: Text) -> None:
        self.message = message
        super().__init__(message.en)


@dataclass(frozen=True)
class Patience:
    """How long to go on: tries for each request, seconds before the second (then doubled)."""

    tries: int = 5
    first_wait: float = 0.5


@dataclass(frozen=True)
class _Response:
    """What came back: the body of a success only, for nothing else is read of a failure."""

    status: int
    retry_after: str | None
    body: bytes


class ChatHttp:
    """A server's ``/chat/completions``. Safe to use from several threads.

    The address must be on the allow list (QC513). The key is read from the environment when the
    object is made, and goes nowhere but into the Authorization header. Neither it nor a record
    goes anywhere else: redirects are not followed, and no proxy is used.
    ``timeout`` (seconds) bounds every wait, and the reading of one reply as a whole.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        patience: Patience,
        connections: int,
        key_names: Sequence[str] = KEY_NAMES,
    ) -> None:
        self.url = check_address(url)
        self._timeout, self._key_name = timeout, key_names[0]
        self._patience = patience
        self._refused: frozenset[str] = frozenset()
        self._reached = False
        limits = httpx.Limits(max_connections=connections)
        # A packed reply could be a thousand times as long as what is received
        headers = {"Accept-Encoding": "identity"} | _authorization(key_names)
        self._client = httpx.Client(
            timeout=timeout,
            limits=limits,
            headers=headers,
            mounts=_NO_PROXIES,
            verify=_certificates(),
        )

    @property
    def place(self) -> str:
        """The address without a user name or password that may stand in it."""
        return str(self.url.copy_with(userinfo=b"", query=None))

    def close(self) -> None:
        self._client.close()

    def post(self, body: Body, features: Mapping[str, Body], stop: threading.Event) -> Body:
        """The server's reply, as JSON. With ``stop`` set nothing is tried again.

        ``features`` are parts of the request that a server may not know: while it refuses the
        request they are left out, last one first; what it then accepts is remembered.
        Raises `FailedError` for this request, `QcError` where none can succeed.
        """
        left = [name for name in features if name not in self._refused]
        dropped: list[str] = []
        while True:
            whole = body | {k: v for name in left for k, v in features[name].items()}
            response = self._persist(whole, stop)
            if response.status in _REFUSED and left:
                dropped.append(left.pop())
                continue
            parsed = self._parsed(response)
            self._refused |= set(dropped)
            return parsed

    def _parsed(self, response: _Response) -> Body:
        status = response.status
        if status in _MISCONFIGURED:
            raise QcError(_misconfigured(status, self.place, self._key_name))
        if not 200 <= status < 300:
            raise FailedError(_status(status))
        try:
            parsed = json.loads(response.body)
        except (ValueError, RecursionError) as error:
            raise FailedError(_NOT_JSON) from error
        if not isinstance(parsed, dict):
            raise FailedError(_NOT_JSON)
        return parsed

    def _persist(self, body: Body, stop: threading.Event) -> _Response:
        """A response whose failure, if it is one, will not pass by waiting."""
        for attempt in range(self._patience.tries):
            last = attempt + 1 == self._patience.tries
            try:
                response = self._exchange(body)
            except (httpx.TransportError, httpx.DecodingError) as error:
                if last:
                    raise self._unreachable(error) from None
                self._wait(attempt, None, stop)
                continue
            self._reached = True
            if response.status not in _PASSING or last:
                return response
            self._wait(attempt, response.retry_after, stop)
        raise AssertionError("at least one try")

    def _exchange(self, body: Body) -> _Response:
        """One request and its reply, read up to a length and for a time: a server may drip."""
        with self._client.stream("POST", self.url, json=body) as response:
            begun, content = monotonic(), bytearray()
            for chunk in response.iter_bytes() if response.is_success else ():
                content += chunk
                if len(content) > _LONGEST_REPLY:
                    raise FailedError(_TOO_LONG)
                if monotonic() - begun > self._timeout:
                    raise httpx.ReadTimeout("the reply did not end")
            retry_after = response.headers.get("retry-after")
            return _Response(response.status_code, retry_after, bytes(content))

    def _wait(self, attempt: int, retry_after: str | None, stop: threading.Event) -> None:
        """Wait as long as the server asks, else twice as long as the last time; bounded."""
        asked = _seconds(retry_after)
        backoff = self._patience.first_wait * 2**attempt * random.uniform(0.75, 1.25)
        if stop.wait(min(_LONGEST_WAIT, backoff if asked is None else asked)):
            raise FailedError(_STOPPED)

    def _unreachable(self, error: Exception) -> Exception:
        if isinstance(error, httpx.ConnectError) and not self._reached:
            return QcError(_no_server(self.place))
        return FailedError(_transport(error))


def check_address(url: str) -> httpx.URL:
    """Where completions are posted to; QC510, or QC513 where records must not go there."""
    found = _completions_url(url)
    check_allowed(found)
    return found


def _completions_url(url: str) -> httpx.URL:
    """Accepts a server's root, its ``/v1`` or the whole address."""
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise QcError(_bad_url())
    path = parsed.path.rstrip("/")
    if path.endswith("/chat/completions"):
        return parsed.copy_with(path=path)
    return parsed.copy_with(path=f"{path or '/v1'}/chat/completions")


def _authorization(names: Sequence[str]) -> dict[str, str]:
    name = next((n for n in names if os.environ.get(n, "").strip()), None)
    if name is None:
        return {}
    key = os.environ[name].strip()
    if not (key.isascii() and key.isprintable()):
        raise QcError(_bad_key(name))
    return {"Authorization": f"Bearer {key}"}


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After header asks for: seconds, or a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (when.astimezone(UTC) - datetime.now(UTC)).total_seconds())


_NOT_JSON = Text("模型服务的回复不是 JSON", "The model service did not reply with JSON")
_TOO_LONG = Text("模型服务的回复太长", "The reply of the model service is too long")
_STOPPED = Text("已中止", "Stopped")


def _status(status: int) -> Text:
    if status in _REFUSED:
        return Text(
            f"模型服务拒绝了这个提问（{status}），可能太长",
            f"The model service refused the prompt ({status}); it may be too long",
        )
    return Text(f"模型服务出错（{status}）", f"The model service failed ({status})")


def _transport(error: Exception) -> Text:
    if isinstance(error, httpx.TimeoutException):
        return Text("模型服务超时未答", "The model service did not answer in time")
    return Text("与模型服务的连接中断", "The connection to the model service broke")


def _no_server(place: str) -> Diagnostic:
    return Diagnostic(
        "QC511",
        Text("连不上模型服务", "The model service cannot be reached"),
        place=Text(place, place),
        help=Text("请检查地址和网络", "Check the address and the network"),
    )


def _misconfigured(status: int, place: str, key_name: str) -> Diagnostic:
    if status in (401, 403):
        what = Text(
            f"模型服务不接受密钥（{status}）", f"The model service refuses the key ({status})"
        )
        how = Text(f"请设置环境变量 {key_name}", f"Set the environment variable {key_name}")
    else:
        what = Text(
            f"模型服务没有这个地址或模型（{status}）",
            f"The model service has no such address or model ({status})",
        )
        how = Text("请检查服务的地址和模型名", "Check the address and the model's name")
    return Diagnostic("QC512", what, place=Text(place, place), help=how)


def _bad_url() -> Diagnostic:
    return Diagnostic(
        "QC510",
        Text("模型服务的地址不对", "The address of the model service is not valid"),
        help=Text("例如 http://127.0.0.1:8000/v1", "For example http://127.0.0.1:8000/v1"),
    )


def _bad_key(name: str) -> Diagnostic:
    zh, en = f"环境变量 {name} 中的密钥含有非法字符", f"The key in {name} has characters no key has"
    return Diagnostic("QC512", Text(zh, en))
