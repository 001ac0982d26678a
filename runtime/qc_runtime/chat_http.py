"""Posting chat completions: features a server may refuse, failures that may pass, one key."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text

_KEY_NAMES = ("QC_ENDPOINT_KEY", "OPENAI_API_KEY")
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}  # may go away by itself
_REFUSED = {400, 422}  # something in the request is not understood
_MISCONFIGURED = {401, 403, 404, 405}  # the same for every request
_LONGEST_WAIT = 60.0  # seconds

Body = dict[str, Any]


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


class ChatHttp:
    """A server's ``/chat/completions``. Safe to use from several threads.

    The key is read from the environment when the object is made, and goes nowhere but into
    the Authorization header: redirects are not followed.
    """

    def __init__(self, url: str, *, timeout: float, patience: Patience, connections: int) -> None:
        self.url = _completions_url(url)
        self._patience = patience
        self._refused: frozenset[str] = frozenset()
        self._reached = False
        limits = httpx.Limits(max_connections=connections)
        self._client = httpx.Client(timeout=timeout, limits=limits, headers=_authorization())

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
            if response.status_code in _REFUSED and left:
                dropped.append(left.pop())
                continue
            parsed = self._parsed(response)
            self._refused |= set(dropped)
            return parsed

    def _parsed(self, response: httpx.Response) -> Body:
        status = response.status_code
        if status in _MISCONFIGURED:
            raise QcError(_misconfigured(status, self.place))
        if not response.is_success:
            raise FailedError(_status(status))
        try:
            parsed = response.json()
        except ValueError as error:
            raise FailedError(_NOT_JSON) from error
        if not isinstance(parsed, dict):
            raise FailedError(_NOT_JSON)
        return parsed

    def _persist(self, body: Body, stop: threading.Event) -> httpx.Response:
        """A response whose failure, if it is one, will not pass by waiting."""
        for attempt in range(self._patience.tries):
            last = attempt + 1 == self._patience.tries
            try:
                response = self._client.post(self.url, json=body)
            except (httpx.TransportError, httpx.DecodingError) as error:
                if last:
                    raise self._unreachable(error) from None
                self._wait(attempt, None, stop)
                continue
            self._reached = True
            if response.status_code not in _PASSING or last:
                return response
            self._wait(attempt, response.headers.get("retry-after"), stop)
        raise AssertionError("at least one try")

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


def _authorization() -> dict[str, str]:
    name = next((n for n in _KEY_NAMES if os.environ.get(n, "").strip()), None)
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


def _misconfigured(status: int, place: str) -> Diagnostic:
    if status in (401, 403):
        what = Text(
            f"模型服务不接受密钥（{status}）", f"The model service refuses the key ({status})"
        )
        how = Text(
            f"请设置环境变量 {_KEY_NAMES[0]}", f"Set the environment variable {_KEY_NAMES[0]}"
        )
    else:
        what = Text(
            f"模型服务没有这个地址或模型（{status}）",
            f"The model service has no such address or model ({status})",
        )
        how = Text("请检查 --endpoint 和 --endpoint-model", "Check --endpoint and --endpoint-model")
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
