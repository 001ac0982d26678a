"""The llama.cpp back end: a model file behind the small protocol of `qc_runtime.backend`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import Counters, Reply, Request
from qc_runtime.llama.native import native
from qc_runtime.llama.settings import LlamaSettings, Resolved

if TYPE_CHECKING:  # these need numpy, which comes with llama.cpp only
    from qc_runtime.llama.engine import Engine
    from qc_runtime.llama.model import Context, Model
    from qc_runtime.llama.prompt import Prompt, Prompter

OnStep = Callable[[Sequence[int]], None]
_PROMPT_FORMAT = 2  # raise it when the same request comes to mean other tokens
_AT_ONCE = 4096  # requests that are planned together


class LlamaBackend:
    """Answers requests with a GGUF model; nothing is loaded before the first `answer`.

    ``fingerprint`` names the model's content (its SHA-256). Errors: QC520 no llama.cpp,
    QC502 no usable model, QC521 no memory, QC522 no chat template, QC523 codes alike, QC526
    the file was replaced meanwhile. ``on_step`` is told before each computation which requests,
    by index, are begun with in it.
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
        self.on_step: OnStep = lambda begun: None
        self._fingerprint = fingerprint or str(path)
        self._parts: tuple[Model, Prompter] | None = None
        self._engine: tuple[Resolved, Context, Engine] | None = None
        self._stamp: object = None

    @property
    def identity(self) -> str:
        kv = f"{self.settings.cache_type_k}/{self.settings.cache_type_v}"
        return f"llama:{self._fingerprint}:prompt={_PROMPT_FORMAT}:kv={kv}"

    @cached_property
    def thinks(self) -> bool:
        """Whether the model has a way of thinking of its own; found out without loading it."""
        from qc_runtime.llama.probe import probe
        from qc_runtime.llama.template import ChatTemplate

        source = probe(self.path).metadata.get("tokenizer.chat_template")
        return bool(source and ChatTemplate(source).thinking().closing)

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        if not requests:
            return
        _, prompter = self._load()
        # Neighbours in the order of their texts share the most. A part at a time: a million
        # prompts as tokens would take gigabytes.
        order = sorted(range(len(requests)), key=lambda n: (requests[n].system, requests[n].user))
        for start in range(0, len(order), _AT_ONCE):
            part = order[start : start + _AT_ONCE]
            for some in self._by_kind(prompter.prompts([requests[n] for n in part])):
                engine = self._engine_for(some[0])
                for index, reply in engine.run(some, self._step_of(part)):
                    yield part[index], reply
            self._check_unchanged()

    def _by_kind(self, prompts: Sequence[Prompt]) -> Iterator[list[Prompt]]:
        """Those to write text for and those to choose only, first what the engine is set for."""
        kinds: dict[Resolved, list[Prompt]] = {self._engine[0]: []} if self._engine else {}
        for prompt in prompts:
            kinds.setdefault(self._chosen(prompt), []).append(prompt)
        return (some for some in kinds.values() if some)

    def _chosen(self, prompt: Prompt) -> Resolved:
        model, _ = self._load()
        return self.settings.for_machine(gpu=model.gpu, writes=prompt.writes)

    def _engine_for(self, prompt: Prompt) -> Engine:
        """One context at a time: the KV cache of a large model is large."""
        chosen = self._chosen(prompt)
        if self._engine is None or self._engine[0] != chosen:
            self._close_engine()
            started = perf_counter()
            self._engine = (chosen, *self._open_engine(chosen))
            self.counters.load_seconds += perf_counter() - started
        return self._engine[2]

    def _open_engine(self, chosen: Resolved) -> tuple[Context, Engine]:
        from qc_runtime.llama.engine import Engine
        from qc_runtime.llama.model import Context

        model, _ = self._load()
        context = Context(model, self.settings, chosen)
        again = self.settings.second_look
        return context, Engine(model, context, self.counters, looks_again=again)

    def _close_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine:
            engine[1].close()

    def _step_of(self, part: Sequence[int]) -> OnStep:
        return lambda begun: self.on_step([part[index] for index in begun])

    def _check_unchanged(self) -> None:
        """QC526 when the file is another than the one that was loaded."""
        if _stamp(self.path) != self._stamp:
            raise QcError(_replaced(self.path))

    def close(self) -> None:
        self._close_engine()
        parts, self._parts = self._parts, None
        if parts:
            parts[0].close()

    def _load(self) -> tuple[Model, Prompter]:
        if self._parts is None:
            started = perf_counter()
            self._parts = self._open()
            self.counters.load_seconds += perf_counter() - started
        return self._parts

    def _open(self) -> tuple[Model, Prompter]:
        native()  # says what to do where llama.cpp is not installed
        self._stamp = _stamp(self.path)
        from qc_runtime.llama.model import Model
        from qc_runtime.llama.prompt import Prompter

        model = Model(self.path, self.settings)
        try:
            return model, Prompter(model)
        except BaseException:
            model.close()
            raise


def _stamp(path: Path) -> object:
    """What changes when a file is replaced or written to."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _replaced(path: Path) -> Diagnostic:
    return Diagnostic(
        "QC526",
        Text("模型文件在运行中被替换或改写", "The model file was replaced during the run"),
        place=Text(str(path), str(path)),
        help=Text(
            "已有的回答都已保存；请确认模型文件后用同一命令重新运行，换了模型的提问会重问",
            "All answers so far are kept: check the file, then run the same command again;"
            " another model is asked anew",
        ),
    )
