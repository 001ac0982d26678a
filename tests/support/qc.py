"""``qc`` as a user runs it: in this process for speed, or in one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from qc_runtime.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


def qc(*args: object) -> Ran:
    """Run a command in this process; what a user would see as a traceback is raised."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["qc", *map(str, args)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.argv = before
    return Ran(code, out.getvalue(), err.getvalue())


def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, nothing of ours set in the environment, Chinese."""
    for name in [name for name in os.environ if name.startswith("QC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def environment(**changes: str) -> dict[str, str]:
    """The environment of a user who has set nothing of ours but these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QC_")}
    return kept | {"PYTHONUTF8": "1"} | changes


def qc_process(*args: object, cwd: Path | None = None, **variables: str) -> Ran:
    """Run a command in a process of its own, with these environment variables."""
    code = "from qc_runtime.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment(**variables),
        timeout=900,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
