"""When a run may work (错峰): hours of the day and days of the week, as a person writes them.

Everything here is about the wall clock's face, never about durations: a night in which the
clock is put forward or back begins and ends when the clock says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text

DAY = 24 * 60  # minutes
_EVERY_DAY = frozenset(range(7))
_ENGLISH = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE = "一二三四五六日"
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—~～至到]\s*(\d{1,2}):(\d{2})$")
_RANGE = re.compile(r"\s*[-–—~～至到]\s*")
_DAY_NAME = re.compile(
    r"(?:周|星期|礼拜)?([一二三四五六日天])$|([a-z]{3})[a-z]*\.?$", re.IGNORECASE
)


@dataclass(frozen=True)
class Window:
    """From ``start`` up to ``end``, minutes after midnight; over midnight if end <= start.

    ``days`` (Monday is 0) are those on which it begins.
    """

    start: int
    end: int
    days: frozenset[int] = _EVERY_DAY

    def holds(self, now: datetime) -> bool:
        """Whether the window is open at that time of the wall clock."""
        minute, today = now.hour * 60 + now.minute, now.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        begun_today = today in self.days and minute >= self.start
        return begun_today or ((today - 1) % 7 in self.days and minute < self.end)

    def opens(self, now: datetime) -> datetime:
        """When it opens next, after ``now``."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        times = (midnight + timedelta(days=n, minutes=self.start) for n in range(9))
        return next(t for t in times if t > now and t.weekday() in self.days)


def is_open(windows: Sequence[Window], now: datetime) -> bool:
    """Whether one of them is open; no windows: always."""
    return not windows or any(window.holds(now) for window in windows)


def next_opening(windows: Sequence[Window], now: datetime) -> datetime:
    """When the first of them opens next."""
    return min(window.opens(now) for window in windows)


def parse_windows(texts: Iterable[str]) -> tuple[Window, ...]:
    """Windows such as ``22:00-06:00``, ``Mon-Fri 20:00-07:00``, ``周六、周日 00:00-24:00``.

    Several can stand in one text, with a semicolon between. QC611 for what cannot be read.
    """
    parts = (part.strip() for text in texts for part in re.split("[;；]", text))
    return tuple(_window(part) for part in parts if part)


def _window(text: str) -> Window:
    plain = text.replace("：", ":").strip()
    found = _HOURS.search(plain)
    if not found:
        raise _unreadable(text)
    first = _minute(found[1], found[2], text)
    second = _minute(found[3], found[4], text)
    return Window(first % DAY, second, _days(plain[: found.start()].strip(), text))


def _minute(hour: str, minute: str, text: str) -> int:
    count = int(hour) * 60 + int(minute)
    if int(minute) > 59 or count > DAY:
        raise _unreadable(text)
    return count


def _days(words: str, text: str) -> frozenset[int]:
    if not words or words in ("每天", "daily"):
        return _EVERY_DAY
    groups = (group for group in re.split(r"[,，、\s]+", _RANGE.sub("-", words)) if group)
    return frozenset(day for group in groups for day in _span(group, text))


def _span(group: str, text: str) -> list[int]:
    """One day, or from one to another, over the week's end if need be."""
    ends = [_day(word, text) for word in group.split("-")]
    if len(ends) > 2:
        raise _unreadable(text)
    first, last = ends[0], ends[-1]
    return [(first + n) % 7 for n in range((last - first) % 7 + 1)]


def _day(word: str, text: str) -> int:
    found = _DAY_NAME.match(word.strip())
    if found and found[1]:
        return _CHINESE.index(found[1].replace("天", "日"))
    if found and found[2].lower() in _ENGLISH:
        return _ENGLISH.index(found[2].lower())
    raise _unreadable(text)


def _unreadable(text: str) -> QcError:
    return QcError(
        Diagnostic(
            "QC611",
            Text(f"看不懂时段“{text[:60]}”", f"The window “{text[:60]}” cannot be read"),
            help=Text(
                "例如 22:00-06:00，周一至周五 20:00-07:00；几个时段用分号隔开，或重复 --window",
                "Such as 22:00-06:00 or Mon-Fri 20:00-07:00; several with semicolons between, "
                "or --window again",
            ),
        )
    )
