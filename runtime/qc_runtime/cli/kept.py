"""What a run leaves with the user: a line in the audit log, and answers in the shared cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from qc_dsl.errors import QcError

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_dsl.errors import Diagnostic
    from qc_runtime.audit import Audit
    from qc_runtime.cache import SharedCache
    from qc_runtime.cli.data import Given
    from qc_runtime.store import AnswerStore


@contextmanager
def own_answers(folder: Path, name: str = "") -> Iterator[AnswerStore]:
    """The run's store of answers. A run that cannot even begin leaves no folder behind."""
    from qc_runtime.store import FILE_NAME, AnswerStore

    file = name or FILE_NAME
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    answers = 0
    try:
        with AnswerStore(folder / file) as store:
            try:
                yield store
            finally:
                answers = len(store)
    except QcError:
        if made and not answers:
            from qc_runtime.privacy.deidentify import SECRET_NAME

            for one in (*(f"{file}{end}" for end in ("", "-wal", "-shm")), SECRET_NAME):
                (folder / one).unlink(missing_ok=True)
            with suppress(OSError):  # something else is there already
                for path in made:
                    path.rmdir()
        raise


@contextmanager
def shared_cache(no_cache: bool) -> Iterator[SharedCache | None]:
    """The answers that all of the user's runs share; `None` when this one is to do without."""
    from qc_runtime.cache import SharedCache, cache_path

    if no_cache:
        yield None
        return
    with SharedCache(cache_path(), say) as cache:
        yield cache


@contextmanager
def audited(command: str, rulebook: Path, program: Program, given: Given) -> Iterator[Audit]:
    """Around a run: its line in the audit log, written however it ends."""
    from qc_runtime.audit import Audit

    with Audit(command, rulebook, program, say) as audit:
        audit.read(given.sources, given.records)
        yield audit


def say(diagnostic: Diagnostic) -> None:
    """Something that does not stop a run, on the error stream."""
    from qc_dsl.errors import render

    typer.echo(render(diagnostic), err=True)
