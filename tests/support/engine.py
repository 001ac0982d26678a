"""Five pairs asked of an engine on a model of hardly any weights, and what they are held to."""

from __future__ import annotations

from typing import Any

import pytest

from qc_runtime.backend import Reply, Request
from qc_runtime.llama import LlamaBackend, LlamaSettings
from qc_runtime.llama.prompt import Prompt
from support.asking import asked

SETTINGS = LlamaSettings(n_ctx=1024, n_batch=256, n_ubatch=256, n_seq=8)
SYSTEM = "判断两个手术名称是否指同一种手术。左右侧不同的不是同一种。是答 A，否答 B。"
PAIRS = [
    ("左侧声带息肉切除术", "右侧声带息肉切除术"),
    ("左侧声带息肉切除术", "左声带息肉摘除术"),
    ("阑尾切除术", "腹腔镜下阑尾切除术"),
    ("胃大部切除术", "胃部分切除术"),
    ("白内障超声乳化", "膝关节置换术"),
]


def request(pair: tuple[str, str], **options: Any) -> Request:
    user = f"术前：{pair[0]}\n术后：{pair[1]}"
    return asked(SYSTEM, user, ("A", "B"), answer_lead="答：", **options)


REQUESTS = [request(pair) for pair in PAIRS]


def answers(backend: LlamaBackend, requests: list[Request]) -> list[Reply]:
    """Replies in order of requests; each must come exactly once."""
    pairs = list(backend.answer(requests))
    assert sorted(index for index, _ in pairs) == list(range(len(requests)))
    return [reply for _, reply in sorted(pairs, key=lambda pair: pair[0])]


# llama.cpp's kernels depend on the shape of a batch and round activations to 8 bits: on this
# model the same prompt computed in other company moves by up to 0.040, in plain llama.cpp too
NOISE = 0.05


def assert_same(some: list[Reply], others: list[Reply]) -> None:
    for a, b in zip(some, others, strict=True):
        assert a.error is None
        assert b.error is None
        assert a.probabilities == pytest.approx(b.probabilities, abs=NOISE)


def prompt_of(backend: LlamaBackend, one: Request) -> Prompt:
    return backend._load()[1].prompts([one])[0]
