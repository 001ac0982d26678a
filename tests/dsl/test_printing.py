"""Reading what is printed gives the same tree, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from qc_dsl import ast
from qc_dsl.lang import Lang
from qc_dsl.printer import print_sentence
from qc_dsl.sentence import parse_sentence
from qc_dsl.yaml_reader import Scalar
from strategies import LEXICON, NOWHERE, sentences


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_parse_of_print_is_the_same_tree(lang: Lang) -> None:
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(sentences)
    def check(sentence: ast.Sentence) -> None:
        printed = print_sentence(sentence, lang)
        assert parse_sentence(Scalar(printed, NOWHERE), LEXICON) == sentence

    check()
