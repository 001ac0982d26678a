"""What a GGUF file and this build of llama.cpp say of themselves, asked in another process.

A build for another processor can die of merely being loaded, and so can llama.cpp of a file it
does not expect. Only the vocabulary and the metadata are read, no weights.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SECONDS = 120.0


@dataclass(frozen=True)
class Probed:
    """The build's features as llama.cpp prints them, and the file's metadata, texts all.

    ``error`` is why llama.cpp cannot be used, ``file_error`` why the file cannot;
    ``died`` is the exit code of a process that did not come to its end.
    """

    system_info: str = ""
    gpu_build: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    installed: bool = True
    error: str | None = None
    file_error: str | None = None
    died: int | None = None


def probe(path: Path | None, seconds: float = _SECONDS) -> Probed:
    """Ask. Never raises for what the build or the file does."""
    command = [sys.executable, "-m", __name__, *([] if path is None else [str(path)])]
    environment = os.environ | {"PYTHONUTF8": "1", "GGML_NO_BACKTRACE": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return Probed(died=0)
    said: dict[str, Any] = {}
    with suppress(ValueError):  # a line that was cut off by the end of the process
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            said |= json.loads(line)
    return Probed(**said, died=done.returncode or None)


def _tell(**said: object) -> None:
    print(json.dumps(said), flush=True)


def main(arguments: list[str]) -> None:
    """The other process: a line of JSON for each thing known, so that a death hides none."""
    from qc_dsl.errors import QcError
    from qc_runtime.llama.native import native

    try:
        here = native()
    except QcError as error:
        installed = not isinstance(error.__cause__, ModuleNotFoundError)
        _tell(installed=installed, error=error.diagnostics[0].message.en)
        return
    info = (here.lib.llama_print_system_info() or b"").decode("utf-8", "replace")
    _tell(system_info=info, gpu_build=bool(here.lib.llama_supports_gpu_offload()))
    if arguments:
        _tell(**_file(here, arguments[0]))


def _file(here: Any, path: str) -> dict[str, object]:
    params = here.lib.llama_model_default_params()
    params.vocab_only = True
    handle = here.lib.llama_model_load_from_file(os.fsencode(path), params)
    if not handle:
        return {"file_error": here.last_error or "?"}
    count = here.lib.llama_model_meta_count(handle)
    pairs = (_pair(here.lib, handle, at) for at in range(count))
    return {"metadata": dict(pairs)}


def _pair(lib: Any, handle: Any, at: int) -> tuple[str, str]:
    return (
        _text(lambda buffer, size: lib.llama_model_meta_key_by_index(handle, at, buffer, size)),
        _text(lambda buffer, size: lib.llama_model_meta_val_str_by_index(handle, at, buffer, size)),
    )


def _text(read: Any) -> str:
    """A text of llama.cpp, which says how long it is."""
    size = max(0, read(None, 0)) + 1
    buffer = ctypes.create_string_buffer(size)
    read(buffer, size)
    return buffer.value.decode("utf-8", "replace")


if __name__ == "__main__":
    main(sys.argv[1:])
