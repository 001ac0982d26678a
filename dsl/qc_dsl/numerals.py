"""Numbers as sentences write them before a unit: 3, 2.5, 两, 二十四, 半."""

from __future__ import annotations

import re

_DIGITS = {ch: n for n, ch in enumerate("零一二三四五六七八九")} | {"两": 2}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?|[一二两三四五六七八九十]+|半)\s*(.*)", re.DOTALL)

WRITTEN = re.compile(r"-?\d+(?:\.\d+)?")  # a number in digits


def written_in(text: str) -> re.Match[str]:
    """The number in digits that a text holds."""
    match = WRITTEN.search(text)
    assert match is not None
    return match


def leading_number(text: str) -> tuple[float, str]:
    """The number that a text begins with, and the rest of the text."""
    match = _NUMBER.fullmatch(text)
    assert match is not None
    return _value(match[1]), match[2]


def _value(number: str) -> float:
    if number[0].isdigit():
        return float(number)
    if number == "半":
        return 0.5
    tens, ten, ones = number.rpartition("十")
    if not ten:
        return float("".join(str(_DIGITS[ch]) for ch in number))
    return float((_DIGITS[tens[0]] if tens else 1) * 10 + (_DIGITS[ones[0]] if ones else 0))
