"""Working when the machine is free (错峰): in its hours, under a load, behind people.

`decide` is the whole decision, a pure function of the moment. `Pacer` is its edge: called
before every reply that is computed, it sleeps while there is a reason to.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.offpeak.windows import Window, is_open, next_opening

Tell = Callable[[Text | None], None]
_LOOK = 1.0  # seconds between looks while working: replies can come a thousand a second
_NAP = 1.0  # seconds between looks while paused: the clock may be put forward or back meanwhile
_EASED = 0.8  # a pause for load ends under this share of the bound, so that it does not flutter
_MINUTE = 60.0  # the time constant of the system's first load average, in seconds


@dataclass(frozen=True)
class Limits:
    """When a run may work. ``max_load`` is the load of others, by core."""

    windows: tuple[Window, ...] = ()
    max_load: float | None = None


@dataclass(frozen=True)
class Moment:
    """What there is to know: the wall clock, the load of others by core, people waiting."""

    now: datetime
    load: float = 0.0
    people: bool = False


def decide(limits: Limits, moment: Moment, *, paused: bool) -> Text | None:
    """Why the run is to pause now, or `None`. ``paused``: it is resting already."""
    if not is_open(limits.windows, moment.now):
        until = next_opening(limits.windows, moment.now)
        shown = f"{until:%H:%M}" if until.date() == moment.now.date() else f"{until:%m-%d %H:%M}"
        return Text(f"暂停至 {shown}", f"paused until {shown}")
    if limits.max_load is not None:
        bound = limits.max_load * (_EASED if paused else 1.0)
        if moment.load > bound:  # said the same however it varies: every change is a line in a log
            eased = f"{limits.max_load * _EASED:.2g}"
            zh, en = f"等每核负载降到 {eased}", f"until its load per core is {eased}"
            return Text(f"暂停：机器正忙，{zh}", f"paused: the machine is busy, {en}")
    if moment.people:
        return Text("暂停：让交互命令先用", "paused: an interactive command goes first")
    return None


class OthersLoad:
    """The load average without this run's own part of it.

    A run that keeps all cores busy would else pause because of itself. Its processor time goes
    through the same decay as the system's one-minute average and is taken off.
    """

    def __init__(
        self,
        load: Callable[[], float],
        spent: Callable[[], float],
        clock: Callable[[], float],
        cores: int,
    ) -> None:
        self._load, self._spent, self._clock, self._cores = load, spent, clock, max(1, cores)
        self._own = 0.0
        self._at, self._used = clock(), spent()

    def __call__(self) -> float:
        """The others' load by core. Calls can be any time apart."""
        at, used = self._clock(), self._spent()
        if (passed := at - self._at) > 0:
            kept = math.exp(-passed / _MINUTE)
            busy = max(0.0, used - self._used) / passed
            self._own = self._own * kept + busy * (1 - kept)
            self._at, self._used = at, used
        return max(0.0, self._load() - self._own) / self._cores


class Pacer:
    """Called before each reply that is computed; returns when the run may go on.

    ``tell`` hears why it pauses, when that changes, and `None` when it goes on. Sleeping is in
    naps, so Ctrl-C ends it at once and a clock that jumps is seen at the next one.
    """

    def __init__(
        self,
        limits: Limits,
        tell: Tell = lambda why: None,
        *,
        people: Callable[[], bool] = lambda: False,
        load: Callable[[], float] = lambda: 0.0,
        now: Callable[[], datetime] = datetime.now,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits, self._tell = limits, tell
        self._people, self._load, self._now = people, load, now
        self._clock, self._sleep = clock, sleep
        self._looked = -math.inf
        self.rested = 0.0  # seconds paused so far

    def __call__(self) -> None:
        if self._clock() - self._looked < _LOOK:
            return
        said: Text | None = None
        began = self._clock()
        while (why := self._why(paused=said is not None)) is not None:
            if why != said:
                self._tell(why)
            said = why
            self._sleep(_NAP)
        if said is not None:
            self.rested += self._clock() - began
            self._tell(None)
        self._looked = self._clock()

    def _why(self, *, paused: bool) -> Text | None:
        moment = Moment(self._now(), self._load(), self._people())
        return decide(self.limits, moment, paused=paused)


def check_load() -> None:
    """QC611 where the system has no load average."""
    if not hasattr(os, "getloadavg"):
        message = Text("本系统没有负载数据", "This system has no load average")
        help_ = Text("请去掉 --max-load", "Leave out --max-load")
        raise QcError(Diagnostic("QC611", message, help=help_))


def pacer(limits: Limits, tell: Tell, people: Callable[[], bool]) -> Pacer:
    """A pacer on the real machine."""
    if limits.max_load is None:
        return Pacer(limits, tell, people=people)
    cores = os.cpu_count() or 1
    load = OthersLoad(lambda: os.getloadavg()[0], processor_time, time.monotonic, cores)
    return Pacer(limits, tell, people=people, load=load)


def processor_time() -> float:
    """Seconds of all cores that this process and its workers have used, as far as is told."""
    return sum(os.times()[:4]) + sum(_used_by(p.pid) for p in multiprocessing.active_children())


def _used_by(pid: int | None) -> float:
    """User and system time of another process: fields 14 and 15 of its stat (proc(5))."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
