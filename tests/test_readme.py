"""Every command of the READMEs is run; what they show is what comes out.

``make`` and ``pip`` lines are held against the Makefile and pyproject.toml instead of run. The
commands that need the model get few records, in a copy of the repository's files.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.qc import Ran, qc, qc_process
from support.surgery import PRINTED, is_demo

ROOT = Path(__file__).parent.parent
LANGS = {"README.md": "zh", "README.en.md": "en"}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\w+\.yaml)\n")
FEW = str(PRINTED)  # records for the commands that ask the model


def _blocks(page: str, *kinds: str) -> list[str]:
    found = _BLOCK.findall((ROOT / page).read_text("utf-8"))
    return [body for kind, body in found if kind in kinds]


def commands(page: str) -> list[str]:
    """The command lines of a page, in order."""
    plain = [line for body in _blocks(page, "bash") for line in body.splitlines()]
    shown = [line for body in _blocks(page, "console") for line in body.splitlines()]
    return [line for line in plain if line] + [line[2:] for line in shown if line[:2] == "$ "]


def _own_files(page: str) -> list[str]:
    """The files that a page tells its reader to write."""
    return [found[1] for body in _blocks(page, "yaml") if (found := _FILE.match(body))]


def _qc_lines() -> list[tuple[str, str]]:
    """Every ``qc`` line once, and again in English those about the page's own files."""
    chinese = [("README.md", line) for line in commands("README.md")]
    english = [("README.en.md", line) for line in commands("README.en.md")]
    own = _own_files("README.en.md")
    lines = chinese + [pair for pair in english if any(name in pair[1] for name in own)]
    return [(page, line) for page, line in lines if line.startswith("qc ")]


@pytest.fixture(scope="module", params=LANGS)
def page(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def cache(demo_model: Path, surgery_asked: Path) -> Path:
    """A cache in which the demo model is already, so that nothing is fetched.

    What it answers is there too, from one real run: each command would take a minute over it.
    """
    if not is_demo(demo_model):
        pytest.skip("the README is about the demo model, and QC_TEST_MODEL names another")
    return surgery_asked / "cache"


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each page, a folder with the repository's files and those of the page."""
    return {page: _copy(tmp_path_factory.mktemp("copy"), page) for page in LANGS}


def _copy(folder: Path, page: str) -> Path:
    for name in ("rulebooks", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    for body in _blocks(page, "yaml"):
        if found := _FILE.match(body):
            (folder / found[1]).write_text(body, "utf-8")
    return folder


class _Service(BaseHTTPRequestHandler):
    """A chat service that is sure of the second answer."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        top = [{"token": "B", "logprob": -0.01}, {"token": "A", "logprob": -4.6}]
        choice = {
            "message": {"role": "assistant", "content": "B"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "B", "logprob": -0.01, "top_logprobs": top}]},
        }
        body = json.dumps({"choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a chat service on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def _arguments(line: str, service: str) -> list[str]:
    """A command's arguments, on few records where it asks a model, and at our service."""
    words = [service if word.startswith("http://") else word for word in shlex.split(line)[1:]]
    asks = words[0] in ("run", "eval") and "--no-model" not in words and "--limit" not in words
    return [*words, "--limit", FEW] if asks else words


@pytest.mark.parametrize(("page", "line"), _qc_lines())
def test_every_qc_command_works(
    page: str,
    line: str,
    copies: dict[str, Path],
    cache: Path,
    service: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("QC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QC_LANG", LANGS[page])
    monkeypatch.setenv("QC_CACHE", str(cache))
    monkeypatch.chdir(copies[page])
    ran = qc(*_arguments(line, service))  # what would be a traceback is raised
    assert ran.code == (1 if "wrong" in line else 0), ran.err + ran.out
    assert ran.out.strip()
    _check_results(line, copies[page])


def _check_results(line: str, folder: Path) -> None:
    words = shlex.split(line)
    if words[1] == "run":
        out = folder / words[words.index("--out") + 1]
        summary = json.loads((out / "summary.json").read_text("utf-8"))
        assert sum(summary["by_status"].values()) == summary["records"] > 0
        assert (out / "outcomes.xlsx").is_file()


def test_what_a_console_block_shows_is_what_is_printed(page: str, copies: dict[str, Path]) -> None:
    (body,) = _blocks(page, "console")
    command, shown = body.split("\n", 1)
    ran = _run_plain(command.removeprefix("$ "), copies[page], LANGS[page])
    assert ran.out == shown


def _run_plain(line: str, folder: Path, lang: str) -> Ran:
    return qc_process(*shlex.split(line)[1:], cwd=folder, QC_LANG=lang)


def _targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    rules = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    return set(phony.split()) & rules


def _is_make(words: list[str]) -> bool:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    settings = [word.split("=")[0] for word in words[1:] if "=" in word]
    goals = {word for word in words[1:] if "=" not in word}
    assigned = all(re.search(rf"^{name} [?:]?=", makefile, re.MULTILINE) for name in settings)
    return words[0] == "make" and assigned and bool(goals) and goals <= _targets()


def _is_pip(words: list[str]) -> bool:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    asked = re.fullmatch(r"\.(?:\[([\w,]+)\])?", words[-1])
    wanted = set((asked[1] or "").split(",")) - {""} if asked else {"?"}
    return words[:2] == ["pip", "install"] and len(words) == 3 and wanted <= extras


def test_every_line_is_a_qc_a_make_or_a_pip_command_that_exists(page: str) -> None:
    lines = commands(page)
    assert len(lines) > 15
    strange = []
    for line in lines:
        words = shlex.split(line)
        if not (words[0] == "qc" or _is_make(words) or _is_pip(words)):
            strange.append(line)
    assert strange == []


def test_both_pages_show_the_same_commands() -> None:
    assert commands("README.md") == commands("README.en.md")


def test_every_command_of_qc_is_shown() -> None:
    shown = {line.split()[1] for line in commands("README.md") if line.startswith("qc ")}
    assert shown == {
        "run", "new", "check", "test", "eval", "explain", "compile", "model", "version",
    }  # fmt: skip


@pytest.fixture(scope="module")
def by_rules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summary of a run of the demo without its model."""
    out = tmp_path_factory.mktemp("out")
    data, rulebook = "examples/surgery/records.csv", "rulebooks/surgery_consistency.yaml"
    ran = qc_process("run", rulebook, "--data", data, "--no-model", "--out", out, cwd=ROOT)
    assert ran.code == 0, ran.err
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text("utf-8"))
    return summary


def test_the_sample_of_the_demo_is_what_the_rules_give(page: str, by_rules: dict[str, Any]) -> None:
    """The model's part depends on the model; the rules' part must be as shown."""
    (sample,) = (body for body in _blocks(page, "text") if "records.csv" in body)
    said = re.search(r"(\d+) (?:例，规则判定|records,) (\d+)", " ".join(sample.split()))
    assert said
    assert [int(n) for n in said.groups()] == [by_rules["records"], by_rules["by_decider"]["rule"]]
    for rule, count in by_rules["by_rule"].items():
        assert re.search(rf"^ {rule} +{count or '(从未用到|never used)'} *$", sample, re.MULTILINE)
