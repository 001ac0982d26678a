"""Models from Hugging Face, ModelScope or a mirror of them, over HTTP.

A download goes on where it stopped (Range). A dropped connection, a busy or a failing server is
tried again with growing pauses; the count starts anew whenever bytes came that were not here
before. The token (``HF_TOKEN``) goes to the hub only: httpx drops it when the hub redirects to
another host.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qc_dsl.lang import Text
from qc_runtime.models import problems
from qc_runtime.models.partial import Partial
from qc_runtime.models.progress import Progress
from qc_runtime.models.registry import Hub

if TYPE_CHECKING:
    import httpx

_ENDPOINTS = {
    "huggingface": ("HF_ENDPOINT", "https://huggingface.co", "{base}/{repo}"),
    "modelscope": ("MODELSCOPE_ENDPOINT", "https://modelscope.cn", "{base}/models/{repo}"),
}
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Retry:
    """At most ``limit`` failures in a row, with pauses from ``first`` doubling to ``most`` s."""

    limit: int = 5
    first: float = 1.0
    most: float = 30.0

    def pause(self, failures: int) -> float:
        return float(min(self.most, self.first * 2 ** (failures - 1)))


RETRY = Retry()


class _AgainError(Exception):
    """The server could not serve this time."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def url(hub: Hub) -> str:
    """The file's address; ``HF_ENDPOINT`` and ``MODELSCOPE_ENDPOINT`` name a mirror."""
    variable, default, form = _ENDPOINTS[hub.kind]
    base = (os.environ.get(variable) or default).rstrip("/")
    return f"{form.format(base=base, repo=hub.repository)}/resolve/{hub.revision}/{hub.file}"


def _host(hub: Hub) -> str:
    """The host alone, as an address may carry a password; empty if there is none."""
    try:
        parts = urlsplit(url(hub))
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""


def _headers(hub: Hub) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "qc-rulebook"}
    token = os.environ.get("HF_TOKEN", "").strip()
    if token and hub.kind == "huggingface":
        headers["Authorization"] = f"Bearer {token}"
    return headers


def fetch(hub: Hub, partial: Partial) -> None:
    """Append what is missing until the file is whole, or raise QC503 or QC504."""
    import httpx

    if not _host(hub):
        raise _no_address(hub, partial)
    timeout = httpx.Timeout(60.0, connect=15.0)
    with httpx.Client(headers=_headers(hub), follow_redirects=True, timeout=timeout) as client:
        _until_whole(client, hub, partial)


def _until_whole(client: httpx.Client, hub: Hub, partial: Partial) -> None:
    import httpx

    failures, best = 0, partial.done
    while partial.done < partial.model.size:
        try:
            _stream(client, hub, partial)
        except (httpx.TransportError, _AgainError) as error:
            failures = 1 if partial.done > best else failures + 1
            best = max(best, partial.done)
            if failures > RETRY.limit:
                raise _gave_up(hub, partial, error) from error
            partial.report(Progress("retry", partial.done, partial.model.size))
            time.sleep(max(RETRY.pause(failures), getattr(error, "after", 0.0)))
        except httpx.HTTPError as error:
            raise _gave_up(hub, partial, error) from error


def _stream(client: httpx.Client, hub: Hub, partial: Partial) -> None:
    headers = {"Range": f"bytes={partial.done}-"} if partial.done else {}
    with client.stream("GET", url(hub), headers=headers) as response:
        _prepare(response, hub, partial)
        for chunk in response.iter_bytes():
            partial.append(chunk, _host(hub))
    if partial.done < partial.model.size:
        raise _AgainError("the answer ended early")


def _prepare(response: httpx.Response, hub: Hub, partial: Partial) -> None:
    """Make sure that the body continues what is here, or start over."""
    status = response.status_code
    if status == 206:
        start, total = _content_range(response)
        _same_size(total, hub, partial)
        if start != partial.done:
            partial.restart()
            raise _AgainError("another range came than was asked for")
    elif status == 200:  # this server cannot continue; it sends the file from its start
        length = response.headers.get("Content-Length", "")
        _same_size(int(length) if length.isdigit() else None, hub, partial)
        if partial.done:
            partial.restart()
    elif status == 416:  # it says that it has less than what is here
        _same_size(_content_range(response)[1], hub, partial)
        partial.restart()
        raise _AgainError("HTTP 416")
    elif status in _BUSY:
        raise _AgainError(f"HTTP {status}", _retry_after(response))
    else:
        raise _refused(status, hub, partial)


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """(first byte, whole size) of a Content-Range header, None for what it does not say."""
    said = re.match(r"bytes\s+(\d+|\*)[^/]*/(\d+|\*)", response.headers.get("Content-Range", ""))
    first, total = said.groups() if said else ("*", "*")
    return (None if first == "*" else int(first)), (None if total == "*" else int(total))


def _same_size(offered: int | None, hub: Hub, partial: Partial) -> None:
    """A login page or another file is noticed before 20 GB of it are fetched."""
    if offered is not None and offered != partial.model.size:
        raise problems.wrong_size(partial.model.name, partial.model.size, offered, _host(hub))


def _retry_after(response: httpx.Response) -> float:
    said = response.headers.get("Retry-After", "")
    return min(float(said), 120.0) if said.isdigit() else 0.0


def _refused(status: int, hub: Hub, partial: Partial) -> Exception:
    token = Text(
        "需要访问权限：请把访问令牌放在环境变量 HF_TOKEN 中，或用 --source 换一个来源",
        "Access is needed: put an access token in the environment variable HF_TOKEN, "
        "or name another --source",
    )
    fix = token if status in {401, 403} else None
    said = f"HTTP {status}"
    return problems.not_fetched(partial.model.name, said, said, fix, _host(hub))


def _no_address(hub: Hub, partial: Partial) -> Exception:
    variable = _ENDPOINTS[hub.kind][0]
    zh, en = f"环境变量 {variable} 不是网址", f"the variable {variable} holds no web address"
    return problems.not_fetched(partial.model.name, zh, en, None)


def _gave_up(hub: Hub, partial: Partial, error: Exception) -> Exception:
    why = str(error) if isinstance(error, _AgainError) else type(error).__name__
    return problems.not_fetched(partial.model.name, why, why, None, _host(hub))
