"""The wheel builder with real pip and a small source package that needs no compiler run."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import llama_wheel
from llama_wheel import BuildError, Plan
from qc_dsl.folders import cache_dir

ROOT = Path(__file__).parents[2]

_BACKEND = """
import os, zipfile

def build_wheel(folder, settings=None, metadata=None):
    name = "llama_cpp_python-0.0.1"
    wheel = name + "-py3-none-any.whl"
    print("[1/2] one object", flush=True)
    if "BREAK" in os.environ["CMAKE_ARGS"]:
        raise SystemExit("the compiler gave up")
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as z:
        z.writestr("llama_cpp/__init__.py", os.environ.get("TINY_CODE", "")
            + "\\nargs = " + repr(os.environ["CMAKE_ARGS"])
            + "\\njobs = " + repr(os.environ["CMAKE_BUILD_PARALLEL_LEVEL"])
            + "\\ndef llama_backend_init(): pass\\n")
        z.writestr(name + ".dist-info/METADATA",
            "Metadata-Version: 2.1\\nName: llama_cpp_python\\nVersion: 0.0.1\\n")
        z.writestr(name + ".dist-info/WHEEL",
            "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        z.writestr(name + ".dist-info/RECORD", "")
    return wheel
"""
_PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def write_sdist(folder: Path) -> str:
    """A source package with a build back end of its own; gives its SHA-256."""
    path = folder / "llama_cpp_python-0.0.1.tar.gz"
    info = "Metadata-Version: 2.1\nName: llama_cpp_python\nVersion: 0.0.1\n"
    files = {"backend.py": _BACKEND, "pyproject.toml": _PROJECT, "PKG-INFO": info}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"llama_cpp_python-0.0.1/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    return folder


def lock(sha256: str) -> str:
    other = f"jinja2==3.1 \\\n    --hash=sha256:{'1' * 64}\n"
    return f"{other}llama-cpp-python==0.0.1 \\\n    --hash=sha256:{sha256}\n    # via qc\n"


@pytest.fixture
def plan(mirror: Path) -> Plan:
    return llama_wheel.plan_for(lock(write_sdist(mirror)), "none")


def test_the_project_pins_the_version_that_the_lock_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (pinned,) = [
        word
        for word in project["project"]["optional-dependencies"]["llama"]
        if word.startswith("llama-cpp-python")
    ]
    requirement = llama_wheel.locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert requirement.split()[0] == pinned
    assert requirement.count("--hash=sha256:") == 1


def test_both_know_the_same_cache(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert llama_wheel.cache_dir() == cache_dir()
    monkeypatch.delenv("QC_CACHE")
    assert llama_wheel.cache_dir() == cache_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert llama_wheel.cache_dir() == cache_dir()


def test_a_wheel_is_built_once_with_the_options_and_then_taken_from_the_cache(
    plan: Plan, mirror: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel = llama_wheel.get(plan, "none")
    with zipfile.ZipFile(wheel) as archive:
        module = archive.read("llama_cpp/__init__.py").decode()
    assert f"args = {plan.cmake_args!r}" in module
    assert f"jobs = '{os.cpu_count()}'" in module
    assert "50 %" in capfd.readouterr().err
    assert {p.name for p in plan.folder.parent.iterdir()} == {plan.key}
    next(mirror.iterdir()).unlink()
    assert llama_wheel.get(plan, "none") == wheel


def test_a_source_package_with_another_hash_is_not_built(mirror: Path) -> None:
    write_sdist(mirror)
    plan = llama_wheel.plan_for(lock("0" * 64), "none")
    with pytest.raises(BuildError, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        llama_wheel.get(plan, "none")
    assert llama_wheel.wheel_of(plan) is None


def test_a_lock_without_hashes_is_refused() -> None:
    with pytest.raises(BuildError):
        llama_wheel.locked("llama-cpp-python==0.3.36\n")


def test_a_failed_build_shows_its_end_keeps_its_log_and_leaves_no_wheel(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMAKE_ARGS", "-DBREAK=ON")
    plan = llama_wheel.plan_for(lock(write_sdist(mirror)), "none")
    with pytest.raises(BuildError, match="the compiler gave up") as error:
        llama_wheel.get(plan, "none")
    assert f"{plan.key}.log" in str(error.value)
    assert not plan.folder.exists()


def test_a_failed_build_shows_its_first_error_however_much_is_said_after_it(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    said = [
        *["-- fine"] * 60,
        "CMake Error: links to",
        "  CUDA::cublas",
        *["no matter"] * 60,
        "the end",
    ]
    log.write_text("\n".join(said), encoding="utf-8")
    shown = llama_wheel._failure(log).splitlines()
    assert {*said[60:62], "the end"} <= {*shown}
    assert len(shown) < 40


def test_the_libraries_are_those_of_the_cuda_compiler(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvcc = tmp_path / "toolkit" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.touch(0o755)
    monkeypatch.setenv("CUDACXX", str(nvcc))
    monkeypatch.delenv("CUDAToolkit_ROOT", raising=False)
    env = llama_wheel.build_environment(plan, "cuda")
    assert env["CUDAToolkit_ROOT"] == str(tmp_path / "toolkit")
    assert "CUDAToolkit_ROOT" not in llama_wheel.build_environment(plan, "none")


def test_whatever_changes_the_build_changes_the_key(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [
        Plan(plan.requirement.replace("0.0.1", "0.0.2"), plan.flags, plan.tools),
        Plan(plan.requirement, {**plan.flags, "GGML_AVX2": "?"}, plan.tools),
        Plan(plan.requirement, plan.flags, ("another compiler",)),
    ]
    keys = {plan.key, *(other.key for other in others)}
    same = Plan(plan.requirement, dict(plan.flags), plan.tools).key
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_VULKAN=ON")
    assert len({*keys, plan.key}) == 5
    assert same in keys


def test_a_missing_compiler_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(BuildError, match="build-essential"):
        llama_wheel.compilers("none")


def test_cuda_without_its_toolkit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CUDACXX", raising=False)
    monkeypatch.setattr(llama_wheel, "USUAL_NVCC", Path("/nowhere/nvcc"))
    with pytest.raises(BuildError, match="nvcc"):
        llama_wheel._nvcc()


@pytest.mark.parametrize(
    ("line", "share"),
    [("[31/310] Building CXX", 10), ("  [ 42%] Building", 42), ("[a/b]", None), ("x [1/2]", None)],
)
def test_progress_is_read_from_ninja_and_make(line: str, share: int | None) -> None:
    assert llama_wheel.share_done(line) == share


@pytest.fixture
def venv(tmp_path: Path, mirror: Path) -> Path:
    """The python of a fresh virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    return tmp_path / "venv" / "bin" / "python"


def run_tool(
    python: Path, lock_file: Path, *words: str, **env: str
) -> subprocess.CompletedProcess[str]:
    tool = ROOT / "tools/llama_wheel.py"
    command = [str(python), str(tool), "--lock", str(lock_file), *words]
    return subprocess.run(
        command, env=os.environ | env, capture_output=True, text=True, check=False
    )


def test_the_whole_tool_installs_its_wheel_and_notices_a_crash(
    venv: Path, mirror: Path, tmp_path: Path
) -> None:
    lock_file = tmp_path / "lock"
    lock_file.write_text(lock(write_sdist(mirror)), encoding="utf-8")
    first = run_tool(venv, lock_file)
    assert first.returncode == 0, first.stderr
    again = run_tool(venv, lock_file)
    assert again.returncode == 0, again.stderr
    assert "使用已构建的" in again.stderr
    assert run_tool(venv, lock_file, "--try").returncode == 0
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    other = run_tool(venv, lock_file, TINY_CODE=crash, CMAKE_ARGS="-DOTHER=1")
    assert other.returncode == 0, other.stderr
    crashed = run_tool(venv, lock_file, "--try", QC_LANG="en")
    assert crashed.returncode == 1
    assert "does not start on this machine (signal 11)" in crashed.stderr
    assert "Traceback" not in crashed.stderr
    driver = "raise OSError('libcuda.so.1: cannot open shared object file')"
    assert run_tool(venv, lock_file, TINY_CODE=driver, CMAKE_ARGS="-DTHIRD=1").returncode == 0
    no_driver = run_tool(venv, lock_file, "--try", QC_LANG="en")
    assert no_driver.returncode == 1
    assert "libcuda.so.1 is not found on this machine" in no_driver.stderr
    assert "NVIDIA driver" in no_driver.stderr
    assert "Traceback" not in no_driver.stderr
