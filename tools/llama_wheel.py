"""Build llama-cpp-python for this processor once, keep the wheel, install it.

Default builds either leave out what the processor can do or use what it only claims to have;
see `llama_flags` for the options. The wheel is kept in the user's cache under a key of version,
platform, options and compiler, because pip's own wheel cache ignores the options.

Standard library only: this runs in a fresh virtual environment, before anything is installed.

    python tools/llama_wheel.py [--gpu cuda] [--lock requirements.lock] [--show|--try]

Its Python dependencies come from the lock, after it: pip then finds the version that it wants
installed and does not build it anew. ``--try``, once they are there, loads the library.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from llama_flags import all_flags, output

PACKAGE = "llama-cpp-python"
USUAL_NVCC = Path("/usr/local/cuda/bin/nvcc")


class BuildError(Exception):
    """Something the person at the keyboard has to do; shown without a traceback."""


def tr(zh: str, en: str) -> str:
    return en if os.environ.get("QC_LANG", "").lower().startswith("en") else zh


def say(zh: str, en: str) -> None:
    print(tr(zh, en), file=sys.stderr, flush=True)


# Which wheel it is ---------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """One build: the requirement with its hash, the options, and the tools that compile."""

    requirement: str
    flags: Mapping[str, str]
    tools: tuple[str, ...]

    @property
    def version(self) -> str:
        return self.requirement.split("==")[1].split()[0]

    @property
    def cmake_args(self) -> str:
        return " ".join(f"-D{name}={value}" for name, value in self.flags.items())

    @property
    def key(self) -> str:
        """Version, platform, and a hash of all that changes the bytes of the build."""
        what = json.dumps([self.cmake_args, self.tools, os.environ.get("CMAKE_ARGS", "")])
        tag = re.sub(r"\W", "_", sysconfig.get_platform())
        return f"{self.version}-{tag}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"

    @property
    def folder(self) -> Path:
        return cache_dir() / "wheels" / self.key


def cache_dir() -> Path:
    """The same folder as `qc_dsl.folders.cache_dir` (not importable yet)."""
    if named := os.environ.get("QC_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "qc"


def locked(lock: str) -> str:
    """The requirement of llama-cpp-python in a lock file, with its hashes, on one line."""
    found = re.search(rf"^{PACKAGE}==\S+(?:\s*\\\n\s+--hash=\S+)+", lock, re.MULTILINE)
    if not found:
        raise BuildError(
            tr(
                f"requirements.lock 中没有带校验和的 {PACKAGE}",
                f"requirements.lock has no {PACKAGE} with a hash",
            )
        )
    return re.sub(r"\s*\\\n\s*", " ", found.group())


def compilers(gpu: str) -> tuple[str, ...]:
    """What each compiler says of its version."""
    found = [_compiler("CC", ("cc", "gcc", "clang")), _compiler("CXX", ("c++", "g++", "clang++"))]
    if gpu == "cuda":
        found.append(_nvcc())
    return tuple(output([*path.split(), "--version"]).strip() for path in found)


def _compiler(variable: str, names: Iterable[str]) -> str:
    wanted = os.environ.get(variable)
    path = wanted or next((p for p in map(shutil.which, names) if p), None)
    if not path or not shutil.which(path.split()[0]):
        raise BuildError(
            tr(
                "没有找到 C/C++ 编译器。Debian/Ubuntu：apt-get install build-essential；"
                "macOS：xcode-select --install",
                "no C/C++ compiler was found. Debian/Ubuntu: apt-get install build-essential; "
                "macOS: xcode-select --install",
            )
        )
    return path


def _nvcc() -> str:
    path = os.environ.get("CUDACXX") or shutil.which("nvcc") or str(USUAL_NVCC)
    if not shutil.which(path):
        raise BuildError(
            tr(
                "GPU=cuda 需要 CUDA 工具包：PATH 和 /usr/local/cuda 中都没有 nvcc",
                "GPU=cuda needs the CUDA toolkit: nvcc is neither on PATH nor in /usr/local/cuda",
            )
        )
    return path


def plan_for(lock: str, gpu: str) -> Plan:
    return Plan(locked(lock), all_flags(gpu), compilers(gpu))


# Build, install, try ---------------------------------------------------------------------


def wheel_of(plan: Plan) -> Path | None:
    """The wheel that was built before, if it was."""
    return next(iter(sorted(plan.folder.glob("*.whl"))), None)


def build(plan: Plan, gpu: str) -> Path:
    """Build into a temporary folder and rename it: a wheel in the cache is a whole one."""
    plan.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=plan.folder.parent) as temporary:
        work = Path(temporary)
        (work / "wanted.txt").write_text(plan.requirement + "\n", encoding="utf-8")
        _run_pip_wheel(plan, gpu, work)
        (work / "out" / "build.json").write_text(
            json.dumps({"cmake_args": plan.cmake_args, "tools": plan.tools}, indent=1),
            encoding="utf-8",
        )
        with contextlib.suppress(OSError):  # another process was faster; its wheel is as good
            (work / "out").rename(plan.folder)
    wheel = wheel_of(plan)
    if not wheel:
        raise BuildError(tr("构建没有产生 wheel", "the build gave no wheel"))
    return wheel


def build_environment(plan: Plan, gpu: str) -> dict[str, str]:
    """The user's own CMAKE_ARGS come last, so that they can add a back end."""
    own = os.environ.get("CMAKE_ARGS", "")
    env = os.environ | {"CMAKE_ARGS": f"{plan.cmake_args} {own}".strip()}
    env.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 2))
    if gpu == "cuda":
        env["CUDACXX"] = _nvcc()
        # CMake looks for the libraries by itself, and may find another toolkit's
        env.setdefault("CUDAToolkit_ROOT", str(Path(env["CUDACXX"]).parents[1]))
    return env


def _run_pip_wheel(plan: Plan, gpu: str, work: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "wheel", "--verbose", "--no-input", "--no-cache-dir"),
        *("--disable-pip-version-check", "--no-deps", "--no-binary", PACKAGE),
        *("--require-hashes", "--requirement", str(work / "wanted.txt")),
        *("--wheel-dir", str(work / "out")),
    ]
    log = plan.folder.with_name(f"{plan.key}.log")
    env = build_environment(plan, gpu)
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            _follow(process, out.write)
        finally:
            _stop(process)
    if process.returncode:
        raise BuildError(_failure(log))
    log.unlink()


def _stop(process: subprocess.Popen[str]) -> None:
    """End pip and the compilers if they still run, so that pip can clean up after itself."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            if process.poll() is None:
                os.killpg(process.pid, sign)
                process.wait(10)


def share_done(line: str) -> int | None:
    """Per cent of the build, from a line of Ninja (``[12/310]``) or Make (``[ 12%]``)."""
    if ninja := re.match(r"\s*\[(\d+)/(\d+)\]", line):
        return int(ninja[1]) * 100 // max(1, int(ninja[2]))
    make = re.match(r"\s*\[\s*(\d+)%\]", line)
    return int(make[1]) if make else None


def _follow(process: subprocess.Popen[str], keep: Callable[[str], object]) -> None:
    """Keep every line and tell each tenth of the build once."""
    assert process.stdout is not None
    begun, told = time.monotonic(), 0
    for line in process.stdout:
        keep(line)
        share = share_done(line)
        if share is not None and share // 10 > told // 10:
            told = share
            spent = f"{time.monotonic() - begun:.0f} s"
            say(f"  编译 llama.cpp：{share} %（{spent}）", f"  compiling: {share} % ({spent})")
    process.wait()


def _failure(log: Path) -> str:
    """The first error with what is around it, and the end: pip says much after what matters."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    end = max(0, len(lines) - 15)
    found = (n for n, line in enumerate(lines[:end]) if re.search(r"\berror\b", line, re.I))
    first = next(found, end)
    cause = lines[max(0, first - 5) : min(first + 10, end)] if first < end else []
    tail = "".join([*cause, "…\n"] if cause else []) + "".join(lines[end:])
    return tail + tr(f"\n构建失败，全部输出在 {log}", f"\nthe build failed; all output is in {log}")


def is_installed(wheel: Path) -> bool:
    """Whether this very wheel is what this environment has (pip records where it came from)."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
        said = importlib.metadata.distribution(PACKAGE).read_text("direct_url.json")
        return bool(said) and json.loads(said or "")["url"] == wheel.as_uri()
    return False


def install(wheel: Path) -> None:
    """Install the file itself; what it depends on comes from the lock."""
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input"),
        *("--disable-pip-version-check", "--no-deps", "--no-index", "--force-reinstall"),
        str(wheel),
    ]
    if subprocess.run(command, check=False).returncode:
        raise BuildError(tr(f"无法安装 {wheel}", f"{wheel} could not be installed"))


def try_out(plan: Plan) -> None:
    """Load the library in another process: a build that is wrong for this CPU crashes there."""
    code = "import llama_cpp; llama_cpp.llama_backend_init()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if missing := re.search(r"(lib(?:cuda|cudart|cublas)\S*): cannot open", done.stderr):
        raise BuildError(_cannot_run_here(plan, missing[1]))
    why = f"signal {-done.returncode}" if done.returncode < 0 else done.stderr.strip()[-500:]
    raise BuildError(
        tr(
            f"llama.cpp 在本机无法启动（{why}）。编译选项：{plan.cmake_args}。"
            f"请删除 {plan.folder} 后重试，仍失败请附上本条信息反馈",
            f"llama.cpp does not start on this machine ({why}). Options: {plan.cmake_args}. "
            f"Remove {plan.folder} and try again; if it still fails, report this message",
        )
    )


def _cannot_run_here(plan: Plan, library: str) -> str:
    """What to do where a library of CUDA's is not found. The build itself is good."""
    return tr(
        f"CUDA 版 llama.cpp 已构建并保存在 {plan.folder}，但本机找不到 {library}，无法运行。"
        "libcuda 随 NVIDIA 驱动安装；libcublas、libcudart 在 CUDA 工具包的 lib64 里，"
        "把它写进 LD_LIBRARY_PATH 或 /etc/ld.so.conf.d 后重试。只用处理器请不带 GPU=cuda",
        f"llama.cpp is built for CUDA and kept in {plan.folder}, but {library} is not found on "
        "this machine, so it cannot run. libcuda comes with the NVIDIA driver; libcublas and "
        "libcudart are in lib64 of the CUDA toolkit: name it in LD_LIBRARY_PATH or "
        "/etc/ld.so.conf.d and try again. For the processor only, leave GPU=cuda out",
    )


def get(plan: Plan, gpu: str) -> Path:
    """The wheel of the cache, built now if it is not there."""
    if wheel := wheel_of(plan):
        say(f"使用已构建的 {wheel}", f"using {wheel}, built before")
        return wheel
    minutes = 40 if gpu == "cuda" else 6
    say(
        f"为本机编译 llama.cpp（双核约 {minutes} 分钟，每台机器只需一次）\n  {plan.cmake_args}",
        f"compiling llama.cpp for this machine (about {minutes} minutes on two cores, once)\n"
        f"  {plan.cmake_args}",
    )
    if gpu == "cuda" and "CMAKE_CUDA_ARCHITECTURES" not in plan.flags:
        say(
            "  没有查到显卡：将为多种架构编译，要几个小时。可先设 CMAKE_CUDA_ARCHITECTURES，"
            "例如 89（RTX 4090）、80（A100）",
            "  no card was found: compiling for many architectures takes hours. Set "
            "CMAKE_CUDA_ARCHITECTURES first, for example 89 (RTX 4090) or 80 (A100)",
        )
    return build(plan, gpu)


def show(plan: Plan) -> None:
    wheel = wheel_of(plan)
    said = {"key": plan.key, "folder": str(plan.folder), "cmake_args": plan.cmake_args}
    print(json.dumps(said | {"wheel": str(wheel) if wheel else None}, indent=1))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gpu", choices=("none", "cuda"), default="none")
    parser.add_argument("--lock", type=Path, default=Path("requirements.lock"))
    parser.add_argument("--show", action="store_true", help="print what would be built, as JSON")
    parser.add_argument("--try", action="store_true", dest="trial", help="load what is installed")
    asked = parser.parse_args()
    try:
        plan = plan_for(asked.lock.read_text(encoding="utf-8"), asked.gpu)
        if asked.show:
            show(plan)
        elif asked.trial:
            try_out(plan)
        elif not is_installed(wheel := get(plan, asked.gpu)):
            install(wheel)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
