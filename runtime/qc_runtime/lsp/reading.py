"""What can be known of a rulebook whose files are being written: as much as the text allows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from qc_compiler.analyse import analyse
from qc_compiler.pipeline import compile_rulebook
from qc_compiler.program import Program
from qc_dsl.errors import Diagnostic, Errors, QcError
from qc_dsl.files import MAX_BYTES, Load
from qc_dsl.lang import Lang, Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.parts import Parts
from qc_dsl.reader import Gathered, gather, read_gathered
from qc_dsl.rulebook import Rulebook
from qc_dsl.schema import validate
from qc_dsl.sentence_file import read_sentences
from qc_dsl.shapes import PartShape
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping, read_yaml
from qc_runtime.lsp.keys import keys_at

T = TypeVar("T")
P = ParamSpec("P")
SENTENCES = ".qc"
LANGS: tuple[Lang, ...] = ("zh", "en")
# What a rulebook has and a part that it includes has not.
_TITLES = ("规则集", "rulebook", "结论", "verdicts")


class StaleError(Exception):
    """The text that is being read is not the newest any more: the work is for nothing."""


class _Watched(Errors):
    """Collects mistakes, and stops between sentences when the work has become pointless."""

    def __init__(self, watch: Callable[[], None]) -> None:
        super().__init__()
        self._watch = watch

    def attempt(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        self._watch()
        return super().attempt(read, *args, **kwargs)


@dataclass(frozen=True)
class Reading:
    """A rulebook's files as they are now, and of what cannot be read now, as they were last.

    ``found`` is what is wrong with the text as it is now; ``meant``, what is wrong with what it
    means, known once the reading is `deepened`. ``parts`` and ``lexicon`` are the last that could
    be read; ``rulebook`` and ``program`` the last that there were. ``new``: the rulebook, if it
    is of this text and not looked into yet.
    """

    source: Source
    found: tuple[Diagnostic, ...]
    meant: tuple[Diagnostic, ...] = ()
    parts: Parts | None = None
    rulebook: Rulebook | None = None
    program: Program | None = None
    new: Rulebook | None = None

    @property
    def lexicon(self) -> Lexicon:
        return Gathered(None, self.parts).lexicon if self.parts else Lexicon(())

    @property
    def paths(self) -> frozenset[Path]:
        """The files that the rulebook is made of."""
        sources = self.parts.sources if self.parts else ()
        return frozenset({Path(self.source.path), *(Path(one.path) for one in sources)})


def is_root(source: Source) -> bool:
    """Whether a file is a rulebook of its own, rather than a part that others include."""
    if Path(source.path).suffix.lower() == SENTENCES:
        return False
    return _TITLE.search(source.text) is not None


_TITLE = re.compile(rf"^(?:{'|'.join(_TITLES)})\s*[:：]", re.MULTILINE)


def read(source: Source, load: Load, watch: Callable[[], None], last: Reading | None) -> Reading:
    """Read a rulebook's text, or a part that no rulebook is known of. Raises `StaleError`."""
    if len(source.text) > MAX_BYTES:
        message = Text("文件太大，不检查", "The file is too large to be checked")
        help_ = Text("规则集最大 2 MiB", "A rulebook is at most 2 MiB")
        return Reading(source, (Diagnostic("QC001", message, Span(source, 0, 1), help_),))
    if not is_root(source):
        return _read_part(source)
    errors = _Watched(watch)
    before = replace(last, source=source, found=(), meant=()) if last else Reading(source, ())
    gathered = errors.attempt(gather, source, load, errors)
    if gathered is None:
        return replace(before, found=tuple(errors.found))
    rulebook = read_gathered(gathered, errors)
    return replace(
        before,
        found=_unique(errors.found),
        parts=gathered.parts,
        rulebook=rulebook or before.rulebook,
        new=rulebook,
    )


def deepened(reading: Reading, watch: Callable[[], None]) -> Reading:
    """Compile what was read, and look into it if nothing is wrong. Raises `StaleError`."""
    if reading.new is None:
        return reading
    watch()
    errors = Errors()
    program = errors.attempt(compile_rulebook, reading.new)
    watch()
    if program and not errors.found and not reading.found:
        errors.found += analyse(program, reading.new)
    known = {(d.code, d.span, d.message) for d in reading.found}
    meant = (d for d in _unique(errors.found) if (d.code, d.span, d.message) not in known)
    return replace(reading, meant=tuple(meant), program=program or reading.program, new=None)


def _unique(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple({(d.code, d.span, d.message): d for d in found}.values())


def _read_part(source: Source) -> Reading:
    """A part alone: its names are declared elsewhere, so only its shape can be checked.

    Editors show us every YAML file, so one that may well be no part of a rulebook is let be.
    """
    if not source.text.strip():
        return Reading(source, ())
    errors = Errors()
    root = errors.attempt(root_of, source)
    if root is not None:
        errors.attempt(validate, root, PartShape)
    ours = source.path.lower().endswith(SENTENCES) or (root is not None and _is_part(root))
    found = _unique(errors.found) if ours else ()
    return Reading(source, found, parts=Parts([root]) if root else None)


def _is_part(root: Mapping) -> bool:
    """Whether a file's keys are those of a part: all of them, or a Chinese one."""
    known = {key for lang in LANGS for key in keys_at((), lang, whole=False)}
    keys = [key.value for key, _ in root.items]
    return all(key in known for key in keys) or any(k in known and not k.isascii() for k in keys)


def root_of(source: Source) -> Mapping:
    """A file's tree. Raises `QcError` where it is none."""
    is_sentences = Path(source.path).suffix.lower() == SENTENCES
    return read_sentences(source) if is_sentences else read_yaml(source)


def quietly(source: Source) -> Mapping | None:
    """A file's tree, or nothing where it is none just now."""
    try:
        return root_of(source)
    except QcError:
        return None
