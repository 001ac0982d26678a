"""Durations as they are written in records: 3天, 三天余, 半年, 1年3个月, 2 h, 一个半月.

Months count as 30 days and years as 365. What gives no number (数天, 几年, 多日) or two
(3-5天) is no duration: it stays unknown.
"""

from __future__ import annotations

import re

from qc_dsl.fold import fold

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SECONDS = {"second": 1.0, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY}
SECONDS |= {"month": 30 * DAY, "year": 365 * DAY, "calendar_day": DAY}
_UNITS = {
    "second": ("秒钟", "秒", "seconds", "second", "sec", "s"),
    "minute": ("分钟", "分", "minutes", "minute", "mins", "min"),
    "hour": ("小时", "个钟头", "钟头", "时", "hours", "hour", "hrs", "hr", "h"),
    "day": ("天", "日", "昼夜", "days", "day", "d"),
    "week": ("周", "星期", "礼拜", "weeks", "week", "w"),
    "month": ("月", "months", "month"),
    "year": ("年", "years", "year", "y"),
}
_OF_UNIT = {form: SECONDS[unit] for unit, forms in _UNITS.items() for form in forms}
_DIGITS = {ch: at for at, ch in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_TENS = {"十": 10, "百": 100, "廿": 20, "卅": 30}
_NUMBER = r"\d+(?:\.\d+)?|[〇零一二两三四五六七八九十百廿卅]+|半"
_UNIT = "|".join(sorted(_OF_UNIT, key=len, reverse=True))
# 三天半, 一个半月: half a unit more. 余, 多, 来, 左右, + after a number say only “or so”.
_ROUGHLY = r"(?:余|多|来|\+|许)?"
_PART = re.compile(
    rf"(?P<n>{_NUMBER}){_ROUGHLY}个?(?P<half>半)?{_ROUGHLY} ?(?P<unit>{_UNIT})"
    rf"(?P<more>半)?{_ROUGHLY}零?"
)
_AROUND = re.compile(r"^(?:约|大约|近|将近|已|有)+|(?:左右|前后|上下|以来|之久|前|余|史)+$")


def parse_duration(text: str) -> float | None:
    """Seconds, or `None` when the text is not one duration and nothing else."""
    rest = _AROUND.sub("", fold(text).lower())
    total, at, smaller = 0.0, 0, float("inf")
    while at < len(rest):
        match = _PART.match(rest, at)
        number = _number(match["n"]) if match else None
        if match is None or number is None or _OF_UNIT[match["unit"]] >= smaller:
            return None
        smaller = _OF_UNIT[match["unit"]]
        total += (number + 0.5 * bool(match["half"]) + 0.5 * bool(match["more"])) * smaller
        at = match.end()
    return total if at else None


def _number(written: str) -> float | None:
    if written == "半":
        return 0.5
    if written[0].isdigit():
        return float(written)
    return _chinese(written)


def _chinese(written: str) -> float | None:
    """三 is 3, 十二 is 12, 二十 is 20, 一百零五 is 105; `None` for 三五 (three to five)."""
    total, digit = 0, None
    for ch in written:
        if ch in _TENS:
            total += (1 if digit is None else digit) * _TENS[ch] if ch in "十百" else _TENS[ch]
            digit = None
        elif digit:
            return None
        else:
            digit = _DIGITS[ch]
    return float(total + (digit or 0))


def written(seconds: float) -> str:
    """A number of whole seconds as text that `parse_duration` reads back."""
    parts, rest = [], round(seconds)
    for unit, size in (("天", DAY), ("小时", HOUR), ("分钟", MINUTE), ("秒", 1)):
        count, rest = divmod(rest, int(size))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0秒"
