"""Folders and files by their address: a path of this machine, or object storage when named.

Everything goes through ``pyarrow.fs``: nothing is installed or fetched for it, and no network
is used unless an address with a scheme (``s3://…``) was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.report.atomic import atomic_path, unwritable

_SCHEMES = ("s3://", "gs://", "gcs://", "abfs://", "abfss://", "hdfs://", "viewfs://")


@dataclass(frozen=True)
class Found:
    """A file: its place, its name below the folder that was listed, bytes, when it was changed."""

    place: Place
    name: str
    size: int
    modified: str


@dataclass(frozen=True, order=True)
class Place:
    """A file or folder; ``address`` is a path or ``scheme://…`` with options after a ``?``."""

    address: str

    @property
    def local(self) -> Path | None:
        """The path, where it is one of this machine."""
        return None if self.address.startswith(_SCHEMES) else Path(self.address)

    def __str__(self) -> str:
        """For people: without options and credentials."""
        if self.local is not None:
            return self.address
        scheme, _, rest = self.address.partition("?")[0].partition("://")
        bucket, slash, path = rest.partition("/")
        return f"{scheme}://{bucket.rpartition('@')[2]}{slash}{path}"

    def child(self, name: str) -> Place:
        if self.local is not None:
            return Place(str(self.local / name))
        base, mark, options = self.address.partition("?")
        return Place(f"{base.rstrip('/')}/{name}{mark}{options}")

    def files(self) -> Iterator[Found]:
        """All files below, by name; hidden ones are left out. None where there is no folder."""
        from pyarrow.fs import FileSelector, FileType

        with _reading(self):
            system, path = _opened(self.address)
            chosen = FileSelector(path, recursive=True, allow_not_found=True)
            infos = [one for one in system.get_file_info(chosen) if one.type == FileType.File]
        for info in sorted(infos, key=lambda one: str(one.path)):
            name = info.path[len(path.rstrip("/")) + 1 :]
            if not any(step.startswith((".", "_")) for step in name.split("/")):
                yield Found(self.child(name), name, info.size, str(info.mtime_ns))

    def info(self) -> Found | None:
        """This file; `None` where there is none."""
        from pyarrow.fs import FileType

        with _reading(self):
            system, path = _opened(self.address)
            info = system.get_file_info(path)
        if info.type != FileType.File:
            return None
        return Found(self, path.rsplit("/", 1)[-1], info.size, str(info.mtime_ns))

    def open(self) -> Any:
        """The file for reading at any position. Raises `QcError` (QC401)."""
        with _reading(self):
            system, path = _opened(self.address)
            return system.open_input_file(path)

    def read(self) -> bytes | None:
        """The file's bytes; `None` where there is none."""
        if self.info() is None:
            return None
        with self.open() as file, _reading(self):
            return bytes(file.readall())

    def write(self, data: Any) -> None:
        """Put a whole file there, or leave what was there. Local files are 0600.

        ``data`` is written in one go: object storage shows it when it is complete, never half.
        Raises `QcError` (QC605).
        """
        if self.local is not None:
            with atomic_path(self.local) as part:
                part.write_bytes(data)
            return
        try:
            system, path = _opened(self.address)
            with system.open_output_stream(path) as out:
                out.write(data)
        except OSError as error:
            raise QcError(unwritable(Path(str(self)), error)) from error

    def remove(self) -> None:
        """Remove the file if it is there."""
        if self.info() is not None:
            system, path = _opened(self.address)
            with _reading(self):
                system.delete_file(path)


@cache
def _system(base: str) -> tuple[Any, str]:
    from pyarrow.fs import FileSystem

    system, path = FileSystem.from_uri(base)
    return system, path.rstrip("/")


def _opened(address: str) -> tuple[Any, str]:
    """The file system and the path in it. One file system a bucket and its options."""
    from pyarrow.fs import LocalFileSystem

    if not address.startswith(_SCHEMES):
        return LocalFileSystem(), str(Path(address).absolute())
    base, mark, options = address.partition("?")
    scheme, _, rest = base.partition("://")
    bucket, _, path = rest.partition("/")
    system, root = _system(f"{scheme}://{bucket}{'/' if 'fs' in scheme else ''}{mark}{options}")
    return system, f"{root}/{path}".rstrip("/")


class _reading:  # noqa: N801 (used as a function)
    """What the system refuses, as a message for a person."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if isinstance(error, OSError | ValueError):
            raise QcError(unreadable(self.place, error)) from error


def unreadable(place: Place, error: Exception) -> Diagnostic:
    reason = getattr(error, "strerror", None) or str(error)[:200]
    message = Text(f"读不出来（{reason}）", f"It cannot be read ({reason})")
    return Diagnostic("QC401", message, place=Text(str(place), str(place)))
