"""The model in a process of its own: whatever kills it, every request is answered once."""

from __future__ import annotations

import os
import signal
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from qc_dsl.errors import QcError
from qc_runtime.backend import Reply, Request
from qc_runtime.llama import LlamaBackend, LlamaSettings
from qc_runtime.llama.worker import WorkerBackend
from support.asking import asked
from support.dying import LateBorn, Mortal, Stillborn


def requests(*texts: str) -> list[Request]:
    return [asked("系统", text, ("A", "B")) for text in texts]


def answers(backend: WorkerBackend, asked_for: list[Request]) -> list[Reply]:
    pairs = list(backend.answer(asked_for))
    backend.close()
    assert Counter(index for index, _ in pairs) == Counter(range(len(asked_for)))
    return [reply for _, reply in sorted(pairs, key=lambda pair: pair[0])]


def test_a_record_that_kills_the_model_gets_an_error_and_the_others_answers(
    tmp_path: Path,
) -> None:
    texts = [f"第{n}例" for n in range(30)]
    texts[5] = texts[21] = "毒"
    replies = answers(WorkerBackend(partial(Mortal, tmp_path / "log")), requests(*texts))
    failed = [n for n, reply in enumerate(replies) if reply.error]
    assert failed == [5, 21]
    assert replies[5].error is not None
    assert "SIGKILL" in replies[5].error.zh
    assert all(reply.probabilities == (0.75, 0.25) for reply in replies if not reply.error)


def test_a_death_that_does_not_come_back_costs_no_answer(tmp_path: Path) -> None:
    texts = [f"第{n}例" for n in range(20)]
    texts[9] = "偶"
    backend = WorkerBackend(partial(Mortal, tmp_path / "log"))
    replies = answers(backend, requests(*texts))
    assert not any(reply.error for reply in replies)
    assert backend.counters.prompt_tokens == 20


def test_a_model_that_dies_at_once_is_one_clear_error(tmp_path: Path) -> None:
    backend = WorkerBackend(partial(Stillborn, tmp_path / "log"))
    with pytest.raises(QcError) as caught:
        list(backend.answer(requests("甲")))
    assert caught.value.diagnostics[0].code == "QC525"
    assert "SIGSEGV" in caught.value.diagnostics[0].message.en


def test_a_model_killed_while_it_is_loaded_is_loaded_again(tmp_path: Path) -> None:
    backend = WorkerBackend(partial(LateBorn, tmp_path / "log"))
    replies = answers(backend, requests(*(f"第{n}例" for n in range(9))))
    assert not any(reply.error for reply in replies)


def test_nothing_is_computed_ahead_of_a_reader_that_pauses(tmp_path: Path) -> None:
    log = tmp_path / "log"
    backend = WorkerBackend(partial(Mortal, log))
    replies = backend.answer(requests(*(f"第{n}例" for n in range(40))))
    for _ in range(6):
        next(replies)
    assert log.read_text().count("\n") <= 2  # the step that is read, and no other
    replies.close()  # type: ignore[attr-defined]
    backend.close()


def test_an_error_of_the_model_comes_through_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    backend = WorkerBackend(partial(LlamaBackend, tmp_path / "absent.gguf"))
    with pytest.raises(QcError) as caught:
        list(backend.answer(requests("甲")))
    assert caught.value.diagnostics[0].code == "QC502"


def test_llama_killed_from_outside_answers_everything(tiny_model: Path) -> None:
    settings = LlamaSettings(n_ctx=512, n_batch=64, n_ubatch=64, n_seq=4)
    make = partial(LlamaBackend, tiny_model, settings=settings, fingerprint="tiny")
    backend = WorkerBackend(make)
    assert backend.identity == make().identity
    found: dict[int, Reply] = {}
    several = requests(*(f"第{n}题：选 A 还是 B？" for n in range(12)))
    for index, reply in backend.answer(several):
        assert index not in found
        found[index] = reply
        if len(found) == 3:
            assert backend._worker is not None
            os.kill(backend._worker[0].pid or 0, signal.SIGKILL)
    backend.close()
    assert len(found) == 12
    assert all(len(reply.probabilities) == 2 for reply in found.values())


def test_a_model_file_that_is_replaced_meanwhile_stops_the_run(
    tiny_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    model.symlink_to(tiny_model)
    backend = LlamaBackend(model, settings=LlamaSettings(n_ctx=256, n_seq=2))
    replies = backend.answer(requests("甲", "乙"))
    next(replies)
    model.unlink()
    model.write_bytes(b"another")
    with pytest.raises(QcError) as caught:
        list(replies)
    assert caught.value.diagnostics[0].code == "QC526"
    backend.close()
