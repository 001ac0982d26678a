"""Which services records may be sent to: those on a list that somebody wrote on purpose.

An entry is a host (``llm.hospital.cn``), a host with a port (``10.0.0.8:8000``), or an address
that others must begin with (``https://llm.hospital.cn/v1``). Entries stand in QC_ENDPOINT_ALLOW,
with commas between, and in the file ``endpoints.txt`` of the folder that QC_CONFIG names
(otherwise ``~/.config/qc``), one a line, ``#`` before a remark. This machine is always allowed.

Errors: QC513 not on the list, QC514 an entry or the file that cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text

VARIABLE, FILE_NAME = "QC_ENDPOINT_ALLOW", "endpoints.txt"
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Entry:
    """What a line of the list allows. What is `None` or empty may be anything."""

    host: str
    port: int | None = None
    scheme: str | None = None
    path: str = ""

    def allows(self, url: httpx.URL) -> bool:
        return (
            host_of(url) == self.host
            and self.port in (None, port_of(url))
            and self.scheme in (None, url.scheme)
            and f"{_plain(url.path)}/".startswith(f"{self.path}/")
        )


def check_allowed(url: httpx.URL) -> None:
    """QC513 where records must not go to this address."""
    if host_of(url) in _THIS_MACHINE:
        return
    if not any(entry.allows(url) for entry in entries()):
        raise QcError(_not_allowed(url))


def config_file() -> Path:
    """Where the list stands, if there is one."""
    if named := os.environ.get("QC_CONFIG", "").strip():
        return Path(named).expanduser() / FILE_NAME
    base = os.environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    return Path(base).expanduser() / "qc" / FILE_NAME


def entries() -> Iterator[Entry]:
    """Everything that is allowed, this machine apart."""
    for part in os.environ.get("QC_ENDPOINT_ALLOW", "").split(","):
        if part.strip():
            yield parse_entry(part.strip(), VARIABLE)
    path = config_file()
    for number, line in enumerate(_lines(path), 1):
        if text := line.split("#", 1)[0].strip():
            yield parse_entry(text, f"{path}:{number}")


def parse_entry(text: str, place: str) -> Entry:
    """One entry; QC514 with ``place`` when it is none."""
    whole = "://" in text
    try:
        url = httpx.URL(text if whole else f"//{text}")
    except (httpx.InvalidURL, ValueError):
        raise QcError(_bad_entry(text, place)) from None
    fine = url.scheme in _PORTS if whole else url.path in ("", "/")
    if not fine or not url.host or url.userinfo or url.query or url.fragment:
        raise QcError(_bad_entry(text, place))
    if set(url.host) & set("*% "):
        raise QcError(_bad_entry(text, place))
    if whole:
        return Entry(host_of(url), port_of(url), url.scheme, _plain(url.path))
    return Entry(host_of(url), url.port)


def host_of(url: httpx.URL) -> str:
    return url.host.lower().rstrip(".")


def port_of(url: httpx.URL) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _plain(path: str) -> str:
    return path.rstrip("/")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "UTF-8"
        message = Text(f"允许名单读不出来（{why}）", f"The allow list cannot be read ({why})")
        raise QcError(Diagnostic("QC514", message, place=Text(str(path), str(path)))) from None


def _not_allowed(url: httpx.URL) -> Diagnostic:
    host = host_of(url)
    shown = f"[{host}]" if ":" in host else host
    line = f"{shown}:{port_of(url)}"
    path = config_file()
    return Diagnostic(
        "QC513",
        Text(
            f"病历不能发到 {line}：它不在允许名单里",
            f"Records must not be sent to {line}: it is not on the allow list",
        ),
        help=Text(
            f"若确定可以，在 {path} 里加一行 {line}，或设置环境变量 {VARIABLE}={line}",
            f"If they may, add the line {line} to {path}, or set {VARIABLE}={line}",
        ),
    )


def _bad_entry(text: str, place: str) -> Diagnostic:
    return Diagnostic(
        "QC514",
        Text(f"允许名单里看不懂的一项：{text}", f"An entry of the allow list is not clear: {text}"),
        place=Text(place, place),
        help=Text(
            "写主机、主机:端口，或 http(s):// 开头的地址；不用通配符",
            "Write a host, host:port, or an address with http(s)://; no wildcards",
        ),
    )
