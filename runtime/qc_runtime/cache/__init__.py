"""Answers shared by all runs of a user, so that what was asked once is not asked again.

A run looks into it and adds to it, and never fails because of it (`shared`). `qc cache` shows
it and keeps it small (`care`), and carries it from machine to machine (`carry`).
"""

from qc_runtime.cache.file import CacheFile, cache_path
from qc_runtime.cache.shared import AnswerBook, Layered, Remembered, SharedCache

__all__ = [
    "AnswerBook",
    "CacheFile",
    "Layered",
    "Remembered",
    "SharedCache",
    "cache_path",
]
