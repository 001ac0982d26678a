"""Folding in SQL gives what `qc_dsl.fold` gives, for every text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qc_dsl.fold import fold
from qc_runtime.tables.folding import (
    _BLANK,
    _COMMON,
    _LATIN_SIGNS,
    _SIGNS,
    add_fold,
    common_replaced,
    folded,
)

ALPHABET = _COMMON + _SIGNS + _LATIN_SIGNS + _BLANK + "ab1中文 .,`'\x1f\x0b\u200b\u3000Ａéμ²①\u0301"


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        add_fold(connection)
        yield connection


def in_sql(database: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> list[str]:
    database.execute("CREATE OR REPLACE TEMP TABLE t AS SELECT unnest(?) AS x", [list(texts)])
    query = f"SELECT {folded('y', 'x')} FROM (SELECT x, {common_replaced('x')} AS y FROM t)"
    return [text or "" for (text,) in database.sql(query).fetchall()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.text(), st.text(alphabet=ALPHABET)), min_size=1, max_size=60))
def test_sql_folds_as_python_does(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    texts = [text.replace("\0", "") for text in texts]
    assert in_sql(database, texts) == [fold(text) for text in texts]


@pytest.mark.parametrize("around", ["{}", "a{}b", "a {} 中 b c d ", " {0}{0} 1 2 3 4"])
def test_every_character_by_itself_and_among_letters_and_spaces(
    database: duckdb.DuckDBPyConnection, around: str
) -> None:
    points = [*range(1, 0xD800), *range(0xE000, 0x10000)]
    texts = [around.format(chr(point)) for point in points]
    assert in_sql(database, texts) == [fold(text) for text in texts]


def test_common_clinical_text_never_leaves_the_database(
    database: duckdb.DuckDBPyConnection,
) -> None:
    """The Python function is only a way out: everyday notes must not need it."""
    note = (
        "患者神志清，精神可：T 36.5 ℃，P 80次/分。予莫西沙星（0.4g，qd）；复查“血常规”、CT 1 次\n续"
    )
    with duckdb.connect(":memory:") as bare:
        bare.create_function("#fold", _refuse, ["VARCHAR"], "VARCHAR")  # type: ignore[list-item]
        assert in_sql(bare, [note]) == [fold(note)]


def _refuse(text: str) -> str:
    raise AssertionError(text)
