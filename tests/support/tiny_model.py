"""A model of two small layers with random weights and the demo model's vocabulary.

For tests of how requests go through llama.cpp, whatever they are answered: the same code, the
same tokens and template, a thousandth of the arithmetic.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_LAYERS, _WIDTH, _HEADS, _KV_HEADS, _INNER = 2, 64, 4, 2, 128
_COPIED = ("tokenizer.",)  # the vocabulary and the chat template


def write_tiny_model(demo: Path, path: Path) -> Path:
    """Write the GGUF file; the same bytes every time."""
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "qwen2")
    writer.add_context_length(4096)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    vocabulary = 0
    for name, kinds, value in _keys(demo):
        if name.startswith(_COPIED):
            writer.add_key_value(name, value, *kinds)
        if name == "tokenizer.ggml.tokens":
            vocabulary = len(value)
    for name, tensor in _tensors(vocabulary):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _keys(path: Path) -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """A GGUF file's keys, with the kind (and that of its items) and the value of each.

    As the format's description has them. `gguf.GGUFReader` makes four arrays of each of the
    300 000 strings of a vocabulary, which takes it ten seconds.
    """
    from gguf import GGUFValueType as Kind

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (count,), at = struct.unpack_from("<Q", data, 16), 24
        for _ in range(count):
            name, at = _string(data, at)
            kinds, at = (Kind(*struct.unpack_from("<I", data, at)),), at + 4
            if kinds[0] is not Kind.ARRAY:
                [value], at = _values(data, at, kinds[0], 1)
            else:
                item, length = struct.unpack_from("<IQ", data, at)
                kinds = (Kind.ARRAY, Kind(item))
                value, at = _values(data, at + 12, kinds[1], length)
            yield name, kinds, value


def _values(data: mmap.mmap, at: int, kind: Any, count: int) -> tuple[list[Any], int]:
    """So many values of a kind, and where the next thing begins."""
    from gguf import GGUFReader, GGUFValueType

    if kind is GGUFValueType.STRING:
        strings = []
        for _ in range(count):
            string, at = _string(data, at)
            strings.append(string)
        return strings, at
    number = np.dtype(GGUFReader.gguf_scalar_to_np[kind])
    size = count * number.itemsize
    return np.frombuffer(data[at : at + size], number).tolist(), at + size


def _string(data: mmap.mmap, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", data, at)
    end = at + 8 + length
    return data[at + 8 : end].decode(), end


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
