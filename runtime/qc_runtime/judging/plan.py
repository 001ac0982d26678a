"""What a run would ask the model, found out without asking it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from qc_dsl.lang import Text
from qc_runtime.backend import Counters, Reply, Request

_NOT_ASKED = Text("只作计划，没有提问", "Only planned, not asked")


class Recorder:
    """A back end that notes every request and answers none."""

    identity = "plan"

    def __init__(self) -> None:
        self.counters = Counters()
        self.requests: list[Request] = []

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        self.requests += requests
        for index in range(len(requests)):
            yield index, Reply(error=_NOT_ASKED)

    def close(self) -> None:
        """Nothing is held."""


def predicted_tokens(requests: Sequence[Request], model: Path) -> int:
    """The tokens of these prompts in a model's vocabulary, every common beginning once.

    Only the vocabulary of the GGUF file is read.
    """
    from qc_runtime.llama.model import Model
    from qc_runtime.llama.prefix_tree import tree_size
    from qc_runtime.llama.prompt import Prompter
    from qc_runtime.llama.settings import LlamaSettings

    vocabulary = Model(model, LlamaSettings(), vocabulary_only=True)
    try:
        prompts = Prompter(vocabulary).prompts(requests)
        return tree_size(prompt.head + prompt.tail for prompt in prompts)
    finally:
        vocabulary.close()
