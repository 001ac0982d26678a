"""Half-typed sentences, damaged files: an answer at a place that exists, never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qc_dsl import ast
from qc_dsl.errors import Diagnostic, QcError, render
from qc_dsl.keywords import KEYWORDS, UNITS
from qc_dsl.printer import print_condition, print_sentence
from qc_dsl.reader import parse_rulebook
from qc_dsl.sentence import parse_condition, parse_sentence
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Scalar
from support.trees import LEXICON, sentences

ORDERS = Path(__file__).parents[1] / "cases" / "orders"
FILES = {
    path.relative_to(ORDERS).as_posix(): path.read_bytes()
    for path in sorted(ORDERS.rglob("*"))
    if path.is_file()
}
_WORDS = (
    *(form for word in KEYWORDS.values() for form in word.forms),
    *(form for unit in UNITS.values() for form in unit.forms),
    *(*LEXICON.values, *LEXICON.qualified, *LEXICON.terms, *LEXICON.conditions),
    *(*LEXICON.table_names, *LEXICON.verdicts),
    "“甲”", "3", "3 天", "两条", "十十天", "2.5 小时", "9" * 5000, "扣 2 分", "扣 1e9 分",
    "（", "）", "“", "”", "{", "}", "“{医嘱.药名}”", "医嘱.", "本条.", ".", "，", "：", "\n",
    "#", "前列腺", "后续", "²", "\x00", "\u200b", "\ud800", "  ",
)  # fmt: skip
_place = st.floats(0, 1, allow_nan=False, exclude_max=True)
_settings = settings(
    max_examples=200, deadline=5000, derandomize=True, suppress_health_check=list(HealthCheck)
)


def checked(text: str) -> None:
    """A sentence is read and printed, or refused at places that exist."""
    scalar = Scalar(text, Span(Source("x", text), 0, len(text)), None, tuple(range(len(text))))
    for read, show in ((parse_sentence, print_sentence), (parse_condition, print_condition)):
        try:
            tree: ast.Sentence | ast.Condition = read(scalar, LEXICON)
        except QcError as error:
            found = error.diagnostics
        else:
            assert show(tree, "zh")  # type: ignore[operator]
            assert show(tree, "en")  # type: ignore[operator]
            continue
        assert found
        for diagnostic in found:
            fine(diagnostic, len(text))


def fine(diagnostic: Diagnostic, length: int) -> None:
    assert diagnostic.span is not None
    assert 0 <= diagnostic.span.start < diagnostic.span.end
    assert diagnostic.span.start <= length
    assert render(diagnostic, "zh")
    assert render(diagnostic, "en")


def test_words_in_any_order_are_a_sentence_or_refused() -> None:
    @_settings
    @given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=12), st.booleans())
    def check(words: list[str], spaced: bool) -> None:
        checked((" " if spaced else "").join(words))

    check()


def test_every_beginning_of_a_sentence_is_refused_where_it_ends() -> None:
    @_settings
    @given(sentences, st.sampled_from(("zh", "en")), _place)
    def check(sentence: ast.Sentence, lang: str, place: float) -> None:
        text = print_sentence(sentence, lang)  # type: ignore[arg-type]
        checked(text[: 1 + int(place * len(text))])

    check()


def test_a_sentence_with_a_slip_is_read_or_refused() -> None:
    @_settings
    @given(sentences, _place, st.integers(0, 6), st.sampled_from(_WORDS))
    def check(sentence: ast.Sentence, place: float, gone: int, put: str) -> None:
        text = print_sentence(sentence)
        at = int(place * len(text))
        checked(text[:at] + put + text[at + gone :])

    check()


_BYTES = st.sampled_from(
    [word.encode("utf-8", "surrogatepass") for word in _WORDS[-40:]]
    + [
        b"\xff",
        b"\x00",
        b'"',
        b",",
        b"\n",
        b"\r",
        b"=",
        b";",
        b"[",
        b"]",
        b": ",
        b"- ",
        b"\xef\xbb\xbf",
    ]
)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_damaged_file_of_a_rulebook_is_read_or_refused_at_its_place(name: str) -> None:
    @settings(_settings, max_examples=120)
    @given(st.lists(st.tuples(_place, st.integers(0, 30), _BYTES), min_size=1, max_size=3))
    def check(edits: list[tuple[float, int, bytes]]) -> None:
        data = FILES[name]
        for place, gone, put in edits:
            at = int(place * len(data))
            data = data[:at] + put + data[at + gone :]
        for diagnostic in diagnosed(FILES | {name: data}):
            if diagnostic.span is None:
                assert diagnostic.place is not None
            else:
                fine(diagnostic, len(diagnostic.span.source.text))

    check()


def diagnosed(files: dict[str, bytes]) -> tuple[Diagnostic, ...]:
    def load(path: Path) -> bytes:
        if path.as_posix() not in files:
            raise FileNotFoundError(str(path))
        return files[path.as_posix()]

    try:
        text = files["main.yaml"].decode()
    except UnicodeDecodeError:
        return ()
    try:
        parse_rulebook(Source("main.yaml", text), load)
    except QcError as error:
        return error.diagnostics
    return ()


def test_the_undamaged_files_are_a_rulebook() -> None:
    assert diagnosed(FILES) == ()


def test_a_damaged_workbook_of_terms_is_refused() -> None:
    import io

    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.add_worksheet().write_row(0, 0, ["名称", "分组"])
    book.close()
    whole = out.getvalue()
    main = FILES["main.yaml"].replace(b".csv", b".xlsx")

    @settings(_settings, max_examples=80)
    @given(_place, st.integers(1, 200), st.binary(max_size=20))
    def check(place: float, gone: int, put: bytes) -> None:
        at = int(place * len(whole))
        data = whole[:at] + put + whole[at + gone :]
        diagnosed(FILES | {"main.yaml": main, "terms/antibacterials.xlsx": data})

    check()
