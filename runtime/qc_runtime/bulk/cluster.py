"""Parts judged by the processes of a Ray cluster, each with back ends of its own.

Ray Data hands the numbers of parts to actors, one at a time; results go to their place from
where they are made, never through Ray. An actor that dies is started again and its part put
again, and a part that was judged twice is the same file written twice: nothing is lost, and
nothing is there twice. Ray's usage reports and its dashboard are off.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.judging import Job, Worker, judge_part
from qc_runtime.bulk.parts import Part
from qc_runtime.bulk.reports import PartReport
from qc_runtime.bulk.running import Told

LOCAL = "local"
_LOOPBACK = "127.0.0.1"
_PATIENCE = 10.0  # seconds to reach a cluster's address
_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0"}
# What Ray does on other systems: without it 127.0.0.1 is taken for this machine's address in
# the network, and all of its processes listen there.
_ONLY_HERE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_KEPT = ("QC_LANG",)  # of this process's environment: outcomes are written in its language

MakeWorker = Callable[[], AbstractContextManager[Worker]]


@dataclass(frozen=True)
class Cluster:
    """``address`` is that of a cluster, or `LOCAL`: one on this machine, for this run only.

    ``gpus`` is what each worker needs, `None`: one if the cluster has any.
    """

    address: str
    workers: int
    gpus: float | None = None


class Actor:
    """One process: it judges the parts that it is given."""

    def __init__(self, job: Job, make: MakeWorker, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        self._job = job
        self._parts = {part.number: part for part in job.plan.parts}
        self._context = make()
        self._worker = self._context.__enter__()

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[Any]]:
        """The reports of parts, or what is wrong: a user's mistake is no failure of the actor."""
        done = [pickle.dumps(self._judged(int(number))) for number in batch["part"]]
        return {"part": list(batch["part"]), "report": done}

    def _judged(self, number: int) -> PartReport | tuple[Diagnostic, ...]:
        try:
            return judge_part(self._job, self._parts[number], self._worker)
        except QcError as error:
            return tuple(error.diagnostics)


def judge_on_cluster(
    job: Job, parts: Sequence[Part], make: MakeWorker, cluster: Cluster, told: Told
) -> None:
    """Judge parts in the processes of a cluster; ``told`` gets each report as it comes.

    ``job`` and ``make`` are sent to the actors. Raises `QcError`: QC643 without Ray or without
    the cluster, and whatever the first part raises that raises something.
    """
    if not parts:
        return
    with _connected(cluster) as ray:
        data: Any = ray.data
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        numbers = [{"part": part.number} for part in parts]
        workers = min(cluster.workers, len(parts))
        results = data.from_items(numbers, override_num_blocks=len(numbers)).map_batches(
            Actor,
            fn_constructor_args=(job, make, _environment()),
            batch_size=1,
            compute=data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
            num_cpus=1,
            num_gpus=_gpus(ray, cluster),
        )  # its actors are started again, and their tasks put again, as often as it takes
        for row in results.iter_rows():
            _take(pickle.loads(row["report"]), told)


def _take(report: PartReport | tuple[Diagnostic, ...], told: Told) -> None:
    if not isinstance(report, PartReport):
        raise QcError(*report)
    told(report)


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def _gpus(ray: Any, cluster: Cluster) -> float:
    if cluster.gpus is not None:
        return cluster.gpus
    return 1.0 if ray.cluster_resources().get("GPU") else 0.0


@contextmanager
def _connected(cluster: Cluster) -> Iterator[Any]:
    """Ray, connected. The settings against reports to its makers come before its import."""
    os.environ.update(_SETTINGS | (_ONLY_HERE if cluster.address == LOCAL else {}))
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it warns of what is meant to be
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise QcError(_not_installed(error)) from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if cluster.address == LOCAL:
            local: dict[str, Any] = {"_node_ip_address": _LOOPBACK, "include_dashboard": False}
            ray.init(address=LOCAL, num_cpus=cluster.workers + 1, **local, **quiet)
        else:
            _reach(cluster.address)
            ray.init(address=cluster.address, **quiet)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise QcError(_not_there(cluster, error)) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Raise `OSError` where nothing listens at ``host:port``: Ray itself goes on trying."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()


def _not_installed(error: ImportError) -> Diagnostic:
    message = Text(f"没有安装 Ray（{error}）", f"Ray is not installed ({error})")
    help_ = Text(
        "请安装：pip install 'qc-rulebook[ray]'；没有 Ray 时可用 --shard 分给几台机器。",
        "Install it: pip install 'qc-rulebook[ray]'; without it, --shard divides the work too.",
    )
    return Diagnostic("QC643", message, help=help_)


def _not_there(cluster: Cluster, error: Exception) -> Diagnostic:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    message = Text(f"连不上 Ray 集群（{reason}）", f"The Ray cluster cannot be reached ({reason})")
    place = Text(cluster.address, cluster.address)
    return Diagnostic("QC643", message, place=place)
