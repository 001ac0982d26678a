"""Memory of one long run of ``qc`` under full load: the program and the process with its model.

Invented operations, more than can be judged in the time given, are put to the model, each answer
with a reason. Once a minute the resident sets are printed; after the time given the run is ended.

    python -m bench.soak [MINUTES] [-- OPTIONS OF qc run]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import engine

QC = Path(sys.executable).with_name("qc")
OPERATIONS = 100_000  # about ten thousand questions: more than an hour of two cores
_EVERY = 60.0  # seconds


@dataclass(frozen=True)
class Sample:
    """Resident sets at one moment, in bytes: of the program, and of the processes it began."""

    seconds: float
    program: int
    model: int


def soak(minutes: float, options: list[str]) -> Iterator[Sample]:
    """Run for so long; a sample a minute. Linux only: read from /proc."""
    with tempfile.TemporaryDirectory(prefix="qc-soak-") as folder:
        home = Path(folder)
        (home / "operations.csv").write_text(engine.operations(OPERATIONS), encoding="utf-8")
        run = _begin(home, options)
        started = time.monotonic()
        while (gone := time.monotonic() - started) < minutes * 60 and run.poll() is None:
            yield Sample(gone, _resident(run.pid), sum(map(_resident, _children(run.pid))))
            time.sleep(_EVERY)
        run.terminate()
        run.wait()


def _begin(home: Path, options: list[str]) -> subprocess.Popen[bytes]:
    own = {"QC_CACHE": str(home / "cache"), "QC_AUDIT": str(home / "audit.jsonl")}
    data = ["--data", str(home / "operations.csv"), "--out", str(home / "out")]
    asked = ["--explain", "all", "--no-cache", *options]
    command = [str(QC), "run", str(engine.RULEBOOK), *data, *asked]
    return subprocess.Popen(command, env={**os.environ, **own})


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except FileNotFoundError:
        return 0
    sizes = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(next(sizes, 0)) * 1024


def _children(pid: int) -> list[int]:
    try:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()))
    except FileNotFoundError:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=60.0)
    parser.add_argument("options", nargs="*", help="of qc run, after --")
    asked = parser.parse_args()
    for one in soak(asked.minutes, asked.options):
        sizes = f"{one.program / 1e6:8.0f} MB {one.model / 1e6:8.0f} MB"
        print(f"{one.seconds:6.0f} s {sizes}", flush=True)


if __name__ == "__main__":
    main()
