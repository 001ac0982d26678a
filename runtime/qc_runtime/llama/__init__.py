"""The batched llama.cpp engine; the only place that touches llama-cpp-python."""

from qc_runtime.llama.backend import LlamaBackend
from qc_runtime.llama.settings import LlamaSettings

__all__ = ["LlamaBackend", "LlamaSettings"]
