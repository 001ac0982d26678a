"""A model of two small layers with random weights and the demo model's vocabulary.

For tests of how requests go through llama.cpp, whatever they are answered: the same code, the
same tokens and template, a thousandth of the arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

_LAYERS, _WIDTH, _HEADS, _KV_HEADS, _INNER = 2, 64, 4, 2, 128
_COPIED = ("tokenizer.",)  # the vocabulary and the chat template


def write_tiny_model(demo: Path, path: Path) -> Path:
    """Write the GGUF file; the same bytes every time."""
    from gguf import GGUFReader, GGUFWriter

    reader = GGUFReader(demo)
    writer = GGUFWriter(path, "qwen2")
    writer.add_context_length(4096)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    for name, field in reader.fields.items():
        if name.startswith(_COPIED):
            kinds = field.types
            writer.add_key_value(name, field.contents(), kinds[0], *kinds[1:2])
    vocabulary = len(reader.fields["tokenizer.ggml.tokens"].data)
    for name, tensor in _tensors(vocabulary):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(vocabulary: int) -> list[tuple[str, Any]]:
    draw = np.random.default_rng(11)

    def matrix(rows: int, columns: int) -> Any:
        return (draw.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    kv = _WIDTH * _KV_HEADS // _HEADS
    one = np.ones(_WIDTH, np.float32)
    found = [("token_embd.weight", matrix(vocabulary, _WIDTH)), ("output_norm.weight", one)]
    for layer in range(_LAYERS):
        part = f"blk.{layer}."
        found += [
            (f"{part}attn_norm.weight", one),
            (f"{part}attn_q.weight", matrix(_WIDTH, _WIDTH)),
            (f"{part}attn_q.bias", np.zeros(_WIDTH, np.float32)),
            (f"{part}attn_k.weight", matrix(kv, _WIDTH)),
            (f"{part}attn_k.bias", np.zeros(kv, np.float32)),
            (f"{part}attn_v.weight", matrix(kv, _WIDTH)),
            (f"{part}attn_v.bias", np.zeros(kv, np.float32)),
            (f"{part}attn_output.weight", matrix(_WIDTH, _WIDTH)),
            (f"{part}ffn_norm.weight", one),
            (f"{part}ffn_gate.weight", matrix(_INNER, _WIDTH)),
            (f"{part}ffn_up.weight", matrix(_INNER, _WIDTH)),
            (f"{part}ffn_down.weight", matrix(_WIDTH, _INNER)),
        ]
    return found
