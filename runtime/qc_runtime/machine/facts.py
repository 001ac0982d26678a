"""What the system tells of the machine. Unknown is `None`, never a guess."""

from __future__ import annotations

import csv
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MIB = 1 << 20
_NO_LIMIT = 1 << 60  # bytes: version 1 of control groups writes a huge number for none


@dataclass(frozen=True)
class Gpu:
    """A card as its driver reports it; bytes."""

    name: str
    total: int
    free: int


@dataclass(frozen=True)
class Machine:
    """Bytes and counts. ``flags`` as Linux names them; ``memory_limit`` is the control group's."""

    processor: str = ""
    flags: frozenset[str] = frozenset()
    cores: int = 1
    threads: int = 1
    memory: int | None = None
    available: int | None = None
    memory_limit: int | None = None
    cpu_limit: float | None = None
    governor: str | None = None
    gpus: tuple[Gpu, ...] = ()

    @property
    def virtual(self) -> bool:
        return "hypervisor" in self.flags

    @property
    def usable(self) -> int | None:
        """Memory that a model can have."""
        known = [n for n in (self.available, self.memory_limit) if n is not None]
        return min(known) if known else None

    @property
    def owned(self) -> int | None:
        """Memory there is for this process at best, whatever is in use at the moment."""
        known = [n for n in (self.memory, self.memory_limit) if n is not None]
        return min(known) if known else None

    @property
    def usable_cores(self) -> int:
        """Cores, or fewer where the control group allows fewer."""
        limit = self.cores if self.cpu_limit is None else int(self.cpu_limit)
        return max(1, min(self.cores, limit))


def read_machine(root: Path = Path("/")) -> Machine:
    """This machine; its files are under ``root``."""
    from qc_runtime.llama.settings import physical_cores

    cpuinfo = _read(root / "proc/cpuinfo")
    memory = dict(re.findall(r"^(\w+):\s+(\d+) kB", _read(root / "proc/meminfo"), re.MULTILINE))
    name = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return Machine(
        processor=name[1] if name else platform.processor() or platform.machine(),
        flags=_flags(cpuinfo),
        cores=physical_cores(),
        threads=os.cpu_count() or 1,
        memory=_kib(memory.get("MemTotal")) or _physical(),
        available=_kib(memory.get("MemAvailable")),
        memory_limit=_memory_limit(root),
        cpu_limit=_cpu_limit(root),
        governor=_read(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip()
        or None,
        gpus=tuple(_gpus()),
    )


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "replace")
    return ""


def _flags(cpuinfo: str) -> frozenset[str]:
    """What every core reports."""
    lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    cores = [frozenset(line.split()) for line in lines]
    return frozenset.intersection(*cores) if cores else frozenset()


def _kib(number: str | None) -> int | None:
    return int(number) * 1024 if number else None


def _physical() -> int | None:
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control groups, of either version, and those above."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        if names and controller not in names.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controller if names else "")
        group = base / path.lstrip("/")
        yield from (one for one in (group, *group.parents) if one == base or base in one.parents)


def _memory_limit(root: Path) -> int | None:
    """The smallest limit on the way up."""
    found = [
        int(text)
        for group in _groups(root, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := _read(group / name).strip()).isdigit() and int(text) < _NO_LIMIT
    ]
    return min(found, default=None)


def _cpu_limit(root: Path) -> float | None:
    """Processors' worth of time, from quota and period."""
    pairs = []
    for group in _groups(root, "cpu"):
        pairs.append(_read(group / "cpu.max").split())
        pairs.append([_read(group / f"cpu.cfs_{n}_us").strip() for n in ("quota", "period")])
    found = [
        int(quota) / int(period)
        for quota, period in (pair for pair in pairs if len(pair) == 2)
        if quota.isdigit() and period.isdigit() and int(period)
    ]
    return min(found, default=None)


def _gpus() -> Iterator[Gpu]:
    """What ``nvidia-smi`` lists; none where it is not there or does not work."""
    if not (program := shutil.which("nvidia-smi")):
        return
    query = [program, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
        for row in csv.reader(done.stdout.splitlines(), skipinitialspace=True):
            with suppress(ValueError):
                name, total, free = row
                yield Gpu(name, int(total) * _MIB, int(free) * _MIB)
