"""Reading what is printed gives the same tree: the whole language, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from qc_dsl import ast
from qc_dsl.lang import Lang
from qc_dsl.printer import print_condition, print_sentence
from qc_dsl.sentence import parse_condition, parse_sentence
from qc_dsl.yaml_reader import Scalar
from support.trees import LEXICON, NOWHERE, conditions, sentences

_settings = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_printed_sentence_is_read_as_the_same_tree(lang: Lang) -> None:
    @_settings
    @given(sentences)
    def check(sentence: ast.Sentence) -> None:
        printed = print_sentence(sentence, lang)
        assert parse_sentence(Scalar(printed, NOWHERE), LEXICON) == sentence

    check()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_printed_condition_is_read_as_the_same_tree(lang: Lang) -> None:
    @_settings
    @given(conditions)
    def check(condition: ast.Condition) -> None:
        printed = print_condition(condition, lang)
        assert parse_condition(Scalar(printed, NOWHERE), LEXICON) == condition

    check()


def test_printing_once_is_enough() -> None:
    """What is printed from what was read is the same text: the form is canonical."""

    @_settings
    @given(sentences)
    def check(sentence: ast.Sentence) -> None:
        printed = print_sentence(sentence)
        assert print_sentence(parse_sentence(Scalar(printed, NOWHERE), LEXICON)) == printed

    check()
