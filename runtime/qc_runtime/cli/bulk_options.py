"""Options of runs over more than fits in memory, for ``qc run``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli.options import Command, usage, with_options

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_runtime.bulk.cluster import Cluster

_PART_SIZE = 30_000


@dataclass(frozen=True)
class BulkOptions:
    """The options as given."""

    bulk: bool = False
    part_size: int = _PART_SIZE
    shard: str | None = None
    ray: str | None = None
    workers: int = 1
    gpus: float | None = None
    work: Path | None = None

    def wanted(self, data: Sequence[str], program: Program) -> bool:
        """Whether to judge part by part: told to, or because the data is a dataset."""
        from qc_runtime.bulk.sources import wants_bulk

        return self.bulk or bool(self.shard or self.ray) or wants_bulk(data, program)

    def check(self, limit: int | None) -> None:
        """QC611 for options that do not go together."""
        if limit is not None:
            raise QcError(usage("分批判断时没有 --limit", "There is no --limit part by part"))
        if self.shard and self.ray:
            raise QcError(usage("--shard 与 --ray 只能用一个", "Give --shard or --ray"))
        if not self.ray and (self.workers != 1 or self.gpus is not None):
            zh = "--workers、--gpus 要与 --ray 一起用"
            raise QcError(usage(zh, "--workers and --gpus go with --ray"))
        self.share()

    def share(self) -> tuple[int, int]:
        """Which share of how many: 1 of 1 without ``--shard``."""
        if self.shard is None:
            return 1, 1
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", self.shard)
        number, of = (int(one) for one in found.groups()) if found else (0, 0)
        if not 1 <= number <= of:
            zh = f"--shard 写作 2/8（第 2 份，共 8 份），不是 {self.shard[:20]}"
            raise QcError(usage(zh, f"--shard is written 2/8, not {self.shard[:20]}"))
        return number, of

    def cluster(self) -> Cluster | None:
        from qc_runtime.bulk.cluster import Cluster

        return Cluster(self.ray, self.workers, self.gpus) if self.ray else None


NOT_BULK = BulkOptions()
_OPTIONS: dict[str, tuple[object, object]] = {
    "bulk": (
        Annotated[
            bool,
            typer.Option(
                "--bulk",
                help=tr(
                    "分批判断，病例不全部放在内存里；数据是 Parquet 文件夹时总是这样",
                    "judge part by part, never all in memory; a folder of Parquet always is",
                ),
            ),
        ],
        False,
    ),
    "part_size": (
        Annotated[int, typer.Option(min=1, metavar="N", help=tr("每批多少例", "records a part"))],
        _PART_SIZE,
    ),
    "shard": (
        Annotated[
            str | None,
            typer.Option(
                metavar="2/8",
                help=tr("只做其中一份，完后用 qc merge 合并", "do this share only; then qc merge"),
            ),
        ],
        None,
    ),
    "ray": (
        Annotated[
            str | None,
            typer.Option(
                metavar="ADDRESS|local",
                help=tr("由 Ray 集群的进程来做", "have the processes of a Ray cluster do it"),
            ),
        ],
        None,
    ),
    "workers": (
        Annotated[int, typer.Option(min=1, help=tr("Ray 的进程数", "processes on Ray"))],
        1,
    ),
    "gpus": (
        Annotated[
            float | None,
            typer.Option(
                min=0.0,
                help=tr(
                    "每个进程用几块显卡（默认有就 1 块）", "cards a process (default: 1 if any)"
                ),
            ),
        ],
        None,
    ),
    "work": (
        Annotated[
            Path | None,
            typer.Option(
                metavar="DIR",
                help=tr(
                    "临时文件夹（默认是结果文件夹）", "for transient files (default: DIR of --out)"
                ),
            ),
        ],
        None,
    ),
}


def with_bulk(command: Command) -> Command:
    """Give a command these options; it gets them together as ``parted``."""

    @wraps(command)
    def called(**given: Any) -> None:
        options = BulkOptions(**{name: given.pop(name) for name in _OPTIONS})
        command(parted=options, **given)

    return with_options(called, command, "parted", _OPTIONS)
