"""When a run rests: decided by a pure function, kept by a pacer on a clock of ours."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from qc_dsl.lang import Text
from qc_runtime.cache import Remembered
from qc_runtime.cli.progress import Bar
from qc_runtime.judging.answering import Answering
from qc_runtime.offpeak.interactive import interactive, people_waiting
from qc_runtime.offpeak.pacing import Limits, Moment, OthersLoad, Pacer, decide, processor_time
from qc_runtime.offpeak.session import Session
from qc_runtime.offpeak.windows import parse_windows
from qc_runtime.scripted import ScriptedBackend
from support.asking import asked
from support.qc import environment

NIGHT = Limits(parse_windows(["22:00-06:00"]))
NOON = datetime(2026, 3, 2, 12, 0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QC_CACHE", str(tmp_path))
    return tmp_path


class Clock:
    """A wall clock and a steady one, both moved by sleeping. ``jumps`` move the wall only."""

    def __init__(self, start: datetime) -> None:
        self.wall, self.steady, self.naps = start, 0.0, 0

    def now(self) -> datetime:
        return self.wall

    def clock(self) -> float:
        return self.steady

    def sleep(self, seconds: float) -> None:
        self.naps += 1
        self.steady += seconds
        self.wall += timedelta(seconds=seconds)


def on(clock: Clock, limits: Limits, said: list[str | None]) -> Pacer:
    def tell(why: Text | None) -> None:
        said.append(why.zh if why else None)

    return Pacer(limits, tell, now=clock.now, clock=clock.clock, sleep=clock.sleep)


def test_outside_the_window_a_run_rests_until_it_opens() -> None:
    clock, said = Clock(NOON), []  # type: Clock, list[str | None]
    pacer = on(clock, NIGHT, said)
    pacer()
    assert said == ["暂停至 22:00", None]
    assert timedelta(0) <= clock.wall - NOON.replace(hour=22) < timedelta(seconds=10)
    assert pacer.rested == pytest.approx(36000, abs=10)
    naps = clock.naps
    clock.steady += 5
    pacer()
    assert clock.naps == naps  # inside, it does not sleep at all


def test_a_window_on_another_day_is_named_with_its_date() -> None:
    limits = Limits(parse_windows(["Sat 22:00-06:00"]))
    why = decide(limits, Moment(NOON), paused=False)
    assert why == Text("暂停至 03-07 22:00", "paused until 03-07 22:00")


def test_a_clock_that_is_put_forward_is_seen_at_the_next_nap() -> None:
    clock, said = Clock(NOON), []  # type: Clock, list[str | None]
    slept = clock.sleep

    def jump(seconds: float) -> None:
        slept(seconds)
        clock.wall = NOON.replace(hour=23)

    Pacer(NIGHT, lambda why: said.append(why and why.zh), now=clock.now, clock=clock.clock,
          sleep=jump)()  # fmt: skip
    assert said == ["暂停至 22:00", None]
    assert clock.naps == 1


def test_a_busy_machine_is_left_alone_and_not_taken_up_again_at_the_first_dip() -> None:
    limits = Limits(max_load=0.7)
    assert decide(limits, Moment(NOON, load=0.7), paused=False) is None
    assert decide(limits, Moment(NOON, load=0.71), paused=False) is not None
    assert decide(limits, Moment(NOON, load=0.6), paused=True) is not None
    said = {str(decide(limits, Moment(NOON, load=n / 10), paused=True)) for n in range(6, 20)}
    assert said == {"暂停：机器正忙，等每核负载降到 0.56"}  # not a line for every value
    assert decide(limits, Moment(NOON, load=0.5), paused=True) is None


def test_a_run_does_not_rest_because_of_its_own_load() -> None:
    seconds, spent, load = 0.0, 0.0, 0.0
    others = OthersLoad(lambda: load, lambda: spent, lambda: seconds, cores=2)
    for _ in range(60):  # two cores busy for five minutes; the system's average follows
        seconds, spent = seconds + 5, spent + 10
        load = load * 2.718281828 ** (-5 / 60) + 2 * (1 - 2.718281828 ** (-5 / 60))
    assert load > 1.9
    assert others() < 0.02  # ours alone
    load += 1.0
    assert others() == pytest.approx(0.5, abs=0.02)  # somebody else keeps one core busy


def test_the_processor_time_of_this_process_grows_with_work() -> None:
    before = processor_time()
    while time.process_time() < 0.05 or processor_time() - before < 0.03:
        sum(range(10000))
    assert processor_time() > before


# People first

_WAITING = "import time\nfrom qc_runtime.offpeak.interactive import interactive\n" \
    "with interactive():\n    print('there', flush=True)\n    time.sleep(60)\n"  # fmt: skip


@pytest.fixture
def somebody(cache: Path) -> Iterator[subprocess.Popen[str]]:
    """An interactive command in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", _WAITING],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(QC_CACHE=str(cache)),
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "there\n"
        yield process
        process.kill()


def test_a_batch_gives_way_to_an_interactive_command_as_long_as_that_lives(
    somebody: subprocess.Popen[str], cache: Path
) -> None:
    assert people_waiting()
    assert decide(Limits(), Moment(NOON, people=people_waiting()), paused=False) is not None
    somebody.kill()
    somebody.wait()
    assert not people_waiting()  # killed without a word
    assert list((cache / "interactive").iterdir()) == []


def test_an_interactive_command_that_ends_leaves_nothing(cache: Path) -> None:
    with interactive():
        assert len(list((cache / "interactive").iterdir())) == 1
    assert not people_waiting()
    assert list((cache / "interactive").iterdir()) == []
    with interactive(False):
        assert list((cache / "interactive").iterdir()) == []


def test_one_that_was_forgotten_does_not_cost_a_night(cache: Path) -> None:
    with interactive():
        (there,) = (cache / "interactive").iterdir()
        assert people_waiting()
        os.utime(there, (time.time() - 4000,) * 2)
        assert not people_waiting()


def test_a_cache_that_is_no_folder_stops_no_command(cache: Path) -> None:
    (cache / "interactive").write_text("")
    with interactive():
        assert not people_waiting()


# Where it is asked


def test_the_pace_is_asked_before_each_computed_reply_and_never_for_stored_ones() -> None:
    calls: list[int] = []
    book, backend = Remembered(), ScriptedBackend(lambda request: "A")
    requests = [asked("s", f"u{n}", ("A", "B")) for n in range(3)]

    def answering() -> Answering:
        pace = lambda: calls.append(backend.calls)  # noqa: E731
        return Answering(lambda: backend, book, lambda done, total: None, pace=pace)

    assert len(list(answering().replies(requests, [0, 1, 2]))) == 3
    assert calls == [0, 1, 2]  # before each, when only those before it were answered
    assert len(list(answering().replies(requests, [0, 1, 2]))) == 3
    assert calls == [0, 1, 2]


def test_ctrl_c_while_resting_keeps_what_was_answered() -> None:
    book, backend = Remembered(), ScriptedBackend(lambda request: "A")
    requests = [asked("s", f"u{n}", ("A", "B")) for n in range(5)]

    def pace() -> None:
        if backend.calls == 2:
            raise KeyboardInterrupt

    answering = Answering(lambda: backend, book, lambda done, total: None, pace=pace)
    with pytest.raises(KeyboardInterrupt):
        list(answering.replies(requests, range(5)))
    assert backend.calls == 2
    assert len(book.get_many([r.digest(backend.identity) for r in requests])) == 2


# Progress


def test_the_rate_is_that_of_this_session_without_its_pauses() -> None:
    clock = Clock(NOON)
    session = Session(clock.clock)
    assert session.told(100, 200).stored == 100  # from earlier runs: no rate from them
    assert session.standing.rate is None
    rested = 0.0
    for n in range(10):
        session.computing(rested)
        clock.steady += 2
        session.told(101 + n, 200)
    assert (session.standing.done, session.standing.stored) == (110, 100)
    assert session.standing.rate == pytest.approx(0.5)
    assert session.standing.left == pytest.approx(180)
    clock.steady += 3600  # a pause
    session.computing(3600.0)
    clock.steady += 2
    assert session.told(111, 200).rate == pytest.approx(0.5)


def test_records_judged_part_by_part_have_a_rate_of_their_own() -> None:
    """Rules decide most of them, so answers say nothing of how fast they go."""
    clock = Clock(NOON)
    session = Session(clock.clock)
    assert session.told(3000, 10_000).stored == 3000  # parts of an earlier run
    session.begin(3000)
    for _ in range(4):
        session.computing()
    clock.steady += 100
    standing = session.told(5000, 10_000)
    assert (standing.stored, standing.rate, standing.left) == (3000, 20.0, 250.0)


def test_a_log_gets_a_line_of_progress_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(NOON)
    with Progress(console=Console(file=io.StringIO())) as progress:
        bar = Bar(progress, clock.clock)
        bar(900, 2000)
        for n in range(6):  # five minutes each
            bar.computing(0.0)
            clock.steady += 300
            bar(901 + n, 2000)
    assert capsys.readouterr().err.splitlines() == [
        "模型判断 902/2,000，已存 900",
        "模型判断 904/2,000，已存 900，0.0033 个/秒，还要 91:20:00",
        "模型判断 906/2,000，已存 900，0.0033 个/秒，还要 91:10:00",
    ]
