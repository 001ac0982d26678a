"""A GGUF model through llama.cpp's own C interface: vocabulary, context, decoding."""

from __future__ import annotations

import ctypes
import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.llama.batch import Batch
from qc_runtime.llama.native import Native, native
from qc_runtime.llama.settings import LlamaSettings, Resolved

Tokens = tuple[int, ...]


class Model:
    """Weights and vocabulary, or the vocabulary only. ``close`` frees them."""

    def __init__(
        self, path: Path, settings: LlamaSettings, *, vocabulary_only: bool = False
    ) -> None:
        self.path = path
        self.native: Native = native()
        self._lib = self.native.lib
        params = self._lib.llama_model_default_params()
        params.n_gpu_layers, params.main_gpu = settings.n_gpu_layers, settings.main_gpu
        params.vocab_only = vocabulary_only
        self.native.last_error = ""
        self.handle = self._lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self.handle:
            raise QcError(_cannot_load(path, self.native.last_error))
        self._vocab = self._lib.llama_model_get_vocab(self.handle)
        self.n_vocab: int = self._lib.llama_vocab_n_tokens(self._vocab)
        self.n_ctx_train: int = self._lib.llama_model_n_ctx_train(self.handle)

    def close(self) -> None:
        handle, self.handle = self.handle, None
        if handle:
            self._lib.llama_model_free(handle)

    @property
    def gpu(self) -> bool:
        """Whether llama.cpp was built for a GPU and has found one."""
        return bool(self._lib.llama_supports_gpu_offload())

    @property
    def shares_cells(self) -> bool:
        """Whether one KV cell can serve many sequences (not so for recurrent states)."""
        recurrent = self._lib.llama_model_is_recurrent(self.handle)
        return not (recurrent or self._lib.llama_model_is_hybrid(self.handle))

    def metadata(self, key: str) -> str | None:
        """A value of the GGUF's metadata, as text."""
        name = key.encode()
        size = self._lib.llama_model_meta_val_str(self.handle, name, None, 0)
        if size < 0:
            return None
        buffer = ctypes.create_string_buffer(size + 1)
        self._lib.llama_model_meta_val_str(self.handle, name, buffer, size + 1)
        return buffer.value.decode("utf-8", "replace")

    def tokenize(self, text: str, *, special: bool) -> Tokens:
        """Token ids of a text. Only with ``special`` can it yield control tokens."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (ctypes.c_int32 * room)()
        count = self._lib.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        return tuple(buffer[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of a token; they need not be whole characters. Control tokens have none."""
        buffer = ctypes.create_string_buffer(256)
        size = self._lib.llama_token_to_piece(self._vocab, token, buffer, 256, 0, False)
        return buffer.raw[: max(0, size)]

    def ends(self, token: int) -> bool:
        """Whether a token ends the model's turn."""
        return bool(self._lib.llama_vocab_is_eog(self._vocab, token))

    @cached_property
    def unwritable(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Ids of tokens that are no text and no end of turn: never to be generated."""
        lib = self._lib
        kinds = lib.LLAMA_TOKEN_ATTR_CONTROL | lib.LLAMA_TOKEN_ATTR_UNKNOWN
        kinds |= lib.LLAMA_TOKEN_ATTR_UNUSED
        attribute = lib.llama_vocab_get_attr
        ids = [t for t in range(self.n_vocab) if attribute(self._vocab, t) & kinds]
        return np.array([t for t in ids if not self.ends(t)], np.int64)

    @cached_property
    def by_bytes(self) -> dict[bytes, int]:
        """Every token that is text, by its bytes."""
        closed = {*self.unwritable.tolist()}
        pieces = {t: self.piece(t) for t in range(self.n_vocab - 1, -1, -1) if t not in closed}
        return {piece: token for token, piece in pieces.items() if piece and not self.ends(token)}

    @cached_property
    def numeric(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The tokens that can be part of a number."""
        parts = (t for piece, t in self.by_bytes.items() if not piece.strip(b"0123456789.-"))
        return np.array(sorted(parts), np.int64)

    @lru_cache(maxsize=8)  # noqa: B019 (a model lives as long as the process needs it)
    def tokens_of(self, beginnings: tuple[bytes, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The tokens that end the model's turn or begin with one of these bytes."""
        found = {token for piece, token in self.by_bytes.items() if piece.startswith(beginnings)}
        found |= {token for token in range(self.n_vocab) if self.ends(token)}
        return np.array(sorted(found), np.int64)

    def bos(self) -> tuple[int, str] | None:
        """The token every text begins with, and how it is written; None if there is none."""
        token = self._lib.llama_vocab_bos(self._vocab)
        if token < 0 or not self._lib.llama_vocab_get_add_bos(self._vocab):
            return None
        return token, self.written(token)

    def eos(self) -> str:
        token = self._lib.llama_vocab_eos(self._vocab)
        return self.written(token) if token >= 0 else ""

    def written(self, token: int) -> str:
        """How a token, control tokens too, is written in a template."""
        text = self._lib.llama_vocab_get_text(self._vocab, token)
        return (text or b"").decode("utf-8", "replace")


class Context:
    """The KV cache of a model and the computations on it.

    Sequence 0 holds the shared prefix; the following ones are for ``n_seq`` requests and for
    one more that is kept for its neighbour. One cell of the cache can belong to several of
    them, which is what makes a prefix shared.
    """

    def __init__(self, model: Model, settings: LlamaSettings, chosen: Resolved) -> None:
        self.model = model
        self._native = model.native
        self._lib = model.native.lib
        self.n_seq = chosen.n_seq
        self._native.last_error = ""
        self._handle = self._lib.llama_init_from_model(model.handle, self._params(settings, chosen))
        if not self._handle:
            raise QcError(_no_context(self._native.last_error))
        self._lib.llama_set_abort_callback(self._handle, self._native.abort, None)
        self._memory = self._lib.llama_get_memory(self._handle)
        self.n_ctx: int = self._lib.llama_n_ctx(self._handle)
        self.n_batch: int = self._lib.llama_n_batch(self._handle)

    def _params(self, settings: LlamaSettings, chosen: Resolved) -> Any:
        params = self._lib.llama_context_default_params()
        params.n_ctx = min(settings.n_ctx, self.model.n_ctx_train)
        params.n_batch = min(chosen.n_batch, params.n_ctx)
        params.n_ubatch = min(settings.n_ubatch, params.n_batch)
        params.n_seq_max = chosen.n_seq + 2
        params.n_outputs_max = min(params.n_seq_max, params.n_batch)
        params.n_threads = params.n_threads_batch = settings.threads()
        params.kv_unified = True  # without it the cache is cut up and no prefix is shared
        params.type_k = _cache_type(self._lib, settings.cache_type_k)
        params.type_v = _cache_type(self._lib, settings.cache_type_v)
        params.offload_kqv = settings.offload_kqv
        if chosen.flash_attn is not None:
            params.flash_attn_type = int(chosen.flash_attn)
        return params

    def batch(self) -> Batch:
        return Batch(self._lib, self.n_batch, self.n_seq + 2)

    def decode(self, batch: Batch) -> int:
        """Compute a batch: 0 when done, else llama.cpp's code for why not."""
        self._native.last_error = ""
        with self._native.interruptible():
            return int(self._lib.llama_decode(self._handle, batch.native))

    def logits(self, row: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The logits after one row of the last batch: a view, valid until the next decode."""
        pointer = self._lib.llama_get_logits_ith(self._handle, row)
        return np.ctypeslib.as_array(pointer, shape=(self.model.n_vocab,))

    def copy(self, seq: int, to: int, start: int = 0, end: int = -1) -> None:
        """Let a sequence have the cells of another from one position up to another, too."""
        self._lib.llama_memory_seq_cp(self._memory, seq, to, start, end)

    def drop(self, seq: int, start: int = 0) -> bool:
        """Forget a sequence from a position on; False where the model cannot do so."""
        return bool(self._lib.llama_memory_seq_rm(self._memory, seq, start, -1))

    def clear(self) -> None:
        self._lib.llama_memory_clear(self._memory, False)

    def last_error(self) -> str:
        return self._native.last_error

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle:
            self._lib.llama_free(handle)


def _cache_type(lib: Any, name: str) -> int:
    value = getattr(lib, f"GGML_TYPE_{name.upper()}", None)
    if value is None:
        zh, en = f"没有这种缓存类型：{name}", f"There is no such cache type: {name}"
        raise QcError(
            Diagnostic("QC524", Text(zh, en), help=Text("例如 f16、q8_0", "Try f16, q8_0"))
        )
    return int(value)


def _cannot_load(path: Path, why: str) -> Diagnostic:
    return Diagnostic(
        "QC502",
        Text(f"模型文件无法载入：{why}", f"The model file cannot be loaded: {why}"),
        place=Text(str(path), str(path)),
        help=Text(
            "文件可能不是 GGUF、不完整或已损坏；可用 qc model verify 核对，"
            "或用 qc model pull 重新取得",
            "It may not be a GGUF file, or be incomplete or damaged: check it with "
            "qc model verify, or get it again with qc model pull",
        ),
    )


def _no_context(why: str) -> Diagnostic:
    return Diagnostic(
        "QC521",
        Text(f"无法为模型分配内存：{why}", f"No memory for the model's context: {why}"),
        help=Text("请减小 n_ctx 或 n_seq", "Make n_ctx or n_seq smaller"),
    )
