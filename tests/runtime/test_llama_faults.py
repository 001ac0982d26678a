"""Failures inside llama.cpp, injected where it is called: each costs as little as can be."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qc_runtime.backend import Reply
from qc_runtime.llama import LlamaBackend
from support.engine import PAIRS, REQUESTS, SETTINGS, answers, assert_same, prompt_of, request

pytest.importorskip("llama_cpp")
from qc_runtime.llama.model import Context


@pytest.fixture(scope="module")
def backend(tiny_model: Path) -> Iterator[LlamaBackend]:
    made = LlamaBackend(tiny_model, settings=SETTINGS, fingerprint="tiny")
    yield made
    made.close()


@pytest.fixture(scope="module")
def batched(backend: LlamaBackend) -> list[Reply]:
    return answers(backend, REQUESTS)


def test_a_failed_batch_is_halved_until_it_goes_through(
    backend: LlamaBackend, batched: list[Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Context.decode

    def at_most_24(self: Context, batch: Any) -> int:
        return real(self, batch) if batch.size <= 24 else 1

    backend._engine_for(prompt_of(backend, REQUESTS[0])).reset()
    monkeypatch.setattr(Context, "decode", at_most_24)
    assert_same(answers(backend, REQUESTS), batched)


def test_only_the_request_that_keeps_failing_gets_an_error(
    backend: LlamaBackend, batched: list[Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Context.decode
    [poison] = backend._load()[0].tokenize("⚡", special=False)[-1:]

    def poisoned(self: Context, batch: Any) -> int:
        return -3 if poison in batch._token[: batch.size] else real(self, batch)

    monkeypatch.setattr(Context, "decode", poisoned)
    replies = answers(backend, [*REQUESTS[:2], request(("⚡", "⚡")), *REQUESTS[2:]])
    assert replies[2].error is not None
    assert replies[2].probabilities == ()
    assert_same([*replies[:2], *replies[3:]], batched)


# In company, logits that are no numbers would be those of a whole batch here
@pytest.mark.parametrize(("n_seq", "how"), [(1, "decode"), (3, "decode"), (1, "logits")])
def test_nothing_is_taken_over_from_a_neighbour_that_failed(
    tiny_model: Path,
    batched: list[Reply],
    monkeypatch: pytest.MonkeyPatch,
    n_seq: int,
    how: str,
) -> None:
    backend = LlamaBackend(tiny_model, settings=replace(SETTINGS, n_seq=n_seq))
    [poison] = backend._load()[0].tokenize("⚡", special=False)[-1:]
    decode, logits, bad = Context.decode, Context.logits, [False]

    def decoded(self: Context, batch: Any) -> int:
        bad[0] = poison in batch._token[: batch.size]
        return -3 if bad[0] and how == "decode" else decode(self, batch)

    def read(self: Context, row: int) -> Any:
        found = logits(self, row)
        return found * float("nan") if bad[0] else found

    monkeypatch.setattr(Context, "decode", decoded)
    monkeypatch.setattr(Context, "logits", read)
    broken = [request((before, after + "⚡")) for before, after in PAIRS]
    mixed = [one for both in zip(broken, REQUESTS, strict=True) for one in both]
    for _ in range(2):
        replies = answers(backend, mixed)
        assert all(reply.error is not None for reply in replies[::2])
        assert_same(replies[1::2], batched)
    backend.close()


def test_leaving_early_or_ctrl_c_leaves_a_back_end_that_still_works(
    backend: LlamaBackend, batched: list[Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    for index, _ in backend.answer(REQUESTS):
        assert index in range(len(REQUESTS))
        break
    monkeypatch.setattr(Context, "decode", _interrupted(Context.decode))
    with pytest.raises(KeyboardInterrupt):
        answers(backend, REQUESTS)
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert_same(answers(backend, REQUESTS[:2]), batched[:2])


def _interrupted(real: Any) -> Any:
    """A decode during which Ctrl-C is pressed: llama.cpp itself must be told to stop."""

    def decode(self: Context, batch: Any) -> int:
        library = self._lib.llama_decode
        self._lib.llama_decode = lambda *a: os.kill(os.getpid(), signal.SIGINT) or library(*a)
        try:
            result: int = real(self, batch)
        finally:
            self._lib.llama_decode = library
        return result

    return decode


def test_a_prefix_that_failed_is_read_again_before_it_is_built_on(
    tiny_model: Path, batched: list[Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here every computation fails until one of a single token has: the head's, halved."""
    backend = LlamaBackend(tiny_model, settings=SETTINGS)
    backend._load()
    real, calm = Context.decode, [False]

    def shaky(self: Context, batch: Any) -> int:
        if calm[0]:
            return real(self, batch)
        calm[0] = batch.size == 1
        return 1

    monkeypatch.setattr(Context, "decode", shaky)
    assert_same(answers(backend, REQUESTS), batched)
    backend.close()
