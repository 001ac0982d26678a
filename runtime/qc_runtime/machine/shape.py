"""A model's measures, and what a token of its KV cache takes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

# Bytes an element: q8_0 is 32 numbers in 34 bytes, q4_0 32 in 18 (ggml-common.h)
CACHE_TYPES: dict[str, float] = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}


@dataclass(frozen=True)
class Shape:
    """``weights`` in bytes; ``context`` is what it was trained for, in tokens.

    ``template`` is whether it has a chat template, `None` where that is not known.
    """

    name: str
    weights: int
    layers: int
    kv_heads: int
    key_length: int
    value_length: int
    context: int
    vocabulary: int
    template: bool | None = None

    def cache_bytes(self, kind: str) -> float:
        """Bytes of KV cache a token: 2 · layers · kv_heads · head_dim · bytes an element."""
        each = self.layers * self.kv_heads * (self.key_length + self.value_length)
        return each * CACHE_TYPES[kind]


# From the models' published metadata, for planning before anything is downloaded
KNOWN: dict[str, tuple[int, int, int, int, int]] = {
    # name: layers, KV heads, length of a head, trained context, vocabulary
    "demo": (28, 2, 128, 32768, 151936),
    "small": (24, 2, 64, 32768, 151936),
    "qwen3-32b": (64, 8, 128, 40960, 151936),
}


def known_shape(name: str) -> Shape | None:
    """A registered model's measures without its file."""
    from qc_runtime.models.registry import MODELS

    if name not in KNOWN or name not in MODELS:
        return None
    layers, heads, length, context, vocabulary = KNOWN[name]
    model = MODELS[name]
    return Shape(model.title, model.size, layers, heads, length, length, context, vocabulary, True)


def shape_of(metadata: Mapping[str, str], weights: int) -> Shape | None:
    """The measures that a GGUF states of itself; `None` where it lacks them.

    Without ``head_count_kv`` every head has its own keys; without ``key_length`` a head is the
    embedding's share (GGUF specification, “Attention”).
    """
    family = metadata.get("general.architecture", "")

    def number(key: str) -> int | None:
        with suppress(ValueError):
            return int(metadata.get(f"{family}.{key}", ""))
        return None

    layers, heads = number("block_count"), number("attention.head_count")
    width, context = number("embedding_length"), number("context_length")
    if not (layers and heads and width and context):
        return None
    length = number("attention.key_length") or width // heads
    return Shape(
        name=metadata.get("general.name", family),
        weights=weights,
        layers=layers,
        kv_heads=number("attention.head_count_kv") or heads,
        key_length=length,
        value_length=number("attention.value_length") or length,
        context=context,
        vocabulary=number("vocab_size") or _VOCABULARY,
        template="tokenizer.chat_template" in metadata,
    )


_VOCABULARY = 152_000  # tokens, where the file does not say: for the size of a work buffer only
