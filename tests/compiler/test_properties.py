"""Folding, quoting back from folded text, and witnesses: held for whatever is drawn."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from qc_compiler.interpret import evaluate
from qc_compiler.ir import Expr
from qc_compiler.quote import find_quote
from qc_compiler.values import split_list
from qc_compiler.witness import find_record
from qc_dsl.fold import fold
from strategies import FIELDS, expressions, words

_MANY = settings(max_examples=400, deadline=None, derandomize=True)
_FEW = settings(max_examples=150, deadline=None, derandomize=True)
_any_text = st.one_of(words, st.text(max_size=20), st.lists(words, max_size=6).map(" ".join))


@_MANY
@given(_any_text)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@_MANY
@given(_any_text)
def test_folded_text_is_in_normal_form_and_printable(text: str) -> None:
    folded = fold(text)
    assert unicodedata.is_normalized("NFKC", folded)
    assert folded == folded.strip()
    assert not any(unicodedata.category(ch) in {"Cc", "Cf"} for ch in folded)


@_MANY
@given(_any_text, st.sampled_from(("\u200b", "\ufeff", "\u00ad", "\u2060")), st.data())
def test_what_cannot_be_seen_changes_nothing(text: str, unseen: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    plain = unicodedata.normalize("NFC", text)  # an unseen mark may part an accent from its letter
    if unicodedata.normalize("NFC", text[:at]) + unicodedata.normalize("NFC", text[at:]) == plain:
        assert fold(text[:at] + unseen + text[at:]) == fold(text)


@_MANY
@given(st.lists(words, min_size=1, max_size=6), st.data())
def test_a_quote_is_a_piece_of_the_record_that_folds_to_what_was_found(
    pieces: list[str], data: st.DataObject
) -> None:
    raw = "".join(pieces)
    folded = fold(raw)
    begin = data.draw(st.integers(0, max(0, len(folded) - 1)))
    needle = folded[begin : data.draw(st.integers(begin + 1, max(begin + 1, len(folded))))]
    found = find_quote(raw, needle)
    assert found == needle or (found in raw and fold(found) == needle)


def test_quotes_keep_the_records_own_writing() -> None:
    raw = "行ＣＴ（ 平扫 ）检查，未见 痔\u200b切除 术后改变"
    assert find_quote(raw, "CT(平扫)") == "ＣＴ（ 平扫 ）"
    assert find_quote(raw, "痔切除术") == "痔\u200b切除 术"
    assert find_quote(raw, "没有的") == "没有的"


def test_quotes_are_found_far_into_a_long_record() -> None:
    long = "病程记录，" * 40_000 + "ＣＴ 检查" + "，无殊" * 1000
    assert find_quote(long, "CT检查") == "ＣＴ 检查"
    assert find_quote("e\u0301tude", "étude") == "e\u0301tude"


@_FEW
@given(expressions)
def test_a_witness_satisfies_what_it_is_a_witness_of(expr: Expr) -> None:
    record = find_record(expr, FIELDS)
    if record is not None:
        assert evaluate(expr, record) is True
        assert set(record) == {field.name for field in FIELDS}


def test_a_witness_is_found_for_most_of_what_can_be_true() -> None:
    """The search is incomplete by design; a search that found nothing would be useless."""
    drawn: list[Expr] = []

    @_FEW
    @given(expressions)
    def collect(expr: Expr) -> None:
        drawn.append(expr)

    collect()
    found = sum(find_record(expr, FIELDS) is not None for expr in drawn)
    assert found >= 0.6 * len(drawn)


@_MANY
@given(st.lists(words, max_size=4), st.sampled_from(("+", "＋", ";", "；", "、", " + ")))
def test_items_of_a_list_are_folded_and_never_empty(pieces: list[str], separator: str) -> None:
    found = split_list(separator.join(pieces), separator)
    assert all(item and fold(item) == item for item in found)
