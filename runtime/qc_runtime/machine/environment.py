"""The Python around us: its version, the packages, the folders that are written to."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "qc-rulebook"


@dataclass(frozen=True)
class Package:
    """A dependency: the version that is here, or `None`, and the versions that are wanted."""

    name: str
    version: str | None
    wanted: str
    sound: bool


@dataclass(frozen=True)
class Folder:
    """A folder that is written to, or would be made; ``free`` bytes on its disk."""

    path: Path
    purpose: str
    writable: bool
    free: int | None
    total: int | None


def packages(distribution: str = DISTRIBUTION) -> tuple[Package, ...]:
    """The dependencies that the installed distribution itself names, extras left out."""
    with suppress(metadata.PackageNotFoundError):
        wanted = metadata.requires(distribution) or []
        return tuple(_package(one) for one in wanted if "extra ==" not in one)
    return ()


def _package(requirement: str) -> Package:
    name, specifier = re.match(r"([\w.-]+)\s*([^;]*)", requirement).groups()  # type: ignore[union-attr]  # a requirement begins with a name (PEP 508)
    version = None
    with suppress(metadata.PackageNotFoundError):
        version = metadata.version(name)
    sound = version is not None and _meets(version, specifier)
    return Package(name, version, specifier.strip(), sound)


def _meets(version: str, specifier: str) -> bool:
    """Whether a version satisfies the lower bounds and pins of a specifier."""
    for sign, bound in re.findall(r"(>=|==)\s*([\w.]+)", specifier):
        have, want = _numbers(version), _numbers(bound)
        if have < want or (sign == "==" and have[: len(want)] != want):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def folders() -> Iterator[Folder]:
    """The model cache, the audit log's folder, and the folder that results go to by default."""
    from qc_dsl.folders import cache_dir
    from qc_runtime.audit.entry import audit_path

    for path, purpose in (
        (cache_dir(), "cache"),
        (audit_path().parent, "audit"),
        (Path("out").absolute(), "results"),
    ):
        yield look(path, purpose)


def look(path: Path, purpose: str) -> Folder:
    """A folder's rights and its disk, without making it."""
    there = next((one for one in (path, *path.parents) if one.exists()), path)
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    with suppress(OSError):
        disk = shutil.disk_usage(there)
        return Folder(path, purpose, writable, disk.free, disk.total)
    return Folder(path, purpose, writable, None, None)
