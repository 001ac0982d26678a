"""The documentation is true: its examples compile, its tables are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer

from qc_compiler.analyse import analyse
from qc_compiler.interpret import Truth, kleene_and, kleene_not, kleene_or
from qc_compiler.pipeline import compile_rulebook
from qc_dsl import ast
from qc_dsl.errors import QcError
from qc_dsl.keywords import KEYWORDS
from qc_dsl.reader import parse_rulebook
from qc_dsl.source import Source
from qc_runtime.cli import app
from qc_runtime.outcome import Outcome, Status, Usage
from qc_runtime.report.jsonl import as_json
from support.qc import qc

ROOT = Path(__file__).parent.parent
LANGUAGE = ROOT / "docs" / "language.md"
_BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPENINGS = (
    "如果", "若", "凡", "当", "每条", "须", "应", "不得", "if ", "when ", "each ", "must ",
)  # fmt: skip


def blocks(path: Path, kind: str) -> list[tuple[str, str]]:
    """The fenced blocks of a kind in a page, each with the word after its kind."""
    found = _BLOCK.findall(path.read_text("utf-8"))
    return [(word, body) for name, word, body in found if name == kind]


def codes_of(text: str) -> set[str]:
    """The codes that ``qc check`` gives for a rulebook's text."""
    try:
        rulebook = parse_rulebook(Source("page.yaml", text))
        return {d.code for d in analyse(compile_rulebook(rulebook), rulebook)}
    except QcError as error:
        return {diagnostic.code for diagnostic in error.diagnostics}


@cache
def _sample() -> str:
    """The page's sample rulebook, up to its rules."""
    (text,) = (b for _, b in blocks(LANGUAGE, "yaml") if b.startswith("# sample.yaml\n"))
    return text.partition("规则:\n")[0]


def line_codes(line: str, as_sentence: bool) -> list[str]:
    """The codes of one sentence or condition of the page, in the sample rulebook."""
    placed = f"规则:\n  例句: |\n    {line}\n"
    if not as_sentence:
        placed = f"规则:\n  例句: |\n    须 ({line})，否则 缺陷 “例句”\n"
    try:
        compile_rulebook(parse_rulebook(Source("sample.yaml", f"{_sample()}{placed}其余: 缺陷\n")))
    except QcError as error:
        return [diagnostic.code for diagnostic in error.diagnostics]
    return []


def _lines(kind: str) -> list[str]:
    return [
        line
        for _, body in blocks(LANGUAGE, kind)
        for line in body.splitlines()
        if line and not line.startswith("#")
    ]


@pytest.mark.parametrize("text", [body for _, body in blocks(LANGUAGE, "yaml")])
def test_every_rulebook_of_the_language_page_is_free_of_errors(text: str) -> None:
    rulebook = parse_rulebook(Source("page.yaml", text))
    found = analyse(compile_rulebook(rulebook), rulebook)
    assert [d for d in found if d.severity == "error"] == []


@pytest.mark.parametrize("text", [body for _, body in blocks(LANGUAGE, "yaml") if "测试:" in body])
def test_the_tests_inside_those_rulebooks_hold(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path))
    (tmp_path / "page.yaml").write_text(text, "utf-8")
    ran = qc("test", tmp_path / "page.yaml", "--no-model")
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert "失败 0，未运行 0" in ran.out


def _files(body: str) -> dict[str, str]:
    """The files of a block: each begins with a line ``=== name``."""
    parts = re.split(r"^=== (.+)$\n", body, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _several(body: str) -> set[str]:
    files = _files(body)

    def load(path: Path) -> bytes:
        if path.as_posix() not in files:
            raise FileNotFoundError(path)
        return files[path.as_posix()].encode()

    try:
        compile_rulebook(parse_rulebook(Source("main.yaml", files["main.yaml"]), load))
    except QcError as error:
        return {diagnostic.code for diagnostic in error.diagnostics}
    return set()


@pytest.mark.parametrize("body", [body for _, body in blocks(LANGUAGE, "files")])
def test_every_rulebook_of_several_files_is_free_of_errors(body: str) -> None:
    assert len(_files(body)) > 1
    assert _several(body) == set()


@pytest.mark.parametrize("body", [b for _, b in blocks(LANGUAGE, "files") if "测试文件:" in b])
def test_the_tests_in_files_of_the_page_hold(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path))
    for name, text in _files(body).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    ran = qc("test", tmp_path / "main.yaml", "--no-model")
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert "通过 4，失败 0，未运行 0，待办 1" in ran.out


@pytest.mark.parametrize(("code", "body"), blocks(LANGUAGE, "files-error"))
def test_every_bad_rulebook_of_several_files_gives_its_error(code: str, body: str) -> None:
    assert _several(body) == {code}


@pytest.mark.parametrize(("code", "text"), blocks(LANGUAGE, "yaml-error"))
def test_every_bad_rulebook_of_the_page_gives_the_error_it_shows(code: str, text: str) -> None:
    assert codes_of(text) == {code}


@pytest.mark.parametrize("line", _lines("qc"))
def test_every_sentence_of_the_page_is_one(line: str) -> None:
    assert line_codes(line, line.startswith(_OPENINGS)) == []


@pytest.mark.parametrize("line", _lines("qc-error"))
def test_every_mistake_of_the_page_gives_the_error_it_shows(line: str) -> None:
    sentence, _, code = line.partition("#")
    assert line_codes(sentence.rstrip(), as_sentence=True) == [code.strip()]


def test_the_page_has_examples_of_every_kind() -> None:
    counts = {kind: len(_lines(kind)) for kind in ("yaml", "qc", "qc-error", "yaml-error")}
    assert min(counts.values()) > 5
    page = LANGUAGE.read_text("utf-8")
    shown = " ".join(_lines("qc"))
    for name in ast.Op:
        assert any(form in shown for form in KEYWORDS[name].zh), f"no example of {name}"
    assert len(_BLOCK.findall(page)) == page.count("\n```") // 2  # none is left unread


def test_equal_sentences_of_the_page_are_equal() -> None:
    (body,) = (b for _, b in blocks(LANGUAGE, "qc") if "⇒" in b or "=>" in b)
    lines = [f"  例{n}: |\n    {line}\n" for n, line in enumerate(body.splitlines())]
    text = f"{_sample()}规则:\n{''.join(lines)}其余: 缺陷\n"
    rules = parse_rulebook(Source("sample.yaml", text)).rules
    assert len(rules) == 4
    assert all(rule.sentence == rules[0].sentence for rule in rules)


def _rows(path: Path) -> list[list[str]]:
    """The cells of every table row of a page."""
    lines = path.read_text("utf-8").splitlines()
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if line.startswith("|")
    ]


def test_the_table_of_words_is_that_of_the_language() -> None:
    pairs = [tuple(re.findall(r"`([^`]+)`", cell) for cell in row[:2]) for row in _rows(LANGUAGE)]
    wanted = [(list(word.zh), list(word.en)) for word in KEYWORDS.values()]
    written = [pair for pair in pairs if len(pair) == 2 and pair in wanted]
    assert written == wanted
    start = pairs.index(wanted[0])
    assert pairs[start : start + len(wanted)] == wanted  # and no other row among them


_TRUTH: dict[str, Truth] = {"真": True, "假": False, "未知": None}


def test_the_truth_tables_are_those_of_the_interpreter() -> None:
    rows = [row for row in _rows(LANGUAGE) if row and all(cell in _TRUTH for cell in row)]
    binary = {(_TRUTH[r[0]], _TRUTH[r[1]]): r[2:] for r in rows if len(r) == 4}
    assert set(binary) == set(product((True, False, None), repeat=2))
    for (a, b), (both, either) in binary.items():
        assert (_TRUTH[both], _TRUTH[either]) == (kleene_and([a, b]), kleene_or([a, b]))
    unary = {_TRUTH[r[0]]: _TRUTH[r[1]] for r in rows if len(r) == 2}
    assert unary == {truth: kleene_not(truth) for truth in (True, False, None)}


# docs/errors.md


def test_the_table_of_codes_is_that_of_the_source() -> None:
    source = "\n".join(
        path.read_text("utf-8")
        for package in ("dsl", "compiler", "runtime")
        for path in (ROOT / package).rglob("*.py")
    )
    used = sorted(set(re.findall(r'"(QC\d{3})"', source)))
    listed = [row[0] for row in _rows(ROOT / "docs" / "errors.md") if re.match(r"QC\d", row[0])]
    assert [code for code in listed if not code.endswith("xx")] == used


# docs/cli.md


def _commands(group: Any, name: str = "qc") -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def _sections(path: Path) -> dict[str, str]:
    """The text under each second-level heading."""
    parts = re.split(r"^## (.+)$", path.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


_CLI = ROOT / "docs" / "cli.md"
_COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", _COMMANDS)
def test_the_page_of_commands_has_every_option(name: str) -> None:
    sections = _sections(_CLI)
    text = next(body for heading, body in sections.items() if name.startswith(heading))
    assert name in text or name in sections
    options = {
        option
        for parameter in _COMMANDS[name].params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    }
    assert {option for option in options if f"`{option}`" not in text} == set()


def test_the_page_of_commands_has_no_option_that_is_not_there() -> None:
    known = {
        option
        for command in _COMMANDS.values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert set(re.findall(r"`(--[a-z-]+)`", _CLI.read_text("utf-8"))) - known == {"--help"}


def test_the_page_of_commands_has_every_environment_variable() -> None:
    read = re.compile(r'environ(?:\.get\(|\.setdefault\(|\[)"([A-Z_]+)"')
    files = (file for part in ("dsl", "runtime") for file in (ROOT / part).rglob("*.py"))
    source = "\n".join(file.read_text("utf-8") for file in files)
    by_table = re.findall(r'"([A-Z_]+_(?:ENDPOINT|KEY))"', source)
    names = {*read.findall(source), *by_table}
    text = _sections(_CLI)["共同的约定 / What they share"]
    assert {name for name in names if f"`{name}`" not in text} == set()
    assert {"QC_LANG", "QC_MODEL", "QC_CACHE", "HF_TOKEN", "QC_ENDPOINT_KEY"} <= names


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ("outcomes.jsonl", set(as_json(Outcome("1", Status.PENDING)))),
        ("summary.json", {"requests", *(field.name for field in fields(Usage))}),
    ],
)
def test_the_page_of_commands_names_every_key_of_the_results(shape: str, names: set[str]) -> None:
    text = _sections(_CLI)["qc run"]
    assert shape in text
    assert {name for name in names if f"`{name}`" not in text} == set()


# Links and the packages' own pages

_PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    + [ROOT / package / "README.md" for package in ("dsl", "compiler", "runtime")]
)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("package", ["dsl", "compiler", "runtime"])
def test_a_package_page_lists_exactly_its_files(package: str) -> None:
    folder = ROOT / package / f"qc_{package}"
    there = {
        path.relative_to(folder).as_posix()
        for kind in ("*.py", "*.lark")
        for path in folder.rglob(kind)
    }
    rows = [row for row in _rows(ROOT / package / "README.md") if row[0].startswith("`")]
    assert sorted(row[0].strip("`") for row in rows) == sorted(there)
    assert all(row[1] for row in rows)
