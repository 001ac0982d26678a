"""The parser that is kept between commands: never in the way, never of another grammar."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qc_dsl.folders import parser_file
from qc_dsl.sentence import _parser


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("QC_CACHE", str(tmp_path))
    _parser.cache_clear()
    yield tmp_path
    _parser.cache_clear()


def kept() -> Path:
    _parser()
    _parser.cache_clear()
    file = parser_file()
    assert file is not None
    return file


def accepts() -> set[str]:
    return set(_parser().parse_interactive(start="sentence").accepts())


def test_a_kept_parser_accepts_what_a_new_one_does(own_folder: Path) -> None:
    new = accepts()
    before = kept().stat().st_mtime_ns
    assert accepts() == new
    assert kept().stat().st_mtime_ns == before, "it was built anew"
    assert (own_folder / "parser").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("left", [0, 10, 70, 3000])
def test_a_torn_file_is_built_anew(left: int) -> None:
    new = accepts()
    whole = kept().read_bytes()
    kept().write_bytes(whole[:left])
    assert accepts() == new
    assert len(kept().read_bytes()) > len(whole) // 2


def test_what_was_kept_for_another_grammar_is_not_used() -> None:
    new = accepts()
    first, rest = kept().read_bytes().split(b"\n", 1)
    kept().write_bytes(b"0" * len(first) + b"\n" + rest)
    assert accepts() == new
    assert kept().read_bytes().startswith(first)


def test_without_a_folder_to_keep_it_the_parser_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QC_CACHE", os.devnull)
    assert parser_file() is None
    assert accepts()
