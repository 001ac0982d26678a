"""Dates in a text moved by a number of days, each written as it was.

A year alone, a weekday, an age and a time of day stay as they are. Dates without a year are
taken to be of one reference year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from qc_runtime.privacy.identifiers import plain

_YEAR, _TWO = r"(?P<y>(?:19|20)\d{2})", r"(?P<m>\d{2})(?P<d>\d{2})"
_MD = r"(?P<m>\d{1,2})(?P<b>[-/.])(?P<d>\d{1,2})"
_HAN = "〇零一二三四五六七八九十廿"
_NAMES = "〇一二三四五六七八九"
_DIGIT = {"〇": 0, "零": 0} | {ch: n for n, ch in enumerate("一二三四五六七八九", 1)}
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?<![\d./-]){_YEAR}(?P<a>[-/.]) ?(?P<m>\d{{1,2}})(?P=a) ?(?P<d>\d{{1,2}})(?!\d)",
        rf"(?<!\d){_YEAR}(?P<a> ?年 ?)(?P<m>\d{{1,2}})(?P<b> ?月 ?)(?P<d>\d{{1,2}})(?!\d)",
        rf"(?<![0-9A-Za-z]){_YEAR}{_TWO}(?=(?:[012]\d[0-5]\d(?:[0-5]\d)?)?(?![0-9A-Za-z]))",
        rf"(?P<y>[{_HAN[:11]}]{{4}})(?P<a>年)(?P<m>[{_HAN}]{{1,3}})(?P<b>月)(?P<d>[{_HAN}]{{1,3}})(?=日|号)",
        r"(?<![\d./-])(?P<y>\d{2})(?P<a>[-/.])(?P<m>\d{2})(?P=a)(?P<d>\d{2})(?![\d./-])",
        rf"(?<!\d){_YEAR}(?P<a> ?年 ?)(?P<m>\d{{1,2}})(?= ?月)",
        rf"(?<![\d./-]){_YEAR}(?P<a>-)(?P<m>\d{{2}})(?![\d./-])",
        r"(?<![\d./-])(?P<m>\d{1,2})(?P<b> ?月 ?)(?P<d>\d{1,2})(?= ?(?:日|号))",
        rf"(?<![\d./-]){_MD}(?= ?\d{{1,2}}:\d{{2}})",
    )
)
_USUAL_YEAR = 2023


@dataclass(frozen=True)
class Dated:
    """A date in a text, from ``start`` to ``end``; what it does not say is `None`."""

    match: re.Match[str]
    year: int | None
    month: int
    day: int | None

    @property
    def start(self) -> int:
        return self.match.start()

    @property
    def end(self) -> int:
        return self.match.end()

    def on(self, year: int) -> date:
        """The day, in this year if it says none; in the middle of the month likewise."""
        told = self.year or year
        in_february_29 = (self.month, self.day) == (2, 29) and told % 4
        return date(told, self.month, 28 if in_february_29 else self.day or 15)

    def moved(self, days: int, year: int) -> date | None:
        """The day so many days later; None where there is none that could be written."""
        at = self.on(year) + timedelta(days=days)
        return at if 1900 <= at.year < 2100 else None

    def written(self, at: date) -> str:
        """Another day, in the form of this one."""
        parts = {"y": f"{at.year:04}", "m": str(at.month), "d": str(at.day)}
        return "".join(
            self._piece(name, text, parts.get(name, text)) for name, text in _pieces(self.match)
        )

    def _piece(self, name: str, was: str, now: str) -> str:
        if name not in "ymd":
            return was
        if was[0] in _HAN:
            return (
                "".join("〇一二三四五六七八九"[int(ch)] for ch in now) if name == "y" else _han(now)
            )
        return now[-len(was) :] if name == "y" else now.zfill(2 if self._padded else 1)

    @property
    def _padded(self) -> bool:
        given = [text for name, text in _pieces(self.match) if name in ("m", "d")]
        if any(text.startswith("0") for text in given):
            return True
        return "月" not in self.match[0] and "年" not in self.match[0] and min(map(len, given)) > 1


def dates(text: str) -> Iterator[Dated]:
    """The dates in a text, none over another, in no order."""
    text, taken = plain(text), bytearray(len(text))
    for form in _FORMS:
        for match in form.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            if (dated := _dated(match)) is not None:
                taken[match.start() : match.end()] = b"\1" * len(match[0])
                yield dated


def year_of(texts: Iterator[str]) -> int:
    """The year that dates without one are taken to be of: the first that is told."""
    told = (dated.year for text in texts for dated in dates(text) if dated.year)
    return next(told, _USUAL_YEAR)


def _dated(match: re.Match[str]) -> Dated | None:
    given = match.groupdict()
    year, month, day = (_number(given.get(name)) for name in "ymd")
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    if month is None or not 1 <= month <= 12 or (year is not None and not 1900 <= year < 2100):
        return None
    try:
        date(year or 2024, month, day or 1)
    except ValueError:
        return None
    return None if day == 0 else Dated(match, year, month, day)


def _pieces(match: re.Match[str]) -> list[tuple[str, str]]:
    """The text of a match in order: named groups, and what lies between them."""
    spans = sorted((match.span(n), n) for n in match.groupdict() if match.start(n) >= 0)
    pieces, at = [], match.start()
    for (start, end), name in spans:
        pieces += [("between", match.string[at:start]), (name, match[name])]
        at = end
    return [(name, text) for name, text in pieces if text] + (
        [("between", match.string[at : match.end()])] if at < match.end() else []
    )


def _number(text: str | None) -> int | None:
    """The number of digits or Chinese numerals; a wrong one is 0."""
    if not text or text.isdecimal():
        return int(text) if text else None
    if len(text) == 4:
        return int("".join(str(_DIGIT.get(ch, 0)) for ch in text))
    text = text.replace("廿", "二十")
    tens, ten, ones = text.rpartition("十")
    if len(tens) > 1 or len(ones) > 1:
        return 0
    return (_DIGIT.get(tens, 0) or 1 if ten else 0) * 10 + (_DIGIT.get(ones, 0) if ones else 0)


def _han(number: str) -> str:
    tens, ones = divmod(int(number), 10)
    if not tens:
        return _NAMES[ones]
    return (_NAMES[tens] if tens > 1 else "") + "十" + (_NAMES[ones] if ones else "")
