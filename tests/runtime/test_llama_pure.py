"""The engine's planning, slots and texts, where no model is needed."""

from __future__ import annotations

import sys
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qc_dsl.errors import QcError
from qc_runtime.backend import Choice
from qc_runtime.explanation import cut_back, decode, first_line
from qc_runtime.llama import LlamaBackend, LlamaSettings, schedule
from qc_runtime.llama.close_calls import is_close
from qc_runtime.llama.prompt import Blank, Prompt
from qc_runtime.llama.schedule import common, plan
from qc_runtime.llama.slots import BrokenLogitsError, greedy, probabilities
from qc_runtime.llama.tasks import Lane, Piece, Prefix, Task, shared, step
from qc_runtime.llama.template import ChatTemplate, Frame
from support.asking import asked

CHATML = (
    "{%- for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{%- endif %}"
)


# -- planning ----------


def prompt(index: int, head: tuple[int, ...], tail: tuple[int, ...]) -> Prompt:
    slot = Choice(("A", "B"))
    return Prompt(index, head, tail, (Blank("answer", slot, codes=((1,), (2,))),))


@given(
    st.lists(
        st.tuples(st.sampled_from([(1, 2), (1, 3, 4)]), st.lists(st.integers(1, 2), min_size=1)),
        max_size=12,
    )
)
def test_a_plan_keeps_every_prompt_once_and_prefixes_are_true(pairs: list) -> None:
    prompts = [prompt(n, head, tuple(tail)) for n, (head, tail) in enumerate(pairs)]
    with patch.object(schedule, "_PAGE", 2):
        groups = plan(prompts)
    assert sorted(m.index for g in groups for m in g.members) == list(range(len(prompts)))
    for group in groups:
        for member in group.members:
            whole = member.head + member.tail
            assert whole[: len(group.prefix)] == group.prefix
            assert len(whole) > len(group.prefix)  # something is left to ask for logits after


def test_many_questions_to_one_long_record_have_its_whole_pages_for_their_prefix() -> None:
    record = tuple(range(100, 700))
    asked = [prompt(n, (1, 2), (*record, 7, n, 9)) for n in range(5)]
    others = [prompt(10 + n, (1, 2), (50 + n, 51)) for n in range(3)]
    lengths = {len(group.prefix): len(group.members) for group in plan([*others, *asked])}
    assert lengths == {2: 3, 2 + 512: 5}


def test_what_is_shorter_than_a_page_is_left_to_neighbours() -> None:
    prompts = [prompt(n, (1, 2), (*range(100, 340), n // 20, 5, n)) for n in range(80)]
    assert [group.prefix for group in plan(prompts)] == [(1, 2)]


def test_a_long_record_is_found_among_others_that_begin_alike() -> None:
    """Templates and departments make many records begin alike; few of them go on alike."""
    begins = tuple(range(100, 140))
    others = [prompt(n, (1, 2), (*begins, 50 + n, 51)) for n in range(9)]
    asked = [prompt(20 + n, (1, 2), (*begins, *range(200, 500), n)) for n in range(3)]
    assert [len(group.members) for group in plan([*others, *asked])] == [9, 3]


def test_groups_come_so_that_prefixes_continue_each_other() -> None:
    record = tuple(range(100, 400))
    prompts = [prompt(n, (1, 2), (*record, n)) for n in range(3)]
    prompts += [prompt(9, (1, 2), (3, 3)), prompt(10, (5,), (3,))]
    prefixes = [group.prefix for group in plan(prompts)]
    kept = [common(a, b) for a, b in pairwise(prefixes)]
    assert kept == [2, 0]


# -- slots ----------


def alike(before: Piece | None, lane: Lane) -> int:
    return common(before.tokens, lane.pending) if before else 0


def test_rows_that_neighbours_share_take_no_room_in_a_batch() -> None:
    lanes = [Lane(n, 0, (1, 2, 3, 4, 5, n)) for n in range(10, 16)]
    assert [len(piece.tokens) for piece in step(lanes, 9, alike)] == [6, 6, 6, 6]
    assert [len(p.tokens) for p in step(lanes, 9, lambda before, lane: 0)] == [6, 3]


def test_the_last_prompt_of_a_batch_is_cut_to_the_room_that_is_left() -> None:
    lanes = [Lane(1, 0, (1,)), Lane(2, 0, (2, 3, 4)), Lane(3, 0, (5, 6))]
    assert [p.tokens for p in step(lanes, 3, alike)] == [(1,), (2, 3)]


@given(st.lists(st.lists(st.integers(1, 2), min_size=1, max_size=12)), st.integers(1, 8))
def test_no_batch_is_too_large_and_no_token_is_lost(pending: list, size: int) -> None:
    lanes = [Lane(n, 0, tuple(tokens)) for n, tokens in enumerate(pending)]
    whole = {lane.seq: lane.pending for lane in lanes}
    computed: dict[int, tuple[int, ...]] = {lane.seq: () for lane in lanes}
    while pieces := step(lanes, size, alike):
        both = [min(alike(a, b.lane), len(b.tokens)) for a, b in pairwise([None, *pieces]) if b]
        assert 0 < sum(len(p.tokens) for p in pieces) - sum(both) <= size
        for piece in pieces:
            computed[piece.lane.seq] += piece.tokens
            piece.lane.pending = piece.lane.pending[len(piece.tokens) :]
    assert computed == whole


# -- what a request takes over from its neighbour ----------

_BASE = Prefix(0, 2, tokens=(1, 2))
_TOKENS = st.lists(st.integers(1, 2), min_size=1, max_size=8)


def task(tokens: tuple[int, ...], pos: int = 2) -> Task:
    return Task(
        1, pos, tokens[pos - 2 :], prompt=prompt(0, (1, 2), tokens), base=_BASE, tokens=tokens
    )


@given(_TOKENS, _TOKENS, st.integers(0, 12))
def test_what_is_taken_over_is_the_same_prompt_computed_and_never_its_last_token(
    first: list, second: list, done: int
) -> None:
    before, new = task(tuple(first), 2 + done), task(tuple(second))
    known = new.known(before)
    taken = known - 2
    assert 0 <= taken < len(second)
    assert taken <= done
    assert first[:taken] == second[:taken]
    new.skip(known)
    assert new.pending == tuple(second[taken:])
    if taken < min(done, len(first), len(second) - 1):
        assert first[taken] != second[taken]


@given(_TOKENS, _TOKENS, st.integers(0, 7))
def test_rows_are_shared_only_by_prompts_that_are_alike_up_to_them(
    first: list, second: list, done: int
) -> None:
    done = min(done, len(first), len(second))
    rows = shared(task(tuple(first), 2 + done), task(tuple(second), 2 + done))
    if rows:
        assert first[: done + rows] == second[: done + rows]
    elif first[: done + 1] == second[: done + 1]:
        assert done >= min(len(first), len(second))


def test_nothing_is_taken_over_from_another_prefix() -> None:
    other = Task(1, 5, (), prompt=prompt(0, (3,), (7, 8, 9)), base=Prefix(0), tokens=(7, 8, 9))
    new = task((7, 8, 9))
    assert new.known(other) == 2
    assert shared(other, new) == 0


def test_choice_is_normalised_over_the_codes_alone() -> None:
    logits = np.array([9.0, 1.0, 1.0 + np.log(3.0), -4.0], np.float32)
    assert probabilities(logits, (1, 2)) == pytest.approx((0.25, 0.75), abs=1e-6)


def test_logits_that_are_no_numbers_choose_nothing() -> None:
    with pytest.raises(BrokenLogitsError):
        probabilities(np.array([1.0, np.nan], np.float32), (0, 1))


def test_tokens_that_are_no_text_are_never_written() -> None:
    logits = np.array([1.0, 5.0, 9.0], np.float32)
    assert greedy(logits, np.array([2])) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("侧别不同。左侧与右侧，不", "侧别不同。"),
        ("侧别不同，左侧与右", "侧别不同…"),
        ("侧别不", "侧别不…"),
        ("3.5 cm is not 4.5", "3.5 cm is not 4.5…"),
    ],
)
def test_a_text_cut_by_its_bound_ends_at_a_sentence_or_clause(text: str, shown: str) -> None:
    assert cut_back(text) == shown


@given(st.text(max_size=12), st.integers(0, 40))
def test_bytes_cut_anywhere_never_end_in_a_broken_character(text: str, size: int) -> None:
    cut = text.encode()[:size]
    assert text.startswith(decode(cut))
    assert len(decode(cut).encode()) > len(cut) - 4


def test_only_the_first_line_of_a_text_is_kept() -> None:
    assert first_line("\n 侧别不同。\r\n另外") == "侧别不同。"


# -- templates ----------


def test_a_template_is_cut_around_the_two_texts() -> None:
    frame = ChatTemplate(CHATML).frame(system=True)
    assert frame == Frame(
        "<|im_start|>system\n",
        "<|im_end|>\n<|im_start|>user\n",
        "<|im_end|>\n<|im_start|>assistant\n",
    )


@pytest.mark.parametrize(
    "guard",
    [
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}",
        "{% set messages = messages | rejectattr('role', 'equalto', 'system') | list %}",
    ],
)
def test_a_template_without_system_role_gets_the_system_text_before_the_user(guard: str) -> None:
    frame = ChatTemplate(guard + CHATML).frame(system=True)
    assert (frame.before, frame.between) == ("<|im_start|>user\n", "\n\n")


def test_no_system_text_means_no_system_message() -> None:
    frame = ChatTemplate(CHATML).frame(system=False)
    assert (frame.before, frame.between) == ("<|im_start|>user\n", "")


def test_thinking_is_off_and_the_date_stands_still() -> None:
    source = CHATML + "{% if enable_thinking is false %}<off>{% endif %}{{ strftime_now('%Y') }}"
    template = ChatTemplate(source)
    assert template.frame(system=True).after.endswith("<off>2025-01-01")


@pytest.mark.parametrize(
    "source", [None, "", "{% if %}", "nothing of either", "{{ ''.__class__ }}"]
)
def test_a_missing_or_unusable_template_is_a_clear_error(source: str | None) -> None:
    with pytest.raises(QcError) as caught:
        ChatTemplate(source).frame(system=True)
    assert caught.value.diagnostics[0].code == "QC522"


# -- settings ----------


@pytest.mark.parametrize(
    ("settings", "gpu", "flash"),
    [
        (LlamaSettings(), False, True),
        (LlamaSettings(), True, None),
        (LlamaSettings(n_gpu_layers=0), True, True),
        (LlamaSettings(flash_attn=False), False, False),
        (LlamaSettings(flash_attn=False), True, False),
    ],
)
def test_flash_attention_is_for_processors_and_on_gpus_llama_cpp_chooses(
    settings: LlamaSettings, gpu: bool, flash: bool | None
) -> None:
    assert settings.for_machine(gpu=gpu).flash_attn is flash


def test_sizes_that_are_set_are_kept() -> None:
    resolved = LlamaSettings(n_batch=64, n_seq=3).for_machine(gpu=True)
    assert (resolved.n_batch, resolved.n_seq) == (64, 3)


# -- the back end before it loads anything ----------


def test_identity_needs_no_model_and_names_what_changes_answers() -> None:
    plain = LlamaBackend("absent.gguf", fingerprint="f00d")
    coarse = LlamaBackend(
        "absent.gguf", fingerprint="f00d", settings=LlamaSettings(cache_type_k="q8_0")
    )
    wide = LlamaBackend("absent.gguf", fingerprint="f00d", settings=LlamaSettings(n_seq=8))
    assert "f00d" in plain.identity
    assert plain.identity != coarse.identity
    assert plain.identity == wide.identity


def test_without_llama_cpp_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc_runtime.llama.native._loaded", [])
    monkeypatch.setitem(sys.modules, "llama_cpp.llama_cpp", None)
    with pytest.raises(QcError) as caught:
        list(LlamaBackend("absent.gguf").answer([asked("", "甲", ("A", "B"))]))
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == "QC520"
    assert diagnostic.help is not None
    assert "qc-rulebook[llama]" in diagnostic.help.zh


@pytest.mark.parametrize(
    ("shares", "sure_at", "close"),
    [
        ((0.53, 0.47), 0.0, True),
        ((0.47, 0.53), 0.0, True),
        ((0.6, 0.4), 0.0, False),
        ((0.76, 0.24), 0.75, True),
        ((0.9, 0.1), 0.75, False),
        ((0.51, 0.49), 0.75, False),
        ((0.51, 0.49), 0.54, True),
        ((0.4, 0.35, 0.25), 0.0, True),
    ],
)
def test_a_call_is_close_where_noise_could_turn_it(
    shares: tuple[float, ...], sure_at: float, close: bool
) -> None:
    assert is_close(Choice(("A", "B", "C")[: len(shares)]), shares, sure_at) == close


def test_weights_move_the_line_that_a_call_is_close_to() -> None:
    weighted = Choice(("A", "B"), (1.5, 1.0))
    assert is_close(weighted, (0.4, 0.6), 0.0)
    assert not is_close(weighted, (0.5, 0.5), 0.0)
