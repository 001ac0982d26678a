"""The llama.cpp back end: a model file behind the small protocol of `qc_runtime.backend`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from qc_runtime.backend import Counters, Reply, Request
from qc_runtime.llama.native import native
from qc_runtime.llama.settings import LlamaSettings

if TYPE_CHECKING:  # these need numpy, which comes with llama.cpp only
    from qc_runtime.llama.engine import Engine
    from qc_runtime.llama.model import Context, Model
    from qc_runtime.llama.prompt import Prompter

_PROMPT_FORMAT = 1  # raise it when the same request comes to mean other tokens


class LlamaBackend:
    """Answers requests with a GGUF model; nothing is loaded before the first `answer`.

    ``fingerprint`` names the model's content (its SHA-256). Errors: QC520 no llama.cpp,
    QC502 no usable model, QC521 no memory, QC522 no chat template, QC523 codes alike.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        settings: LlamaSettings | None = None,
        fingerprint: str = "",
    ) -> None:
        self.path = Path(path)
        self.settings = settings or LlamaSettings()
        self.counters = Counters()
        self._fingerprint = fingerprint or str(path)
        self._parts: tuple[Model, Context, Prompter, Engine] | None = None

    @property
    def identity(self) -> str:
        kv = f"{self.settings.cache_type_k}/{self.settings.cache_type_v}"
        return f"llama:{self._fingerprint}:prompt={_PROMPT_FORMAT}:kv={kv}"

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        if not requests:
            return
        _, _, prompter, engine = self._load()
        yield from engine.run(prompter.prompts(requests))

    def close(self) -> None:
        parts, self._parts = self._parts, None
        if parts:
            model, context, _, _ = parts
            context.close()
            model.close()

    def _load(self) -> tuple[Model, Context, Prompter, Engine]:
        if self._parts is None:
            started = perf_counter()
            self._parts = self._open()
            self.counters.load_seconds += perf_counter() - started
        return self._parts

    def _open(self) -> tuple[Model, Context, Prompter, Engine]:
        native()  # says what to do where llama.cpp is not installed
        from qc_runtime.llama.engine import Engine
        from qc_runtime.llama.model import Context, Model
        from qc_runtime.llama.prompt import Prompter

        model = Model(self.path, self.settings)
        try:
            prompter = Prompter(model)
            context = Context(model, self.settings)
        except BaseException:
            model.close()
            raise
        return model, context, prompter, Engine(model, context, self.counters)
