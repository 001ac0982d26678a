"""Where this user keeps what can be made again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def cache_dir() -> Path:
    """``QC_CACHE``, else ``qc`` under ``XDG_CACHE_HOME`` or ``~/.cache``."""
    if named := os.environ.get("QC_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "qc"


def parser_file() -> Path | None:
    """Where the built parser is kept, readable by this user only; `None` where nothing can be."""
    with suppress(OSError, RuntimeError):  # a folder that cannot be made, no home
        folder = cache_dir() / "parser"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder / "sentence.lark"
    return None
