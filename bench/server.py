"""The engine against llama-server with its best settings: same model, same prompts, same work.

llama-server is llama.cpp's own: build it from the same sources as the engine and name it in
QC_LLAMA_SERVER. For each number of slots a fresh server is started with the machine's threads,
a context of 2048 tokens a slot, its prompt cache on, and a grammar that allows the codes only;
it is asked by as many connections as it has slots. The best of them counts.

    QC_LLAMA_SERVER=llama-server python -m bench.server --model PATH [--records 48]
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from bench.model import CODES, LONGEST, REASON_LEAD, RULES, mixed_pairs, pairs

from qc_runtime.llama import LlamaSettings
from qc_runtime.llama.model import Model
from qc_runtime.llama.template import ChatTemplate

SLOTS = (1, 4, 8)
_TURNS = 12  # reasons that each slot writes
_STARTS_WITHIN = 120.0  # seconds
_CODE = 'root ::= "A" | "B"'
# As in the engine, a reason ends with its line or with the model's turn, whichever comes first
_REASON = f'root ::= ("A" | "B") "{REASON_LEAD}" [^\\n]+'.replace("\n", "\\n")


def best(model: Path, server: Path, records: int) -> tuple[float, float]:
    """Records a second of the best server: verdicts only, and with a reason for each."""
    prompts = _prompts(model, pairs(records))
    to_explain = _prompts(model, mixed_pairs(_TURNS * max(SLOTS)))
    verdicts, reasons = [], []
    for slots in SLOTS:
        with _server(server, model, slots) as url:
            _ask(url, prompts[:slots], slots, _CODE, 1)  # what all prompts share is read
            verdicts.append(_rate(url, prompts, slots, _CODE, 1))
            reasons.append(_rate(url, to_explain[: _TURNS * slots], slots, _REASON, LONGEST))
        print(f"  llama-server, {slots} slots: {verdicts[-1]:.2f}, {reasons[-1]:.2f} records/s")
    return max(verdicts), max(reasons)


def _prompts(path: Path, users: Sequence[str]) -> list[str]:
    """The texts that the engine makes of the same requests, template and all."""
    model = Model(path, LlamaSettings(), vocabulary_only=True)
    frame = ChatTemplate(model.metadata("tokenizer.chat_template")).frame(system=True)
    model.close()
    return [f"{frame.before}{RULES}{frame.between}{user}{frame.after}" for user in users]


@contextmanager
def _server(binary: Path, model: Path, slots: int) -> Iterator[str]:
    port, threads = _free_port(), str(LlamaSettings().threads())
    options = ["-np", slots, "-c", 2048 * slots, "-t", threads, "-tb", threads, "-b", 512]
    command = [binary, "-m", model, "--host", "127.0.0.1", "--port", port, "--no-webui", *options]
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait()


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


def _rate(url: str, prompts: Sequence[str], slots: int, grammar: str, tokens: int) -> float:
    started = perf_counter()
    _ask(url, prompts, slots, grammar, tokens)
    return len(prompts) / (perf_counter() - started)


def _ask(url: str, prompts: Sequence[str], slots: int, grammar: str, tokens: int) -> None:
    with httpx.Client(timeout=600) as client, ThreadPoolExecutor(slots) as threads:

        def one(prompt: str) -> str:
            body: dict[str, Any] = {
                "prompt": prompt,
                "n_predict": tokens,
                "temperature": 0,
                "grammar": grammar,
                "cache_prompt": True,
            }
            reply = client.post(f"{url}/completion", json=body)
            reply.raise_for_status()
            text: str = reply.json()["content"]
            return text

        answers = list(threads.map(one, prompts))
    if wrong := [text for text in answers if not text.startswith(CODES)]:
        raise RuntimeError(wrong[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=os.environ.get("QC_MODEL"), required=False)
    parser.add_argument("--records", type=int, default=48)
    arguments = parser.parse_args()
    server = os.environ.get("QC_LLAMA_SERVER")
    if not (arguments.model and server):
        parser.error("--model (or QC_MODEL) and QC_LLAMA_SERVER")
    verdicts, reasons = best(Path(arguments.model), Path(server), arguments.records)
    print(f"{verdicts:.2f} records/s, {reasons:.2f} with reasons")


if __name__ == "__main__":
    main()
