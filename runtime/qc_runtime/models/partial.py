"""A model's bytes while they gather: appended in order, hashed as they come."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from qc_runtime.models import problems
from qc_runtime.models.cache import CHUNK
from qc_runtime.models.progress import Progress, Report
from qc_runtime.models.registry import Model, blocks


class Partial:
    """The growing file of one model.

    Because bytes are only ever appended, the file's length says what is done; no journal can
    disagree with it. What an earlier try left is hashed when it is opened, and where the
    checksums of the model's parts are known, it is cut at the first part that is wrong, so
    that a torn write costs one part. With ``whole_parts`` a part begun is cut away too.
    """

    def __init__(self, path: Path, model: Model, report: Report, whole_parts: bool) -> None:
        self.path, self.model, self.report = path, model, report
        self.done = 0
        self._digest = hashlib.sha256()
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._take_over(whole_parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._file.close()

    def _take_over(self, whole_parts: bool) -> None:
        """Hash what is there as far as it can be right, and cut off the rest."""
        parts = blocks(self.model)
        step = parts.part_size if parts else CHUNK
        while chunk := self._file.read(min(step, self.model.size - self.done)):
            whole = len(chunk) == step or self.done + len(chunk) == self.model.size
            if parts and whole:
                if hashlib.sha256(chunk).hexdigest() != parts.sha256[self.done // step]:
                    break
            elif whole_parts:
                break
            self._count(chunk)
            self.report(Progress("check", self.done, self.model.size))
        self._cut()

    def _count(self, data: bytes) -> None:
        self._digest.update(data)
        self.done += len(data)

    def _cut(self) -> None:
        self._file.truncate(self.done)
        self._file.seek(self.done)

    def append(self, data: bytes, place: str) -> None:
        """Add the next bytes, which came from ``place``; QC503 if they are too many."""
        if self.done + len(data) > self.model.size:
            self.discard()
            raise problems.wrong_size(self.model.name, self.model.size, None, place)
        self._file.write(data)
        self._count(data)
        self.report(Progress("fetch", self.done, self.model.size))

    def restart(self) -> None:
        """Forget everything: the source can only begin at the beginning."""
        self.done, self._digest = 0, hashlib.sha256()
        self._cut()

    def sync(self) -> None:
        """Make what was appended outlast a power cut."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def discard(self) -> None:
        """Remove the file: its bytes are known to be wrong."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def finish(self, target: Path, place: str) -> None:
        """Check the whole and give it its final name; wrong bytes are removed (QC503)."""
        got = self._digest.hexdigest()
        if got != self.model.sha256:
            self.discard()
            raise problems.wrong_bytes(self.model.name, self.model.sha256, got, place)
        self.sync()
        self._file.close()
        self.path.replace(target)
