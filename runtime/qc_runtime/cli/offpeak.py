"""A run in its hours: the options, the pauses, and the line of usage for every hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text, tr

if TYPE_CHECKING:
    from qc_runtime.backend import Backend
    from qc_runtime.cli.progress import Bar
    from qc_runtime.judging.judge import Judged
    from qc_runtime.offpeak.pacing import Limits
    from qc_runtime.usage.log import Meter

Connect = Optional[Callable[[], "Backend"]]  # noqa: UP045 (the name is known to types only)
Watch = Callable[[Connect], Connect]
Windows = Annotated[
    list[str] | None,
    typer.Option(
        "--window",
        metavar="22:00-06:00",
        help=tr(
            "只在这些时段问模型，可重复，可写“周一至周五 22:00-06:00”",
            "ask the model in these hours only; repeatable; “Mon-Fri 22:00-06:00”",
        ),
    ),
]
MaxLoad = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        metavar="0.7",
        help=tr("别的程序的每核负载高于它就暂停", "pause while others' load by core is over it"),
    ),
]


@dataclass(frozen=True)
class Work:
    """``pace`` is what the run calls before each reply that is computed."""

    pace: Callable[[], None]
    _meter: Meter

    def watching(self, also: Watch) -> Watch:
        """A way to connect by which what back ends count goes into the usage log too."""
        return lambda connect: self._meter.watching(also(connect))

    def ended(self, judged: Judged) -> None:
        """The run has come to its end."""
        self.counted(len(judged.outcomes), judged.usage.requests if judged.usage else 0)

    def counted(self, records: int, needed: int) -> None:
        """The same by its counts: all records, and those that needed the model."""
        self._meter.ended(records, needed)


def limits_of(windows: list[str] | None, max_load: float | None) -> Limits:
    """What the options say, or QC611."""
    from qc_runtime.offpeak.pacing import Limits, check_load
    from qc_runtime.offpeak.windows import parse_windows

    if max_load is not None:
        check_load()
    return Limits(parse_windows(windows or ()), max_load)


@contextmanager
def at_work(rulebook: str, limits: Limits, bar: Bar) -> Iterator[Work]:
    """Around a run: it pauses where it must, and its usage is written however it ends."""
    from qc_runtime.cli.kept import say
    from qc_runtime.offpeak.interactive import people_waiting
    from qc_runtime.offpeak.pacing import pacer
    from qc_runtime.usage.log import Meter, usage_path

    path = usage_path()
    with Meter(rulebook, path, lambda error: say(_unwritten(str(path), error))) as meter:
        rest = pacer(limits, bar.paused, people_waiting)

        def pace() -> None:
            rest()
            meter.tick()
            bar.computing(rest.rested)

        yield Work(pace, meter)


def _unwritten(path: str, error: OSError) -> Diagnostic:
    reason = error.strerror or str(error)
    return Diagnostic(
        "QC633",
        Text(f"用量记录写不进去（{reason}）", f"The usage log cannot be written ({reason})"),
        severity="warning",
        place=Text(path, path),
        help=Text(
            "不影响结果，只是 qc usage 会少算；请检查磁盘空间和写权限",
            "The results are not touched, qc usage will lack this run: check disk and rights",
        ),
    )
