"""Cell formats, and text made fit for a cell."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from qc_dsl.lang import tr

LONGEST = 32_767  # of a cell, in UTF-16 units: Excel's limit
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# The background and the text of each kind of verdict, and of each way to have none.
_COLOURS = {
    "pass": ("#C6EFCE", "#006100"),
    "fail": ("#FFC7CE", "#9C0006"),
    "exclude": ("#E7E6E6", "#595959"),
    "needs_review": ("#FFEB9C", "#7F6000"),
    "data_missing": ("#DDEBF7", "#1F4E78"),
    "pending": ("#E4DFEC", "#403151"),
    "error": ("#C00000", "#FFFFFF"),
}
_CELL: dict[str, Any] = {"valign": "top", "text_wrap": True}
_STYLES: dict[str, dict[str, Any]] = {
    "text": _CELL,
    "number": {"valign": "top"},
    "percent": {"valign": "top", "num_format": "0.0%"},
    "count": {"num_format": "#,##0", "align": "left"},
    "decimal": {"num_format": "#,##0.0", "align": "left"},
    "share": {"num_format": "0.0%"},
    "head": {"bold": True, "bg_color": "#305496", "font_color": "#FFFFFF"} | _CELL,
    "title": {"bold": True, "font_size": 16},
    "section": {"bold": True, "bottom": 1},
    "plain": {"valign": "top"},
    "big": {"bold": True, "font_size": 14, "num_format": "0.0%", "align": "left"},
} | {
    name: {"bg_color": back, "font_color": front} | _CELL
    for name, (back, front) in _COLOURS.items()
}


class Styles:
    """The formats of one workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self.get = cache(lambda name: book.add_format(_STYLES.get(name, _CELL)))


def cell_text(text: str) -> str:
    """Text without what XML cannot hold, cut with a mark where Excel would refuse it."""
    text = _ILLEGAL.sub("", text)
    if len(text) * 2 <= LONGEST or len(wide := text.encode("utf-16-le")) <= LONGEST * 2:
        return text
    mark = tr("……（过长，已截断）", "… (too long, cut)")
    room = (LONGEST - len(mark)) * 2
    return wide[:room].decode("utf-16-le", "ignore") + mark
