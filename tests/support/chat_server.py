"""A small OpenAI-compatible server on 127.0.0.1 that counts what it is asked."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Shares = Callable[[str], dict[str, float]]


@dataclass
class ChatServer:
    """``shares`` gives the codes' probabilities for a user's text; ``delay`` is in seconds.

    ``asked`` holds the text of every question (not of requests for a reason) as it came in.
    ``whole``: that text is everything sent, not the user's turn alone.
    """

    shares: Shares
    delay: float = 0.0
    whole: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        turns = [m["content"] for m in body["messages"] if self.whole or m["role"] == "user"]
        user = "\n".join(turns)
        if not body.get("logprobs"):
            return _said("因为名称所指不同。")
        self.asked.append(user)
        time.sleep(self.delay)
        shares = self.shares(user)
        top = [{"token": t, "logprob": math.log(max(p, 1e-9))} for t, p in shares.items()]
        said = _said(max(shares, key=lambda code: shares[code]))
        said["choices"][0]["logprobs"] = {"content": [{"top_logprobs": top}]}
        self.answered.append(user)
        return said


def _said(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 10, "completion_tokens": 1}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


@contextmanager
def chat_server(shares: Shares, delay: float = 0.0, *, whole: bool = False) -> Iterator[ChatServer]:
    """A server that runs until the block ends."""
    state = ChatServer(shares, delay, whole)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps(state.reply(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[assignment]  # killed clients
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
