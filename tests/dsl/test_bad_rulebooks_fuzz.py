"""Whatever an author's slip of the hand makes of a rulebook, the compiler answers and ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_compiler.analyse import analyse
from qc_compiler.pipeline import read_and_compile
from qc_dsl.errors import Diagnostic, QcError, render
from qc_dsl.source import Source

CASES = Path(__file__).parents[1] / "cases"
GOOD = tuple(
    (CASES / name).read_text("utf-8")
    for name in ("surgery_rules.yaml", "everything.yaml", "everything.en.yaml")
)
_PIECES = (
    "“", "”", '"', "'", "\\", "：", ": ", ":", "{", "}", "[", "]", "|", ">", "&a ", "*a", "!!x ",
    "- ", "#", "\t", "\n", "\r", " ", "　", "\x00", "\x7f", "\u200b", "\ufeff", "😀", "é", "%", "→",
    "且", "或", "和", "、", "，", "（", "）", "(", ")", "为", "不为", "包含", "属于", "非", "当",
    "否则", "即视为", "匹配", "痔", "0", "-1", "9" * 40, "1e999", "2025-01-01", "~", "null",
    "如果", "---\n", "is", "when", "and", "术前术式", "手术记录", "\ud800",
)  # fmt: skip
Edit = tuple[str, float, float, str]
_places = st.floats(0, 1, allow_nan=False, exclude_max=True)
_edits: st.SearchStrategy[Edit] = st.tuples(
    st.sampled_from(("insert", "delete", "replace", "duplicate line", "delete line", "swap lines")),
    _places,
    _places,
    st.sampled_from(_PIECES),
)


def edited(text: str, edit: Edit) -> str:
    kind, place, other, piece = edit
    if "line" in kind:
        return _lines_edited(text, kind, place, other)
    at = int(place * (len(text) + 1))
    rest = at if kind == "insert" else min(len(text), at + 1 + int(other * 12))
    return text[:at] + ("" if kind == "delete" else piece) + text[rest:]


def _lines_edited(text: str, kind: str, place: float, other: float) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, to = int(place * len(lines)), int(other * len(lines))
    if kind == "duplicate line":
        lines.insert(to, lines[at])
    elif kind == "delete line":
        del lines[at]
    else:
        lines[at], lines[to] = lines[to], lines[at]
    return "".join(lines)


@pytest.mark.parametrize("good", GOOD, ids=("surgery", "everything", "english"))
def test_a_damaged_rulebook_is_compiled_or_refused_with_places(good: str) -> None:
    @settings(max_examples=70, deadline=5000, derandomize=True)
    @given(st.lists(_edits, min_size=1, max_size=4))
    def check(edits: list[Edit]) -> None:
        text = good
        for edit in edits:
            text = edited(text, edit)
        for diagnostic in diagnosed(Source("damaged.yaml", text)):
            assert diagnostic.span is not None
            assert 0 <= diagnostic.span.start <= len(text)
            assert render(diagnostic, "zh")
            assert render(diagnostic, "en")

    check()


def diagnosed(source: Source) -> tuple[Diagnostic, ...]:
    """What is said about a text; anything raised but `QcError` is a fault of ours."""
    try:
        rulebook, program = read_and_compile(source)
    except QcError as error:
        return error.diagnostics
    return analyse(program, rulebook)


@pytest.mark.parametrize("good", GOOD, ids=("surgery", "everything", "english"))
def test_an_undamaged_rulebook_is_compiled(good: str) -> None:
    assert read_and_compile(Source("good.yaml", good))[1].rules
