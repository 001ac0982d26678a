"""Results are whole files or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from qc_dsl.errors import QcError
from qc_runtime.report.atomic import atomic_path
from qc_runtime.report.jsonl import write_jsonl
from support.reports import OUTCOMES


def _fail_half_way(path: Path) -> None:
    with atomic_path(path) as part:
        part.write_text("half")
        raise RuntimeError


def test_a_failed_write_leaves_the_old_file_and_no_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        _fail_half_way(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_result_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(QcError) as error:
        write_jsonl(tmp_path / "file" / "outcomes.jsonl", OUTCOMES)
    assert error.value.diagnostics[0].code == "QC605"


def test_a_folder_in_the_way_is_a_message_and_leaves_no_pieces(tmp_path: Path) -> None:
    (tmp_path / "outcomes.jsonl").mkdir()
    with pytest.raises(QcError) as error:
        write_jsonl(tmp_path / "outcomes.jsonl", OUTCOMES)
    assert error.value.diagnostics[0].code == "QC605"
    assert [one.name for one in tmp_path.iterdir()] == ["outcomes.jsonl"]
