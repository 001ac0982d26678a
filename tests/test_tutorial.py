"""The tutorials are done from the first line to the last, each in an empty folder."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.qc import qc

DOCS = Path(__file__).parent.parent / "docs"
LANGS = {"tutorial.md": "zh", "tutorial.en.md": "en"}
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(page: str) -> Iterator[tuple[str, str, str]]:
    """The page's steps in order: ``write`` a file, or ``run`` a command that prints something."""
    for kind, name, body in _BLOCK.findall((DOCS / page).read_text("utf-8")):
        if kind == "csv":
            yield "write", name, body
        elif kind == "yaml":
            yield "write", re.match(r"# (\S+)\n", body)[1], body  # type: ignore[index]
        elif kind == "console":
            command, _, shown = body.partition("\n")
            yield "run", command.removeprefix("$ "), shown
        else:
            assert kind == "bash", kind
            yield from (("run", line, "") for line in body.splitlines())


@pytest.mark.parametrize("page", LANGS)
def test_every_step_of_the_tutorial_comes_out_as_shown(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QC_LANG", LANGS[page])
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    ran = 0
    for what, name, content in steps(page):
        if what == "write":
            (tmp_path / name).write_text(content, "utf-8")
            continue
        program, *words = shlex.split(name)
        assert program == "qc"
        done = qc(*words)
        wrong = re.search(r"错误\[QC|error\[QC", content) is not None
        assert (done.code, done.err) == (int(wrong), ""), (name, done.out)
        printed = "\n".join(line.rstrip() for line in done.out.splitlines())
        assert printed.strip()
        assert content in ("", printed + "\n"), name
        ran += 1
    assert ran >= 5


def test_the_short_page_has_no_command_that_the_long_one_has_not() -> None:
    long, short = (
        {content.split()[1] for what, content, _ in steps(page) if what == "run"} for page in LANGS
    )
    assert short <= long
