"""``qc run`` in its hours, in a process of its own: resting, giving way, Ctrl-C while it rests."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from qc_runtime.offpeak.interactive import interactive
from qc_runtime.usage.log import read
from support.chat_server import ChatServer, chat_server
from support.qc import environment

RULEBOOK = Path(__file__).parents[1] / "cases" / "surgery_rules.yaml"
HEAD = "住院号,住院科室,术前术式,手术记录\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{n},外科,甲{n},乙{n}\n" for n in range(6))
    (tmp_path / "data.csv").write_text(HEAD + rows, "utf-8")
    return tmp_path


def started(server: ChatServer, home: Path, *more: str) -> subprocess.Popen[str]:
    code = "from qc_runtime.cli import main; main()"
    options = ["--endpoint", server.url, "--endpoint-model", "m", "--explain", "none", *more]
    return subprocess.Popen(
        [sys.executable, "-c", code, "run", str(RULEBOOK), "--data", "data.csv", "--out", "out",
         *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=home,
        env=environment(
            QC_CACHE=str(home / "cache"), QC_AUDIT=str(home / "audit.jsonl"), QC_LANG="zh"
        ),
    )  # fmt: skip


def said(process: subprocess.Popen[str], word: str) -> bool:
    """Whether the run says so before it ends."""
    assert process.stderr
    return any(word in line for line in process.stderr)


def test_a_run_outside_its_window_asks_nothing_and_ctrl_c_ends_its_rest(home: Path) -> None:
    now = datetime.now()
    later, end = now + timedelta(hours=2), now + timedelta(hours=3)
    with chat_server(lambda user: {"A": 1.0, "B": 1e-9}) as server:
        window = f"{later:%H:%M}-{end:%H:%M}"
        process = started(server, home, "--window", window)
        assert said(process, f"{later:%H:%M}")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)  # and not in two hours
        assert server.asked == []
    assert process.returncode == 130
    assert "同一命令" in err
    assert "Traceback" not in err


def test_a_batch_run_goes_on_when_the_interactive_command_ends(home: Path) -> None:
    with chat_server(lambda user: {"A": 1.0, "B": 1e-9}) as server:
        with interactive():
            process = started(server, home)
            assert said(process, "让交互命令先用")
            time.sleep(0.5)
            assert server.asked == []
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert len(server.asked) >= 6
    (line,) = read(home / "usage.jsonl")
    assert (line.computed, line.records, line.needed) == (6, 6, 6)
