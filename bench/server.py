"""llama-server with its best settings: same model, same prompts, same work as the engine.

llama-server is llama.cpp's own: build it from the same sources as the engine and name it in
QC_LLAMA_SERVER. Each number of slots has a server of its own, with the machine's threads, a
context of 2048 tokens a slot, its prompt cache on, and a grammar that allows the codes only; it
is asked by as many connections as it has slots.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from time import perf_counter

import httpx
from bench.prompts import CODES, LONGEST, REASON_LEAD, RULES

from qc_runtime.llama import LlamaSettings
from qc_runtime.llama.model import Model
from qc_runtime.llama.template import ChatTemplate

SLOTS = (1, 4, 8)
_STARTS_WITHIN = 120.0  # seconds
_VERDICT = {"grammar": 'root ::= "A" | "B"', "n_predict": 1}
# As in the engine, a reason ends with its line or with the model's turn, whichever comes first
_REASON = f'root ::= ("A" | "B") "{REASON_LEAD}" [^\\n]+'.replace("\n", "\\n")


class Server:
    """A server that stands still unless it is the turn of somebody who asks it."""

    def __init__(self, binary: Path, model: Path, slots: int) -> None:
        self.slots, self._model = slots, model
        self._process, self._url = _start(binary, model, slots)
        self._client = httpx.Client(timeout=None)  # it may stand still for long
        self._threads = ThreadPoolExecutor(slots)
        for answer in self.ask([""] * slots, explain=False):  # what all prompts share is read
            answer.result()
        self.stop()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def ask(self, users: Sequence[str], *, explain: bool) -> list[Future[int]]:
        """How many tokens it writes to each; as many are worked on at once as it has slots."""
        asked = {"grammar": _REASON, "n_predict": LONGEST} if explain else _VERDICT
        prompts = _prompts(self._model, users)
        return [self._threads.submit(self._answer, {**asked, "prompt": one}) for one in prompts]

    def _answer(self, asked: dict[str, str | int]) -> int:
        body = {**asked, "temperature": 0, "cache_prompt": True}
        reply = self._client.post(f"{self._url}/completion", json=body)
        reply.raise_for_status()
        if not reply.json()["content"].startswith(CODES):
            raise RuntimeError(reply.json()["content"])
        return int(reply.json()["tokens_predicted"])

    def close(self) -> None:
        self.go_on()
        self._threads.shutdown(cancel_futures=True)
        self._client.close()
        self._process.terminate()
        self._process.wait()


class Asked:
    """A `Contender`: those who ask a server, all at once as it were, and wait."""

    def __init__(self, server: Server, users: Sequence[str], *, explain: bool) -> None:
        self.server, self.total, self.seconds = server, len(users), 0.0
        self._users, self._explain = users, explain
        self._answers: list[Future[int]] = []

    @property
    def done(self) -> int:
        return sum(answer.done() for answer in self._answers)

    def go_on(self, seconds: float) -> None:
        self._answers = self._answers or self.server.ask(self._users, explain=self._explain)
        started = perf_counter()
        self.server.go_on()
        wait(self._answers, timeout=seconds)
        self.server.stop()
        self.seconds += perf_counter() - started
        for answer in filter(Future.done, self._answers):
            answer.result()  # or its error

    @property
    def written(self) -> int:
        """Tokens, in all answers."""
        return sum(answer.result() for answer in self._answers)


def binary() -> Path | None:
    """The server to measure against, if there is one."""
    named = os.environ.get("QC_LLAMA_SERVER")
    return Path(named) if named else None


def _prompts(path: Path, users: Sequence[str]) -> list[str]:
    """The texts that the engine makes of the same requests, template and all."""
    model = Model(path, LlamaSettings(), vocabulary_only=True)
    frame = ChatTemplate(model.metadata("tokenizer.chat_template")).frame(system=True)
    model.close()
    return [f"{frame.before}{RULES}{frame.between}{user}{frame.after}" for user in users]


def _start(binary: Path, model: Path, slots: int) -> tuple[subprocess.Popen[bytes], str]:
    port, threads = _free_port(), LlamaSettings().threads()
    options = ["-np", slots, "-c", 2048 * slots, "-t", threads, "-tb", threads, "-b", 512]
    command = [binary, "-m", model, "--host", "127.0.0.1", "--port", port, "--no-webui", *options]
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # or it is made to go on when the shell that started us ends
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
    except BaseException:
        process.kill()
        raise
    return process, url


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait(url: str) -> None:
    until = perf_counter() + _STARTS_WITHIN
    while perf_counter() < until:
        try:
            if httpx.get(f"{url}/health").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)
    raise TimeoutError(url)
