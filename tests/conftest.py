"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time, and no clock: a busy machine is not a mistake
settings.register_profile("qc", deadline=None, derandomize=True)
settings.load_profile("qc")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run started in the background inherits an ignored Ctrl-C; the tests of it need one.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
def tiny_model(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file with the demo model's vocabulary and next to no arithmetic."""
    pytest.importorskip("llama_cpp")
    from support.tiny_model import write_tiny_model

    return write_tiny_model(demo_model, tmp_path_factory.mktemp("model") / "tiny.gguf")


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
