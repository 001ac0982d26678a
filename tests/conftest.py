"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run started in the background inherits an ignored Ctrl-C; the tests of it need one.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The demo model's GGUF file: ``QC_TEST_MODEL``, or the one ``make`` has pulled."""
    if named := os.environ.get("QC_TEST_MODEL"):
        return Path(named).expanduser()
    from qc_runtime.models import locate

    return locate(None)


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
