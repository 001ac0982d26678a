"""How many tokens a set of prompts takes when every common beginning is read once."""

from __future__ import annotations

from collections.abc import Iterable

from qc_runtime.llama.model import Tokens
from qc_runtime.llama.schedule import common


def tree_size(prompts: Iterable[Tokens]) -> int:
    """The nodes of the prefix tree of these prompts: the least that any engine has to compute."""
    size = 0
    before: Tokens = ()
    for prompt in sorted(set(prompts)):
        size += len(prompt) - common(before, prompt)
        before = prompt
    return size
