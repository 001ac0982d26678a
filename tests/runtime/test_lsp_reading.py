"""What the language server reads of a text, without the protocol around it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from qc_dsl.errors import Diagnostic
from qc_dsl.files import read_included, read_source
from qc_dsl.source import Source
from qc_runtime.cli import lsp as command
from qc_runtime.cli.check import diagnose
from qc_runtime.lsp.context import context_at
from qc_runtime.lsp.reading import Reading, StaleError, deepened, is_root, read
from qc_runtime.lsp.texts import offset_of, position_of, source_of
from support.qc import qc

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "tests/cases/bad").glob("*.yaml"), *(ROOT / "rulebooks").glob("*.yaml")])


def _read(source: Source) -> Reading:
    reading = read(source, read_included, lambda: None, None)
    return deepened(reading, lambda: None)


def _seen(found: tuple[Diagnostic, ...]) -> Counter[tuple[str, str, str]]:
    return Counter((d.code, str(d.span), d.message.zh) for d in found)


def test_an_editor_shows_what_qc_check_says() -> None:
    compared = 0
    for path in FILES[::8]:  # every one takes a while, and is much like the others
        try:
            source = read_source(path)
        except Exception:
            continue  # no text to be edited
        if is_root(source):
            reading = _read(source)
            said = diagnose(path)
            assert set(_seen((*reading.found, *reading.meant))) == set(_seen(said)), path.name
            compared += 1
    assert compared > 8


def test_reading_stops_when_the_text_is_not_the_newest_any_more() -> None:
    source = read_source(ROOT / "rulebooks/surgery_consistency.yaml")
    left = [5]

    def watch() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StaleError

    with pytest.raises(StaleError):
        read(source, read_included, watch, None)


def test_what_was_known_stays_known_while_the_text_is_torn() -> None:
    path = ROOT / "rulebooks/surgery_pairing.yaml"
    whole = _read(read_source(path))
    torn = Source(str(path), whole.source.text.replace("字段:", "字段: {", 1))
    after = read(torn, read_included, lambda: None, whole)
    assert [d.code[:3] for d in after.found] == ["QC0"]
    assert after.lexicon == whole.lexicon
    assert after.program == whole.program


_MARKED = {
    "规则:\n  甲: 当 主诉‸": (("规则", "甲"), "sentence"),
    "规则:\n  甲: |\n    当 主诉 为空\n    → ‸": (("规则", "甲"), "sentence"),
    "规则:\n  甲:\n    句: |\n      当 ‸": (("规则", "甲", "句"), "sentence"),
    "规则:\n  甲:\n    除外:\n      乙: 主诉 ‸": (("规则", "甲", "除外", "乙"), "lone_condition"),
    "规则: {甲: 当 ‸": (("规则", "甲"), "sentence"),
    "说法:\n  是: 主诉 ‸\n规则:\n  乙: 当": (("说法", "是"), "lone_condition"),
    "适用: 如果 ‸": (("适用",), "sentence"),
    "字段:\n  主诉: {类型: ‸": (("字段", "主诉", "类型"), None),
    "字段:\n  主诉:\n    ‸": (("字段", "主诉"), None),
    "测试:\n  - 主诉: 咳\n    医嘱: [{药品: 甲}, {‸": (("测试", "-", "医嘱", "-"), None),
    "引用: [a.yaml, ‸": (("引用",), None),
    "‸": ((), None),
}


@pytest.mark.parametrize(("marked", "wanted"), _MARKED.items())
def test_where_a_place_is(marked: str, wanted: tuple[tuple[str, ...], str | None]) -> None:
    context = context_at(marked.replace("‸", ""), marked.index("‸"))
    assert (context.path, context.start) == wanted


def test_every_place_of_every_file_has_a_context() -> None:
    for path in FILES[::7]:
        text = path.read_bytes().decode("utf-8", "replace")[:1500]
        for offset in range(0, len(text), 11):
            for sentences_only in (False, True):
                assert context_at(text, offset, sentences_only=sentences_only).begin <= offset


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_positions_lead_back_to_their_offsets(encoding: str) -> None:
    source = source_of("a", "甲😀e\u0301Ａ\r\nb𠮷\rc\n\n末")
    for offset in range(len(source.text) + 1):
        place = position_of(source, offset, encoding)
        assert offset_of(source, place, encoding) == offset
    assert (
        position_of(source, 2, encoding).character
        == {"utf-8": 7, "utf-16": 3, "utf-32": 2}[encoding]
    )


def test_without_its_library_the_server_says_what_to_install(
    chinese: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    ran = qc("lsp")
    assert (ran.code, ran.out) == (2, "")
    assert "qc-rulebook[lsp]" in ran.err
