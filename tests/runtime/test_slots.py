"""Slots beside choice and reason: quotations, numbers, thoughts, several in one request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_runtime.backend import (
    ANSWER,
    Choice,
    Line,
    Number,
    Quote,
    Reply,
    Request,
    Slot,
    Step,
    Thought,
)
from qc_runtime.llama import LlamaBackend, LlamaSettings
from qc_runtime.llama.quoting import quotable
from qc_runtime.llama.template import ChatTemplate

pytest.importorskip("llama_cpp")
from qc_runtime.llama.slots import QuoteFiller

SYSTEM = "你是病历质控员，先读病历，再回答问题。"
NOTE = (
    "现病史：患者3天前因受凉后出现咳嗽，咳黄痰，体温最高38.5℃。\n"
    "既往史：否认高血压、糖尿病史；2010年行阑尾切除术，术后恢复可。\n"
    "过敏史：青霉素过敏（皮疹）。𠮷野家就餐后腹泻1次。"
)


@pytest.fixture(scope="module")
def backend(tiny_model: Path) -> Iterator[LlamaBackend]:
    tight = LlamaSettings(n_ctx=1024, n_batch=256, n_ubatch=256, n_seq=8)
    made = LlamaBackend(tiny_model, settings=tight)
    yield made
    made.close()


def fill(backend: LlamaBackend, question: str, *steps: Step) -> Reply:
    request = Request(SYSTEM, f"{NOTE}\n\n{question}", steps)
    [(_, reply)] = backend.answer([request])
    assert reply.error is None
    return reply


def test_a_quotation_stands_in_the_record_word_for_word(backend: LlamaBackend) -> None:
    quote = Step("quote", Quote(NOTE), ("原文：“",))
    for question in (
        "患者对什么过敏？引用原文。",
        "做过什么手术？引用原文。",
        "体温多少？引用原文。",
    ):
        text = fill(backend, question, quote).text("quote")
        assert text
        assert text in NOTE
        assert len(text) >= 2


def test_a_quotation_has_its_bound_and_whole_characters_at_it(backend: LlamaBackend) -> None:
    for tokens in (1, 2, 3, 5):
        step = Step("quote", Quote(NOTE[-12:], tokens), ("原文：“",))
        text = fill(backend, "就餐的事，引用原文。", step).text("quote")
        assert text is None or text in NOTE


def test_there_is_nothing_to_quote_from_nothing(backend: LlamaBackend) -> None:
    steps = (Step("quote", Quote("。，"), ("原文：“",)), Step("why", Line(8), ("”\n理由：",)))
    reply = fill(backend, "引用原文。", *steps)
    assert reply.values["quote"] is None
    assert reply.text("why")


def test_a_model_that_can_read_finds_the_number_and_the_place(demo_model: Path) -> None:
    backend = LlamaBackend(demo_model, settings=LlamaSettings(n_ctx=512, n_seq=2))
    number = Step("celsius", Number(), ("最高体温（℃）：",))
    quote = Step("quote", Quote(NOTE), ("\n写过敏的原文：“",))
    reply = fill(backend, "体温最高多少度？对什么过敏？", number, quote)
    backend.close()
    assert reply.values["celsius"] == 38.5
    assert "过敏" in (reply.text("quote") or "")


@pytest.mark.parametrize("digits", [1, 3])
def test_a_number_is_a_number_whatever_the_model_would_say(
    backend: LlamaBackend, digits: int
) -> None:
    for question in ("体温？", "年龄？", "病史多长？"):
        step = Step("number", Number(digits), ("答：",))
        value = fill(backend, question, step).values["number"]
        assert isinstance(value, float)
        assert len(f"{abs(value):g}".replace(".", "").lstrip("0")) <= digits


def test_several_slots_of_one_request_are_filled_in_order(backend: LlamaBackend) -> None:
    yes_no = Choice(("A", "B"))
    reply = fill(
        backend,
        "依次回答：是否写了药物过敏？是否写了输血？A=是，B=否。体温最高多少度？",
        Step("allergy", yes_no, ("药物过敏：",)),
        Step("why", Line(12), ("（是）理由：", "（否）理由："), ("A",)),
        Step("blood", yes_no, ("\n输血：",)),
        Step("why_not", Line(12), ("（是）理由：", "（否）理由："), ("A",)),
        Step("celsius", Number(), ("\n体温：",)),
    )
    assert set(reply.values) - {"why", "why_not"} == {"allergy", "blood", "celsius"}
    allergy, blood = reply.values["allergy"], reply.values["blood"]
    assert isinstance(allergy, tuple)
    assert isinstance(blood, tuple)
    assert ("why" in reply.values) == (allergy[0] >= allergy[1])
    assert ("why_not" in reply.values) == (blood[0] >= blood[1])
    assert isinstance(reply.values["celsius"], float)


def test_fixed_text_between_slots_is_read_and_not_written(backend: LlamaBackend) -> None:
    before = backend.counters.generated_tokens
    lead = "一二三四五六七八九十" * 3
    slots = (Step(ANSWER, Choice(("A", "B"))), Step("why", Line(4), (lead,)))
    fill(backend, "回答 A 或 B。", *slots)
    assert backend.counters.generated_tokens - before <= 4


def test_a_model_without_a_way_of_its_own_thinks_in_lines(backend: LlamaBackend) -> None:
    thought = Step("thought", Thought(24), ("分析：",))
    reply = fill(
        backend, "是否发热？A=是，B=否。", thought, Step(ANSWER, Choice(("A", "B")), ("答案：",))
    )
    assert reply.text("thought")
    assert len(reply.probabilities) == 2


def test_alone_or_in_company_the_values_are_the_same(backend: LlamaBackend) -> None:
    slots: list[Slot] = [Quote(NOTE), Number(), Line(10), Choice(("A", "B"))]
    requests = [
        Request(SYSTEM, f"{NOTE}\n\n第{n}题：体温最高多少？", (Step("x", slot, ("答：",)),))
        for n, slot in enumerate(slots * 2)
    ]
    together = dict(backend.answer(requests))
    alone = [reply for request in requests for _, reply in backend.answer([request])]
    for number, reply in enumerate(alone):
        value, other = reply.values["x"], together[number].values["x"]
        if isinstance(value, tuple):
            assert value == pytest.approx(other, abs=0.05)
        else:
            assert value == other


QWEN3 = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)


def test_a_template_says_how_its_model_thinks() -> None:
    thinking = ChatTemplate(QWEN3).thinking()
    assert (thinking.opening, thinking.closing) == ("<think>\n", "</think>")
    opened = ChatTemplate(QWEN3.replace("{% if", "<think>\n{% if", 1)).thinking()
    assert (opened.opening, opened.closing) == ("", "</think>")
    plain = ChatTemplate(QWEN3.split("{% if not")[0]).thinking()
    assert (plain.opening, plain.closing) == ("", "")


class Vocabulary:
    """What a quotation needs of a model: tokens are single bytes and some torn characters."""

    def __init__(self) -> None:
        pieces = [bytes([n]) for n in range(256)]
        pieces += ["病".encode()[:2], "历".encode()[1:] + "病".encode()[:1], "过敏".encode()]
        self._pieces = pieces
        self.by_bytes = {piece: token for token, piece in enumerate(pieces)}

    def piece(self, token: int) -> bytes:
        return self._pieces[token]

    def tokens_of(self, ends: tuple[bytes, ...]) -> np.ndarray:
        return np.array([10], np.int64)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text("病历过敏，。a1 \n𠮷", max_size=20), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_whatever_the_model_wants_only_the_record_is_quoted(
    source: str, limit: int, seed: int
) -> None:
    vocabulary = Vocabulary()
    filler = QuoteFiller(vocabulary, source, limit)  # type: ignore[arg-type]
    random_state = np.random.default_rng(seed)
    while not filler.done:
        logits = random_state.standard_normal(len(vocabulary.by_bytes)).astype(np.float32)
        filler.take(logits)
    value = filler.value()
    assert value is None or (isinstance(value, str) and value in source)


def test_a_quotation_begins_at_a_letter() -> None:
    assert quotable("，。a病").starts == (6, 7)
