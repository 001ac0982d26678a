"""A version of a rulebook: a file, or a file as it was in a commit (``HEAD:rulebooks/x.yaml``)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.files import decode, read_source
from qc_dsl.lang import Text

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_dsl.source import Source


def compile_version(text: str) -> Program:
    """The program of a version. Raises `QcError` with all mistakes of its text.

    Rules that contradict each other are none here: the records that hit them go to a person.
    """
    from qc_compiler.pipeline import compile_rulebook
    from qc_dsl.files import read_included
    from qc_dsl.reader import survey

    commit, path = split(text)
    source = _show(commit, path) if commit else read_source(path)
    load = (lambda one: _bytes(commit, one)) if commit else read_included
    rulebook, errors = survey(source, load)
    program = errors.attempt(compile_rulebook, rulebook) if rulebook else None
    errors.raise_any()
    assert rulebook is not None
    assert program is not None
    return program


def split(text: str) -> tuple[str, Path]:
    """A version's commit (empty: none) and path. What exists as a file is one."""
    commit, colon, path = text.partition(":")
    if not colon or not commit or Path(text).exists() or (len(commit) == 1 and commit.isalpha()):
        return "", Path(text)
    return commit, Path(path)


def _show(commit: str, path: Path) -> Source:
    try:
        return decode(path, _bytes(commit, path))
    except OSError as error:
        place = Text(f"{commit}:{path}", f"{commit}:{path}")
        message = Text("git 里没有这个版本", "git has no such version")
        help_ = Text(str(error), str(error))
        raise QcError(Diagnostic("QC001", message, help=help_, place=place)) from None


def _bytes(commit: str, path: Path) -> bytes:
    """A file's bytes in a commit. Raises `OSError` with git's own words."""
    given = path.as_posix()
    if path.is_absolute():
        raise FileNotFoundError(f"{given}: a path within the repository is needed")
    done = subprocess.run(
        ["git", "show", f"{commit}:{given}"], capture_output=True, check=False, timeout=60
    )
    if done.returncode:
        raise FileNotFoundError(done.stderr.decode("utf-8", "replace").strip()[:200])
    return done.stdout
