"""Windows of the day and the week: how they are written, when they are open."""

from __future__ import annotations

from datetime import datetime

import pytest

from qc_dsl.errors import QcError
from qc_runtime.offpeak.windows import is_open, next_opening, parse_windows

MONDAY = "2026-03-02"  # 2026-03-07 is a Saturday


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}")


@pytest.mark.parametrize(
    ("clock", "wanted"),
    [
        ("21:59:59", False),
        ("22:00", True),
        ("23:59:59", True),
        ("00:00", True),
        ("05:59", True),
        ("06:00", False),
        ("12:00", False),
    ],
)
def test_a_window_over_midnight_holds_from_its_start_up_to_its_end(
    clock: str, wanted: bool
) -> None:
    assert is_open(parse_windows(["22:00-06:00"]), at(MONDAY, clock)) is wanted


def test_no_window_is_always_open() -> None:
    assert is_open((), at(MONDAY, "12:00"))


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri 22:00-06:00",
        "周一至周五 22:00-06:00",
        "周一到五 22：00 - 06：00",
        "星期一、周二,周三 周四 周五 22:00～06:00",
        "Mon - Fri 22:00-06:00",
        "Monday-Friday 22:00~6:00",
    ],
)
def test_days_are_those_on_which_a_window_begins(text: str) -> None:
    windows = parse_windows([text])
    assert is_open(windows, at("2026-03-06", "23:00"))  # Friday
    assert is_open(windows, at("2026-03-07", "05:00"))  # the rest of Friday's night
    assert not is_open(windows, at("2026-03-07", "23:00"))
    assert not is_open(windows, at(MONDAY, "05:00"))  # Sunday's night was none
    assert next_opening(windows, at("2026-03-07", "05:30")) == at("2026-03-09", "22:00")


def test_several_windows_and_days_over_the_weekend() -> None:
    windows = parse_windows(["22:00-06:00; 12:00-13:00", "Sat-Sun 00:00-24:00"])
    assert is_open(windows, at("2026-03-07", "15:00"))
    assert is_open(windows, at(MONDAY, "12:30"))
    assert not is_open(windows, at(MONDAY, "15:00"))
    assert next_opening(windows, at(MONDAY, "09:00")) == at(MONDAY, "12:00")
    assert is_open(parse_windows(["周六至周一 08:00-09:00"]), at("2026-03-08", "08:30"))


def test_a_window_that_ends_where_it_begins_is_a_whole_day() -> None:
    windows = parse_windows(["Mon 22:00-22:00"])
    assert is_open(windows, at("2026-03-03", "21:59"))
    assert not is_open(windows, at("2026-03-03", "22:00"))


@pytest.mark.parametrize(
    "text",
    [
        "22:00",
        "22-06",
        "25:00-06:00",
        "24:01-06:00",
        "22:60-06:00",
        "八点",
        "Mxn 1:00-2:00",
        "周八 22:00-06:00",
        "Mon-Wed-Fri 1:00-2:00",
        "22:00-06:00,12:00-13:00x",
    ],
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(QcError) as error:
        parse_windows([text])
    assert [d.code for d in error.value.diagnostics] == ["QC611"]
