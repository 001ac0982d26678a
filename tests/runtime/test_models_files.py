"""Which file a name or a path means, and what is known about it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from qc_dsl.errors import QcError
from qc_dsl.folders import cache_dir
from qc_runtime import models
from qc_runtime.models import MODELS, Packages, cache
from support.model_sources import CONTENT, sha256, tiny


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("QC_MODEL", raising=False)
    monkeypatch.setitem(MODELS, "tiny", tiny())
    return tmp_path / "cache"


def put(content: bytes = CONTENT) -> Path:
    """The tiny model's file in the cache."""
    path = models.model_path(tiny())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def code_of(error: pytest.ExceptionInfo[QcError]) -> str:
    return error.value.diagnostics[0].code


def test_every_known_model_is_described_in_full() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        assert len(bytes.fromhex(model.sha256)) == 32
        for source in model.sources:
            if isinstance(source, Packages):
                count = -(-model.size // source.part_size)
                assert len(source.sha256) == count == len(set(source.sha256))


def test_cache_dir_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QC_CACHE", "/a")
    assert cache_dir() == Path("/a")
    monkeypatch.delenv("QC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_dir() == Path("/b/qc")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/c")
    assert cache_dir() == Path("/c/.cache/qc")


def test_a_path_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF rest")
    assert models.locate(str(path)) == path


def test_nothing_named_means_qc_model_then_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(QcError) as error:
        models.locate(None)
    assert "qc model pull demo" in error.value.diagnostics[0].help.en
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF")
    monkeypatch.setenv("QC_MODEL", str(path))
    assert models.locate(None) == path


def test_a_name_gives_its_complete_file_only() -> None:
    with pytest.raises(QcError) as error:
        models.locate("tiny")
    assert code_of(error) == "QC501"
    put(CONTENT[:-1])
    with pytest.raises(QcError) as error:
        models.locate("tiny")
    assert code_of(error) == "QC501"
    path = put()
    assert models.locate("tiny") == path


def test_a_pull_under_way_is_told_with_its_share() -> None:
    part = cache.partial_path(tiny())
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1250])
    with pytest.raises(QcError) as error:
        models.locate("tiny")
    assert "50 %" in error.value.diagnostics[0].message.zh


@pytest.mark.parametrize("content", [b"", b"GGU", b"PK\x03\x04 a zip", "病历".encode()])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(QcError) as error:
        models.locate(str(path))
    assert code_of(error) == "QC502"


def test_a_folder_or_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(QcError) as error:
            models.locate(str(path))
        assert code_of(error) == "QC502"


@pytest.mark.parametrize("word", ["no/such.gguf", "x" * 5000, "a\0b"])
def test_what_does_not_exist_is_a_clear_error(word: str) -> None:
    with pytest.raises(QcError) as error:
        models.locate(word)
    assert code_of(error) == "QC501"


def test_a_misspelt_name_is_offered_its_neighbour() -> None:
    with pytest.raises(QcError) as error:
        models.locate("qwen-32b")
    assert "qwen3-32b" in error.value.diagnostics[0].help.zh


def test_fingerprint_is_computed_once_for_a_file_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    read: list[Path] = []
    hash_file = cache.hash_file
    monkeypatch.setattr(cache, "hash_file", lambda p, r: read.append(p) or hash_file(p, r))
    link = tmp_path / "link.gguf"
    link.symlink_to(path)
    assert models.fingerprint(path) == models.fingerprint(link) == sha256(CONTENT)
    assert read == [path]
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))
    assert models.fingerprint(path) == sha256(CONTENT[::-1])
    assert len(read) == 2


def test_a_torn_fingerprint_record_is_not_believed(tmp_path: Path, own_cache: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    models.fingerprint(path)
    (record,) = (own_cache / "fingerprints").iterdir()
    record.write_text("ab")
    assert models.fingerprint(path) == sha256(CONTENT)


def test_fingerprint_works_where_the_cache_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    monkeypatch.setenv("QC_CACHE", str(path / "below-a-file"))
    assert models.fingerprint(path) == sha256(CONTENT)


def test_verify_recognises_a_known_model_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "carried-in.gguf"
    path.write_bytes(CONTENT)
    assert models.verify(str(path)).model == tiny()
    path.write_bytes(b"GGUF of another maker")
    assert models.verify(str(path)).model is None


def test_damage_found_by_verify_is_known_to_locate() -> None:
    path = put(CONTENT[:-1] + b"?")
    assert models.locate("tiny") == path
    for ask in (models.verify, models.locate):
        with pytest.raises(QcError) as error:
            ask("tiny")
        assert code_of(error) == "QC503"
