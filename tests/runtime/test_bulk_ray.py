"""Parts judged by the processes of a local Ray cluster, of which some are killed."""

from __future__ import annotations

import ipaddress
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from qc_runtime.bulk.cluster import LOCAL, Cluster, judge_on_cluster
from qc_runtime.bulk.reports import PartReport
from qc_runtime.bulk.running import left
from qc_runtime.bulk.whole import check_all, gathered, whole
from support.bulk import Bulk, cases, contents, worker, write_dataset
from support.qc import qc

_KILLS = 2
TESTS = Path(__file__).parents[1]


@pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is an extra: pip install 'qc-rulebook[ray]'"
)
def test_workers_killed_at_random_lose_and_repeat_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_dataset(tmp_path / "data", cases(600), files=3)
    quiet = Bulk.of([data], tmp_path / "quiet", 30)
    quiet.run()
    run = Bulk.of([data], tmp_path / "out", 30)
    pids, reports = tmp_path / "pids", list[PartReport]()
    pids.mkdir()
    make = partial(worker, str(run.job.work), 0.01, str(pids))
    # A test's own modules are no package that is installed: Ray's processes find them by path
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    killer = _Killer(pids, tmp_path / "out" / "outcomes")
    todo = left(run.job, run.job.plan.parts, reports.append)
    with killer:
        judge_on_cluster(run.job, todo, make, Cluster(LOCAL, 2), reports.append)
    assert killer.killed == _KILLS
    assert killer.listening
    assert killer.listening <= {"127.0.0.1", "::1"}  # nobody else can reach these processes
    assert len(list(pids.iterdir())) > 2  # others came in their place
    assert sorted(report.part for report in reports) == list(range(1, 21))
    assert contents(tmp_path / "out") == contents(tmp_path / "quiet")
    about, found = gathered([run.job.out])
    both = [found[number][1] for number in sorted(found)]
    check_all(about, both)
    assert whole(about, both).summary["records"] == 600


@pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is an extra: pip install 'qc-rulebook[ray]'"
)
def test_a_node_that_is_lost_in_the_middle_loses_and_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_dataset(tmp_path / "data", cases(300), files=2)
    quiet = Bulk.of([data], tmp_path / "quiet", 30)
    quiet.run()
    run = Bulk.of([data], tmp_path / "out", 30)
    pids, reports = tmp_path / "pids", list[PartReport]()
    pids.mkdir()
    make = partial(worker, str(run.job.work), 0.02, str(pids))
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    todo = left(run.job, run.job.plan.parts, reports.append)
    with _nodes(2) as nodes, _NodeLoss(nodes, pids, tmp_path / "out" / "outcomes") as loss:
        judge_on_cluster(run.job, todo, make, Cluster(nodes.address, 2), reports.append)
    assert loss.hosted  # processes of ours died with the node
    assert len(list(pids.iterdir())) > len(loss.before)  # and others came in their place
    assert sorted(report.part for report in reports) == list(range(1, 11))
    assert contents(tmp_path / "out") == contents(tmp_path / "quiet")
    about, found = gathered([run.job.out])
    both = [found[number][1] for number in sorted(found)]
    check_all(about, both)
    assert whole(about, both).summary["records"] == 300


@contextmanager
def _nodes(count: int) -> Iterator[Any]:
    """A cluster of a head, which computes nothing, and so many nodes, all on this machine."""
    os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"})
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # 127.0.0.1 is then taken as it is
    from ray.cluster_utils import Cluster as Nodes

    one = {"node_ip_address": "127.0.0.1", "include_dashboard": False}
    one |= {"object_store_memory": 80_000_000}
    cluster = Nodes(initialize_head=True, head_node_args={**one, "num_cpus": 0})
    try:
        for _ in range(count):
            cluster.add_node(num_cpus=3, **one)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()


class _NodeLoss(threading.Thread):
    """Takes away, once a part is done, the node on which most of our processes are."""

    def __init__(self, nodes: Any, pids: Path, done: Path) -> None:
        super().__init__(daemon=True)
        self._nodes, self._pids, self._done = nodes, pids, done
        self._over = threading.Event()
        self.before: set[int] = set()
        self.hosted: set[int] = set()

    def __enter__(self) -> _NodeLoss:
        self.start()
        return self

    def __exit__(self, *rest: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.02):
            if not list(self._done.glob("*.json")):
                continue
            self.before = {int(path.name) for path in self._pids.iterdir()}
            on = {node: self._ours(node) for node in self._nodes.worker_nodes}
            lost = max(on, key=lambda node: len(on[node]))
            self.hosted = on[lost]
            self._nodes.remove_node(lost, allow_graceful=False)
            return

    def _ours(self, node: Any) -> set[int]:
        """Those of our processes that a node has started."""
        said = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
        pairs = [tuple(map(int, line.split())) for line in said.stdout.splitlines()[1:]]
        [raylet] = (one.process.pid for one in node.all_processes["raylet"])
        return {pid for pid, parent in pairs if parent == raylet} & self.before


class _Killer(threading.Thread):
    """Kills one of the processes at a random moment, each time after more parts are done."""

    def __init__(self, pids: Path, done: Path) -> None:
        super().__init__(daemon=True)
        self._pids, self._done = pids, done
        self._over = threading.Event()
        self.killed = 0
        self.listening: set[str] = set()

    def __enter__(self) -> _Killer:
        self.start()
        return self

    def __exit__(self, *rest: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        chance, dead = random.Random(3), set[int]()
        while self.killed < _KILLS and not self._over.is_set():
            time.sleep(chance.random() * 0.2)
            if len(list(self._done.glob("*.json"))) < 1 + 3 * self.killed:
                continue
            alive = [pid for path in self._pids.iterdir() if (pid := int(path.name)) not in dead]
            self.listening |= _listening()
            if alive:
                dead.add(pid := chance.choice(alive))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed += 1


def _listening() -> set[str]:
    """The addresses at which processes that this one has started listen."""
    said = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in said.stdout.splitlines()[1:]]
    ours = {os.getpid()}
    for _ in range(5):
        ours |= {pid for pid, parent in pairs if parent in ours}
    return {address for pid in ours - {os.getpid()} for address in _addresses(pid)}


def _addresses(pid: int) -> Iterator[str]:
    """Where a process listens, by what Linux says; elsewhere nothing is known."""
    held = set()
    with suppress(OSError):
        held = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    for family in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == "0A" and f"socket:[{rest[5]}]" in held:
                    yield _address(local.partition(":")[0])


def _address(words: str) -> str:
    """An address as the kernel prints it: 32-bit words in the machine's order."""
    raw = b"".join(
        int(words[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(words), 8)
    )
    found = ipaddress.ip_address(raw)
    return str(getattr(found, "ipv4_mapped", None) or found)


def test_without_ray_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_AUDIT", str(tmp_path / "audit.jsonl"))
    data = write_dataset(tmp_path / "data", cases(10))
    rulebook = Path(__file__).parents[1] / "cases" / "surgery_rules.yaml"
    out = tmp_path / "out"
    ran = qc("run", rulebook, "--data", data, "--no-model", "--out", out, "--ray", "local")
    assert ran.code == 2
    assert "QC643" in ran.err


@pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is an extra: pip install 'qc-rulebook[ray]'"
)
def test_a_cluster_that_is_not_there_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray itself goes on trying for longer than anybody waits."""
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_AUDIT", str(tmp_path / "audit.jsonl"))
    data = write_dataset(tmp_path / "data", cases(10))
    rulebook = Path(__file__).parents[1] / "cases" / "surgery_rules.yaml"
    more = ["--no-model", "--out", tmp_path / "out", "--ray", "127.0.0.1:1"]
    ran = qc("run", rulebook, "--data", data, *more)
    assert ran.code == 2
    assert "127.0.0.1:1: 错误[QC643]" in ran.err
