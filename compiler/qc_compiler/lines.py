"""A text by its lines, for the predicates that ask what it denies (`qc_compiler.negation`).

Folding takes line breaks away, so that a word is found across a wrapped line; but a denial ends
with its line. So 提及 looks into another reading of the text, in which a line break is a stop
(but for one after 、 or a colon or an opening bracket, where the line plainly goes on).
Where a line may have been wrapped within a word, for no punctuation stands on either side of
the break, every two lines that follow each other are appended as one: what any reading affirms is
affirmed, for a mention that is hidden is worse than one too many.

The patterns mean the same to RE2 in DuckDB and to Python, whose `re` also takes what is no UTF-8.
"""

from __future__ import annotations

import re

LINES = "#lines"  # after a column's key: its folded text by lines; missing where it has but one
STOP = ";"  # no full stop, which between digits would be a decimal point
BREAK = "[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"  # a text without it has no other reading
_WHITE = "\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_BREAKS = f"[{_WHITE}]*{BREAK}[{_WHITE}]*"
_WORD = f"[^{_WHITE}。．.，,；;！!？?、：:（(]"

_LINE = f"([^{BREAK[1:-1]}]+)"

GOES_ON = (f"([、：:（(]){_BREAKS}", r"\1")
ENDS = (_BREAKS, STOP)
WRAPPED = f"{_WORD}{_BREAKS}{_WORD}"
PAIRS = (f"{_LINE}{_BREAKS}{_LINE}{_BREAKS}", rf"\1 \2{STOP}")  # of a text that ends with a break
FIRST = (f"^{_LINE}{_BREAKS}", "")


def by_lines(text: str) -> str | None:
    """The reading, not folded yet, of a text as it is written; `None` where it is one line."""
    if re.search(BREAK, text) is None:
        return None
    read = re.sub(*GOES_ON, text)
    if re.search(WRAPPED, read) is None:
        return re.sub(*ENDS, read)
    odd, even = (re.sub(*PAIRS, lines + "\n") for lines in (read, re.sub(*FIRST, read)))
    return re.sub(*ENDS, "\n".join((read, odd, even)))
