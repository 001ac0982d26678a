"""A chat service on 127.0.0.1 whose every answer, or failure to answer, a test decides."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What the server is to do with one request."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    pieces: int = 1  # the body in so many pieces, with ``delay`` before each


Script = Callable[[dict[str, Any], int], Answer]


class Server:
    """An HTTP server on 127.0.0.1 whose every answer a test decides."""

    def __init__(self) -> None:
        self.script: Script = lambda _body, _n: Answer(status=500)
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name http.server calls
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.seen.append(body | {"path": self.path})
            server.keys.append(self.headers.get("Authorization"))
            answer = server.script(body, len(server.seen))
            time.sleep(answer.delay)
            if not answer.drop:
                with suppress(OSError):  # who asked may have left
                    self._send(answer)

        def _send(self, answer: Answer) -> None:
            raw = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            size = -(-len(raw) // answer.pieces)
            for start in range(0, len(raw), max(1, size)):
                self.wfile.write(raw[start : start + size].encode())
                self.wfile.flush()
                time.sleep(answer.delay if answer.pieces > 1 else 0)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def logprobs(**share: float) -> Answer:
    """A reply whose first token has these probabilities."""
    top = [{"token": token, "logprob": math.log(p)} for token, p in share.items()]
    choice = {"message": {"content": "A"}, "logprobs": {"content": [{"top_logprobs": top}]}}
    return Answer({"choices": [choice], "usage": {"prompt_tokens": 30, "completion_tokens": 1}})


def says(content: str, finish: str = "stop") -> Answer:
    choice = {"message": {"content": content}, "finish_reason": finish}
    return Answer({"choices": [choice]})
