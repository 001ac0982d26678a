"""A live progress bar on the terminal; where standard error is none, a line now and then.

Pauses are said in either case: a service's log is where one looks for both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from qc_dsl.lang import Text, tr
from qc_runtime.offpeak.session import Session, Standing

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EVERY = 600.0  # seconds between two lines in a log


class Bar:
    """Called with (done, total) as questions are answered."""

    def __init__(self, bar: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._bar, self._clock = bar, clock
        self._said = clock()
        self._task: TaskID = bar.add_task(_asking(), total=None, visible=False, note="")
        self._session = Session(clock)

    def __call__(self, done: int, total: int) -> None:
        standing = self._session.told(done, total)
        self._bar.update(
            self._task, completed=done, total=total, visible=total > 0, note=note(standing)
        )
        if not self._bar.console.is_terminal and self._clock() - self._said >= _EVERY:
            self._said = self._clock()
            typer.echo(line(standing), err=True)

    def begin(self, before: int) -> None:
        """Records are counted, not answers, and so many were judged before this session."""
        self._session.begin(before)

    def computing(self, rested: float) -> None:
        """The next answer is about to be computed, after so many seconds of pauses in all."""
        self._session.computing(rested)

    def paused(self, why: Text | None) -> None:
        """The run rests, or goes on."""
        self._bar.update(self._task, description=str(why or _asking()), visible=True)
        if not self._bar.console.is_terminal:
            typer.echo(str(why or Text("继续", "going on")), err=True)


def _asking() -> str:
    return tr("模型判断", "Asking the model")


def line(standing: Standing) -> str:
    """How far the run is, for a log."""
    about = f"{_asking()} {standing.done:,}/{standing.total:,}"
    return "，".join(filter(None, (about, note(standing))))


def note(standing: Standing) -> str:
    """What was there before, the speed of this session, and the time left at that speed."""
    said = []
    if standing.stored:
        said.append(tr(f"已存 {standing.stored:,}", f"{standing.stored:,} stored"))
    if standing.rate:
        rate = f"{standing.rate:.1f}" if standing.rate >= 1 else f"{standing.rate:.2g}"
        said.append(tr(f"{rate} 个/秒", f"{rate}/s"))
    if standing.left is not None:
        said.append(tr(f"还要 {_clock(standing.left)}", f"{_clock(standing.left)} left"))
    return "，".join(said)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


@contextmanager
def progress() -> Iterator[Bar]:
    """Yields what to call with (done, total) as questions are answered."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        yield Bar(bar)
