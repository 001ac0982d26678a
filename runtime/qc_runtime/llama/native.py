"""llama.cpp itself: imported when a model is first used, silenced, its last complaint kept."""

from __future__ import annotations

import importlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text

_ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR (ggml.h); 3 is a warning
_CONTINUED = 5  # GGML_LOG_LEVEL_CONT: the rest of the line before


class Native:
    """The low-level bindings (``lib``), with llama.cpp's own log turned into `last_error`.

    That is the first error since it was emptied: those after it only say that something failed.
    """

    def __init__(self, lib: Any) -> None:
        self.lib = lib
        self.last_error = ""
        self._interrupted = False
        self._level = 0
        # llama.cpp keeps bare pointers to both: they must live as long as the library does
        self._log = lib.llama_log_callback(self._on_log)
        self.abort = lib.ggml_abort_callback(self._on_abort)
        lib.llama_log_set(self._log, None)
        lib.llama_backend_init()

    def _on_log(self, level: int, text: bytes, _data: object) -> None:
        self._level = self._level if level == _CONTINUED else level
        line = text.decode("utf-8", "replace").strip()
        if self._level == _ERROR_LEVEL and line and not self.last_error:
            self.last_error = line

    def _on_abort(self, _data: object) -> bool:
        return self._interrupted

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let Ctrl-C stop a computation within milliseconds, as a KeyboardInterrupt after it.

        An exception cannot cross llama.cpp's frames, and a batch may take ten seconds: so
        for its length the signal only sets a flag that llama.cpp asks for now and then.
        """
        if not _default_interrupt():
            yield
            return
        self._interrupted = False
        signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupted = True


def _default_interrupt() -> bool:
    """Whether Ctrl-C is ours to handle: main thread, nobody else's handler."""
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getsignal(signal.SIGINT) is signal.default_int_handler


_loaded: list[Native] = []


def native() -> Native:
    """The library, loaded once a process. QC520 where it is not installed or does not load."""
    if not _loaded:
        _loaded.append(Native(_import()))
    return _loaded[0]


def _import() -> Any:
    # OpenMP threads that wait for each other spin for long by default. Where other programs
    # want the same cores that made a token take ten times as long; after 2000 turns they sleep.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    try:
        return importlib.import_module("llama_cpp.llama_cpp")
    except ModuleNotFoundError as error:
        raise QcError(_not_installed()) from error
    except (ImportError, OSError, RuntimeError) as error:
        raise QcError(_does_not_load(str(error))) from error


def _not_installed() -> Diagnostic:
    return Diagnostic(
        "QC520",
        Text("没有安装本地模型引擎 llama.cpp", "The local model engine llama.cpp is not installed"),
        help=Text(
            "请运行 make demo 自动编译安装，或 pip install 'qc-rulebook[llama]'；"
            "也可以用 --endpoint 调用已有的模型服务，或用 --no-model 只跑规则",
            "Run make demo to build and install it, or pip install 'qc-rulebook[llama]'; "
            "or use --endpoint for a model service, or --no-model for rules only",
        ),
    )


def _does_not_load(why: str) -> Diagnostic:
    return Diagnostic(
        "QC520",
        Text(f"llama.cpp 无法载入：{why}", f"llama.cpp cannot be loaded: {why}"),
        help=Text(
            "它可能是为另一种处理器编译的，请重新编译：make demo",
            "It may have been built for another processor; build it again: make demo",
        ),
    )
