"""What may come next in a sentence, what its words mean, and trees that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from qc_dsl import ast
from qc_dsl.expected import expected, open_quote, words_of
from qc_dsl.keyword_help import HELP
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lexicon import Lexicon
from qc_dsl.sentence import Start, parse_sentence
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Scalar

LEXICON = Lexicon(
    ("主诉", "主诉时长", "年龄"),
    ("外伤词",),
    ("是外科",),
    ("合格", "缺陷"),
    (("医嘱", ("药品", "时间")),),
)
_SENTENCES = {
    "": {"IF", "WHEN", "EACH", "MUST"},
    "当 ": {"FIELD", "PHRASE", "NOT", "EXISTS"},
    "当 主诉 ": {"CONTAINS", "IS_BLANK", "MENTIONS"},
    "当 主诉 包含 ": {"STRING", "TERM", "FIELD"},
    "每条 ": {"TABLE"},
    "当 主诉 为空 即视为 ": {"VERDICT", "STRING"},
    "须 主诉 不为空，否则 ": {"DEFECT"},
    "须 主诉 不为空，否则 缺陷 “没有” ": {"POINTS", "$END"},
    "当 还没有的字段 ": {"CONTAINS", "IS_BLANK"},
}


@pytest.mark.parametrize(("text", "kinds"), _SENTENCES.items())
def test_what_may_come_next(text: str, kinds: set[str]) -> None:
    (place,) = expected(text, LEXICON, "sentence")
    assert kinds <= place.kinds
    assert place.start == len(text)


def test_a_word_in_the_making_may_become_another() -> None:
    instead, after = expected("当 主诉", LEXICON, "sentence")
    assert (instead.start, after.start) == (2, 4)
    assert "FIELD" in instead.kinds
    assert "CONTAINS" in after.kinds
    (unfinished,) = expected("当 主", LEXICON, "sentence")
    assert (unfinished.start, "FIELD" in unfinished.kinds) == (2, True)


@pytest.mark.parametrize("text", ["当 主诉 包含 “咳", "当 当 当 ", "） 主诉 "])
def test_nothing_is_expected_in_a_quote_or_after_nonsense(text: str) -> None:
    assert expected(text, LEXICON, "sentence") == ()


def test_conditions_begin_otherwise_than_sentences() -> None:
    starts: dict[Start, bool] = {"sentence": True, "lone_condition": False}
    for start, has_when in starts.items():
        (place,) = expected("", LEXICON, start)
        assert ("WHEN" in place.kinds) is has_when
        assert ("FIELD" in place.kinds) is not has_when


def test_words_before_an_open_quote_are_still_words() -> None:
    assert open_quote("当 主诉 包含 “咳") == 8
    assert [word.type for word in words_of("当 主诉 包含 “咳", LEXICON)] == [
        "WHEN",
        "FIELD",
        "CONTAINS",
    ]


def test_every_word_of_the_language_has_its_help_and_an_example_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text("utf-8")
    assert set(HELP) == set(KEYWORDS)
    assert [name for name, help_ in HELP.items() if help_.example not in page] == []
    for name, help_ in HELP.items():
        assert any(form in help_.example for form in KEYWORDS[name].forms), name
        assert help_.meaning.zh
        assert help_.meaning.en


def _scalar(text: str, margin: int) -> Scalar:
    source = Source("a.yaml", " " * margin + text)
    return Scalar(
        text,
        Span(source, margin, margin + len(text)),
        None,
        tuple(range(margin, margin + len(text))),
    )


def test_a_sentence_read_before_has_the_places_of_where_it_stands_now() -> None:
    text = "当 主诉 为空 即视为 缺陷"
    first, second = (parse_sentence(_scalar(text, margin), LEXICON) for margin in (0, 7))
    assert isinstance(first, ast.Equivalence)
    assert isinstance(second, ast.Equivalence)
    assert first == second
    assert (first.condition.span.start, second.condition.span.start) == (2, 9)
    assert first.condition.span.source is not second.condition.span.source
