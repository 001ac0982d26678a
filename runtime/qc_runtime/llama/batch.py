"""One ``llama_decode`` worth of tokens, in numpy arrays that llama.cpp reads in place."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

import numpy as np


class Batch:
    """Up to ``n_tokens`` rows; a row is one token at one position of one or more sequences."""

    def __init__(self, lib: Any, n_tokens: int, n_seq: int) -> None:
        self._token = np.zeros(n_tokens, np.int32)
        self._pos = np.zeros(n_tokens, np.int32)
        self._count = np.zeros(n_tokens, np.int32)
        self._seqs = np.zeros((n_tokens, n_seq), np.int32)
        self._wanted = np.zeros(n_tokens, np.int8)
        self._pointers = _row_pointers(self._seqs)
        self.size = 0
        self.native = lib.llama_batch(
            n_tokens=0,
            token=_pointer(self._token, ctypes.c_int32),
            pos=_pointer(self._pos, ctypes.c_int32),
            n_seq_id=_pointer(self._count, ctypes.c_int32),
            seq_id=ctypes.cast(self._pointers, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            logits=_pointer(self._wanted, ctypes.c_int8),
        )

    def clear(self) -> None:
        self.size = 0
        self.native.n_tokens = 0

    def add(self, tokens: Iterable[int], start: int, seq: int) -> list[int]:
        """Append tokens of one sequence from position ``start``; returns their rows."""
        first = self.size
        for offset, token in enumerate(tokens):
            row = first + offset
            self._token[row], self._pos[row], self._count[row] = token, start + offset, 1
            self._seqs[row, 0], self._wanted[row] = seq, 0
            self.size += 1
        self.native.n_tokens = self.size
        return list(range(first, self.size))

    def share(self, rows: Iterable[int], seq: int) -> None:
        """Let rows belong to one more sequence: they are computed once for all of them."""
        for row in rows:
            self._seqs[row, self._count[row]] = seq
            self._count[row] += 1

    def want(self, row: int) -> None:
        """Ask for the logits after this row."""
        self._wanted[row] = 1


def _pointer(array: np.ndarray[Any, Any], kind: Any) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(kind))


def _row_pointers(matrix: np.ndarray[Any, Any]) -> Any:
    """A C array with the address of each row."""
    start, stride = matrix.ctypes.data, matrix.strides[0]
    return (ctypes.c_void_p * len(matrix))(*(start + i * stride for i in range(len(matrix))))
