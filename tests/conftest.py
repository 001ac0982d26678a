"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time, and no clock: a busy machine is not a mistake
settings.register_profile("qc", deadline=None, derandomize=True)
settings.load_profile("qc")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run started in the background inherits an ignored Ctrl-C; the tests of it need one.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# As `qc_runtime.llama.native` does before it loads llama.cpp; `importorskip` may be there first.
# Two test processes on the same cores else wait for each other at four times the cost.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# The files that take longest. Begun first (Makefile: no reordering by number of tests), so that
# no worker is left with one of them when the others have ended.
LONGEST = (
    "test_readme.py",
    "test_rulebook_examples.py",
    "test_llama_engine.py",
    "test_slots.py",
    "test_reliability.py",
    "test_bulk_once.py",
    "test_rows.py",
    "test_printing_everything.py",
    "test_llama_wheel.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session", autouse=True)
def nobodys_audit_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests run is in nobody's audit log."""
    before = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))
    yield
    if before is None:
        del os.environ["XDG_DATA_HOME"]
    else:
        os.environ["XDG_DATA_HOME"] = before


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The demo model's GGUF file: ``QC_TEST_MODEL``, or the one ``make`` has pulled."""
    if named := os.environ.get("QC_TEST_MODEL"):
        return Path(named).expanduser()
    from qc_runtime.models import locate

    return locate(None)


@pytest.fixture(scope="session")
def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run that its workers have in common (see `support.shared`)."""
    from support.shared import folder_of_all

    return folder_of_all(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def tiny_model(demo_model: Path, of_all_workers: Path) -> Path:
    """A GGUF file with the demo model's vocabulary and next to no arithmetic."""
    pytest.importorskip("llama_cpp")
    from support.shared import made_once
    from support.tiny_model import write_tiny_model

    return made_once(of_all_workers / "tiny.gguf", partial(write_tiny_model, demo_model))


@pytest.fixture(scope="session")
def surgery_asked(demo_model: Path, of_all_workers: Path) -> Path:
    """The folder of the run in which the real model was asked about surgery, with its cache."""
    from support.shared import made_once
    from support.surgery import ask

    return made_once(of_all_workers / "surgery", partial(ask, model=demo_model))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


@pytest.fixture(params=["zh", "en"])
def lang(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test once in each language of messages."""
    monkeypatch.setenv("QC_LANG", request.param)
    return str(request.param)


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages in Chinese, whatever the environment of the person who runs the tests."""
    monkeypatch.setenv("QC_LANG", "zh")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a file; with ``pytest --update-golden`` write the file instead.

    Golden files are read by a person before they are committed: they are what users see.
    """

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check
