"""Every diagnostic is documented, and its examples are what they say they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qc_compiler.analyse import analyse
from qc_compiler.pipeline import compile_rulebook
from qc_dsl.codes import Example, codes, read_page
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.reader import parse_rulebook
from qc_dsl.shapes import PartShape, RulebookShape
from qc_dsl.source import Source
from support.qc import qc

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
SAMPLES = dict(
    re.findall(r"^```yaml sample-(zh|en)\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
)
OPENINGS = {"zh": "规则:\n  例: |\n    ", "en": "rules:\n  example: |\n    "}
NOT_TRIED = {"QC001", "QC022", "QC304", "QC309"}  # what no text of a rulebook shows


def files_of(example: Example) -> dict[str, str]:
    """The files that an example stands for; ``main.yaml`` is the rulebook."""
    files = {"main.yaml": example.body}
    if example.kind == "files":
        _, *parts = re.split(r"^=== (.+)$\n", example.body, flags=re.MULTILINE)
        files = dict(zip(parts[::2], parts[1::2], strict=True))
    if example.kind == "qc":
        files["main.yaml"] = OPENINGS[example.lang] + example.body
    if example.kind != "whole":
        files["main.yaml"] = _over(SAMPLES[example.lang], files["main.yaml"])
    return files


def _over(sample: str, own: str) -> str:
    """The sample with keys in the place of its own; new fields leave its phrases behind."""
    keys = set(re.findall(r"^([^\s:#]+):", own, re.MULTILINE))
    keys |= {"说法", "phrases"} if keys & {"字段", "fields"} else set()
    parts = re.split(r"^(?=\S)", sample, flags=re.MULTILINE)
    return "".join(part for part in parts if part.split(":")[0] not in keys) + own


def found_in(example: Example) -> tuple[Diagnostic, ...]:
    files = files_of(example)

    def load(path: Path) -> bytes:
        if path.as_posix() not in files:
            raise FileNotFoundError(path)
        return files[path.as_posix()].encode()

    try:
        rulebook = parse_rulebook(Source("main.yaml", files["main.yaml"]), load)
        return analyse(compile_rulebook(rulebook), rulebook)
    except QcError as error:
        return error.diagnostics


OF_RULEBOOKS = [code for code in codes() if code < "QC4" and code not in NOT_TRIED]


@pytest.mark.parametrize("code", OF_RULEBOOKS)
def test_the_bad_example_gives_the_code_and_the_good_one_no_error(code: str) -> None:
    for lang in ("zh", "en"):
        bad, good = codes()[code].examples_in(lang)  # type: ignore[arg-type]
        assert (bad.good, good.good) == (False, True)
        said = {d.code: d.severity for d in found_in(bad)}
        assert code in said, f"{lang}: {said}"
        assert (said[code] == "warning") is codes()[code].warning
        after = {d.code: d.severity for d in found_in(good)}
        assert code not in after, lang
        assert "error" not in after.values(), f"{lang}: {after}"


@pytest.mark.parametrize("code", [code for code in codes() if code >= "QC4"])
def test_other_codes_show_what_to_do(code: str) -> None:
    """Of data, models and runs; those that have examples have them whole, in both languages."""
    examples = codes()[code].examples
    assert len(examples) in (0, 4)
    assert len({(e.lang, e.good) for e in examples}) == len(examples)


def test_most_codes_of_data_models_and_runs_have_examples() -> None:
    without = [code for code, doc in codes().items() if not doc.examples]
    assert len(without) < len(codes()) // 10, without


def test_every_example_belongs_to_a_code_of_the_table() -> None:
    text = PAGE.read_text("utf-8")
    headed = re.findall(r"^### (QC\d{3})$", text, re.MULTILINE)
    assert len(headed) == len(set(headed))
    assert set(headed) <= set(codes())
    assert len(re.findall(r"^```\w+-(?:bad|good) (?:zh|en)$", text, re.MULTILINE)) == sum(
        len(doc.examples) for doc in codes().values()
    )


def test_the_page_is_read_as_it_is_written() -> None:
    page = "| QC999 | （警告）甲\\|乙 | (warning) a |\n\n### QC999\n\n```qc-bad zh\n坏\n```\n"
    (doc,) = read_page(page).values()
    assert (doc.meaning.zh, doc.meaning.en, doc.warning) == ("甲|乙", "a", True)
    assert doc.examples_in("zh")[0].body == "坏\n"
    assert doc.examples_in("en") == ()


def test_qc_rule_prints_the_page(lang: str) -> None:
    ran = qc("rule", "qc306")
    doc = codes()["QC306"]
    assert ran.code == 0
    assert doc.meaning.in_(lang) in ran.out  # type: ignore[arg-type]
    for example in doc.examples_in(lang):  # type: ignore[arg-type]
        for line in example.body.splitlines():
            assert f"    {line}" in ran.out
    assert ("# qc: 允许 QC306" if lang == "zh" else "# qc: allow QC306") in ran.out


def test_qc_rule_lists_all_codes_and_knows_no_others(lang: str) -> None:
    ran = qc("rule")
    assert [line.split()[0] for line in ran.out.splitlines()] == list(codes())
    wrong = qc("rule", "QC199")
    assert (wrong.code, wrong.out) == (2, "")
    assert "QC611" in wrong.err


def test_sections_of_the_samples_are_keys_of_a_rulebook() -> None:
    known = {
        str(choice)
        for shape in (RulebookShape, PartShape)
        for field in shape.model_fields.values()
        for choice in field.validation_alias.choices  # type: ignore[union-attr]
    }
    for sample in SAMPLES.values():
        assert set(re.findall(r"^(\S+?):", sample, re.MULTILINE)) <= known
