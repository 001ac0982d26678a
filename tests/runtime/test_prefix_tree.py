"""The least that an engine has to read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qc_runtime.llama.prefix_tree import tree_size

_prompts = st.lists(st.lists(st.integers(0, 2), max_size=6).map(tuple), max_size=8)


@given(_prompts)
def test_it_counts_each_different_beginning_once(prompts: list[tuple[int, ...]]) -> None:
    beginnings = {prompt[: n + 1] for prompt in prompts for n in range(len(prompt))}
    assert tree_size(prompts) == len(beginnings)
