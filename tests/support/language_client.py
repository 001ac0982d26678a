"""An editor's side of the language server protocol, to a server in a process of its own.

Everything that the server writes must be the protocol: whatever is not fails the read.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from support.qc import environment

WAIT = 20.0  # seconds: the machine that runs the tests may be busy
_SERVER = "from qc_runtime.cli import main; main()"


class Editor:
    """Starts ``qc lsp``, speaks to it, and keeps what it says."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.server = subprocess.Popen(
            [sys.executable, "-c", _SERVER, "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(QC_LANG="zh", **variables),
            cwd=folder,
        )
        self.published: dict[str, list[dict[str, Any]]] = {}
        self.rubbish = b""
        self._numbers = iter(range(1, 1_000_000))
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers: dict[int, dict[str, Any]] = {}
        self._versions: dict[str, int] = {}
        self.log: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._drain, daemon=True).start()

    def __enter__(self) -> Editor:
        params = {"processId": None, "rootUri": self.folder.as_uri(), "capabilities": {}}
        self.capabilities = self.ask("initialize", params)["capabilities"]
        self.tell("initialized", {})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.close()
        finally:
            self.server.kill()
            self.server.wait()

    def close(self) -> int:
        """Take leave as an editor does; the server's exit code."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        code = self.server.wait(WAIT)
        assert self.rubbish == b""
        return code

    # the protocol

    def _listen(self) -> None:
        stream = self.server.stdout
        assert stream is not None
        while header := stream.readline():
            name, _, value = header.partition(b":")
            if name.lower() != b"content-length":
                self.rubbish += header
                continue
            while stream.readline().strip():
                pass
            self._messages.put(json.loads(stream.read(int(value))))

    def _drain(self) -> None:
        assert self.server.stderr is not None
        self.log += [line.decode("utf-8", "replace") for line in self.server.stderr]

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.server.stdin is not None
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """A request's result; an error in place of it fails."""
        number = next(self._numbers)
        self.send({"id": number, "method": method, "params": params})
        until = time.monotonic() + WAIT
        while number not in self._answers:
            self._take(until)
        answer = self._answers.pop(number)
        assert "error" not in answer, answer
        return answer["result"]

    def _take(self, until: float) -> dict[str, Any]:
        """The next message; what it says is kept."""
        try:
            message = self._messages.get(timeout=max(0.01, until - time.monotonic()))
        except queue.Empty:
            raise TimeoutError("".join(self.log)) from None
        if "method" not in message:
            self._answers[message["id"]] = message
        elif message["method"] == "textDocument/publishDiagnostics":
            params = message["params"]
            self.published[params["uri"]] = params["diagnostics"]
        elif "id" in message:
            self.send({"id": message["id"], "result": None})
        return message

    # texts

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def open(self, name: str, text: str) -> str:
        uri = self.uri(name)
        item = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._versions[uri] = 1
        self.tell("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, text: str) -> int:
        self._versions[uri] = version = self._versions.get(uri, 0) + 1
        document = {"uri": uri, "version": version}
        changes = [{"text": text}]
        params = {"textDocument": document, "contentChanges": changes}
        self.tell("textDocument/didChange", params)
        return version

    def wait(self, uri: str, version: int | None = None) -> list[dict[str, Any]]:
        """What is wrong with a file, when the server next says so (of this version)."""
        until = time.monotonic() + WAIT
        while True:
            message = self._take(until)
            params = message.get("params") or {}
            ours = message.get("method") == "textDocument/publishDiagnostics"
            if ours and params["uri"] == uri and version in (None, params.get("version")):
                found: list[dict[str, Any]] = params["diagnostics"]
                return found

    def at(self, method: str, uri: str, text: str, mark: str, extra: int = 0) -> Any:
        """Ask about the place just behind the first ``mark`` of a text (and ``extra`` units)."""
        before = text[: text.index(mark) + len(mark)]
        line = before.rpartition("\n")[2]
        character = len(line.encode("utf-16-le")) // 2 + extra
        position = {"line": before.count("\n"), "character": character}
        params = {"textDocument": {"uri": uri}, "position": position}
        return self.ask(f"textDocument/{method}", params)
