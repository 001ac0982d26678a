"""Every mistake an author can make ends in a message at its place, and harms nothing.

Each ``tests/cases/bad/NAME.yaml`` has what ``qc check`` prints about it beside it, in Chinese
(``NAME.txt``) and in English (``NAME.en.txt``). After a change of wording: run
``pytest tests/dsl/test_bad_rulebooks.py --update-golden`` and read the difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from qc_dsl.errors import Diagnostic, QcError
from qc_runtime.cli.check import diagnose
from support.qc import qc

BAD = Path(__file__).parents[1] / "cases" / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))
Golden = Callable[[Path, str], None]


@lru_cache
def found(name: str) -> tuple[Diagnostic, ...]:
    return diagnose(BAD / f"{name}.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_check_says_what_is_wrong_and_where(
    name: str, lang: str, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BAD)
    ran = qc("check", f"{name}.yaml")
    assert (ran.code, ran.err) == (1, "")
    golden(BAD / (f"{name}.txt" if lang == "zh" else f"{name}.en.txt"), ran.out)


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_has_a_place_that_exists(name: str) -> None:
    assert any(diagnostic.severity == "error" for diagnostic in found(name))
    for diagnostic in found(name):
        assert re.fullmatch(r"QC\d{3}", diagnostic.code)
        assert diagnostic.message.zh.strip()
        assert diagnostic.message.en.strip()
        if diagnostic.span is None:
            assert diagnostic.place is not None
            assert re.search(r":\d+:\d+$", diagnostic.place.zh)
        else:
            text = diagnostic.span.source.text
            assert 0 <= diagnostic.span.start < diagnostic.span.end <= max(1, len(text))


@pytest.mark.parametrize("name", NAMES)
def test_mistakes_come_in_the_order_of_the_file(name: str) -> None:
    errors = [d for d in found(name) if d.severity == "error" and d.span]
    spans = [d.span for d in errors if d.span]
    files = list(dict.fromkeys(span.source.path for span in spans))
    places = [(files.index(span.source.path), span.start) for span in spans]
    assert places == sorted(places)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_rulebook_runs_nothing_and_writes_nothing(
    name: str, chinese: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    data = BAD.parents[2] / "examples" / "surgery" / "records.csv"
    ran = qc("run", BAD / f"{name}.yaml", "--data", data, "--no-model")
    assert ran.code == 2
    assert ran.out == ""
    assert "[QC" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("chinese")
def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * 10_000_000)
    ran = qc("check", large)
    assert ran.code == 1
    assert "10,000,002" in ran.out
    assert "QC001" in ran.out


@pytest.mark.usefixtures("chinese")
def test_a_large_rulebook_within_the_limit_is_checked(tmp_path: Path) -> None:
    """Two thousand sentences are no reason to be slow or to stop at the first mistake."""
    head = (BAD / "misspelt_field.yaml").read_text("utf-8").split("规则:")[0]
    sentence = "  规则{}: 当 术前术试 为 “手术{}” 即视为 匹配\n"
    rules = "".join(sentence.format(n, n) for n in range(500))
    path = tmp_path / "many.yaml"
    path.write_text(f"{head}规则:\n{rules}其余: 不匹配\n", "utf-8")
    assert len(diagnose(path)) == 500


@pytest.mark.usefixtures("chinese")
def test_several_files_are_all_checked() -> None:
    ran = qc("check", BAD / "empty.yaml", BAD / "misspelt_field.yaml")
    assert ran.code == 1
    assert "QC002" in ran.out
    assert "QC101" in ran.out


@pytest.mark.usefixtures("chinese")
def test_a_missing_file_is_said() -> None:
    ran = qc("check", BAD / "nothing_here.yaml")
    assert ran.code == 1
    assert "QC001" in ran.out


def test_carets_stand_under_what_they_mean() -> None:
    """By offsets, since no golden file can be read by a machine: the marked text itself."""
    marked = {
        "literal_block": ["手术纪录", "匹陪"],
        "plain_over_lines": ["手术纪录"],
        "crlf": ["术前术试", "手术纪录"],
        "wide_before_caret": ["术前术试", "术前术试"],
        "quoted_yaml_scalars": ["术前术试", "匹陪", "匹陪", "''疮''"],
        "very_long_line": ["手术纪录"],
        "misspelt_field_unspaced": ["术前术试", "手术纪录"],
        "bom": ["规侧集", "术前术试"],
        "anchors": ["&a"],
        "yaml_quote_left_open": ["'"],
    }
    for name, wanted in marked.items():
        assert [d.span.text for d in found(name) if d.span] == wanted, name


def test_an_error_names_all_of_its_mistakes() -> None:
    from qc_compiler.pipeline import compile_file

    with pytest.raises(QcError) as raised:
        compile_file(BAD / "several_bad_sentences.yaml")
    codes = [d.code for d in raised.value.diagnostics]
    assert codes == ["QC101", "QC104", "QC109", "QC102", "QC105"]
