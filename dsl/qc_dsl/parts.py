"""A rulebook's files: the one that was asked for, those it includes, and its files of terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from qc_dsl.errors import Diagnostic, Errors, QcError, Related
from qc_dsl.files import MAX_BYTES, Load, beside, decode, why_not
from qc_dsl.lang import Text
from qc_dsl.schema import validate
from qc_dsl.sentence_file import read_sentences
from qc_dsl.shapes import PartShape, TermFileShape
from qc_dsl.source import Source, Span
from qc_dsl.term_file import SHEETS, TABLES, TermFile, read_terms
from qc_dsl.yaml_reader import Mapping, Node, Scalar, Sequence, plain, read_yaml, section

MAX_INCLUDES = 64
MAX_INCLUDE_DEPTH = 8
_SENTENCES = (".qc",)
_YAML = (".yaml", ".yml")


@dataclass
class Parts:
    """All that the files of a rulebook say. ``whole``: none of them is missing or unreadable."""

    roots: list[Mapping]
    terms: dict[str, TermFile] = field(default_factory=dict)
    whole: bool = True

    @property
    def sources(self) -> tuple[Source, ...]:
        files = (file.source for file in self.terms.values())
        return (*(root.span.source for root in self.roots), *files)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that files of terms bring: ``list.group``."""
        files = self.terms.items()
        return tuple(f"{name}.{group}" for name, file in files for group, _ in file.groups)

    def section(self, *keys: str) -> Iterator[tuple[Scalar, Node]]:
        """The items of a section in all files, in their order."""
        return ((key, value) for root in self.roots for key, value in section(root, *keys))


def collect(root: Mapping, load: Load, errors: Errors) -> Parts:
    """The files that belong to a rulebook, each read once, in the order of their naming."""
    parts = Parts([root])
    path = beside(root.span.source, Path(root.span.source.path).name)
    _Includes(parts, load, errors).follow(root, (path,), {path})
    for part in parts.roots:
        _read_term_files(part, parts, load, errors)
    return parts


@dataclass
class _Includes:
    parts: Parts
    load: Load
    errors: Errors

    def follow(self, root: Mapping, chain: tuple[Path, ...], seen: set[Path]) -> None:
        """Read what a file includes, and what that includes. ``chain``: from the first to here."""
        for name in _included(root):
            path = beside(root.span.source, name.value)
            if (problem := self.refused(path, name.span, chain, seen)) is not None:
                self.errors.found.append(problem)
                self.parts.whole = False
            elif path not in seen:
                seen.add(path)
                if (part := self.errors.attempt(self.read, path, name.span)) is None:
                    self.parts.whole = False
                    continue
                self.parts.roots.append(part)
                self.follow(part, (*chain, path), seen)

    def refused(
        self, path: Path, span: Span, chain: tuple[Path, ...], seen: set[Path]
    ) -> Diagnostic | None:
        if path in chain:
            return _cycle(chain, path, span)
        if len(chain) > MAX_INCLUDE_DEPTH:
            message = Text(
                f"引用超过 {MAX_INCLUDE_DEPTH} 层", f"Includes more than {MAX_INCLUDE_DEPTH} deep"
            )
            return Diagnostic("QC019", message, span)
        if len(seen) > MAX_INCLUDES and path not in seen:
            message = Text(
                f"引用的文件超过 {MAX_INCLUDES} 个", f"More than {MAX_INCLUDES} included files"
            )
            return Diagnostic("QC019", message, span)
        return None

    def read(self, path: Path, span: Span) -> Mapping:
        suffix = path.suffix.lower()
        if suffix not in (*_YAML, *_SENTENCES):
            message = Text("只能引用 .yaml 和 .qc 文件", "Only .yaml and .qc files can be included")
            help_ = Text("词表文件请写在“词表”里", "Files of terms belong under “terms”")
            raise QcError(Diagnostic("QC017", message, span, help_))
        source = decode(path, read_bytes(path, span, self.load, MAX_BYTES))
        root = read_sentences(source) if suffix in _SENTENCES else read_yaml(source)
        self.errors.attempt(validate, root, PartShape)
        return root


def read_bytes(path: Path, span: Span, load: Load, limit: int | None = None) -> bytes:
    """A file's bytes. Raises `QcError` at the place that names it."""
    try:
        data = load(path)
    except (OSError, ValueError) as error:
        message, help_ = why_not(error, path)
        raise QcError(Diagnostic("QC017", message, span, help_)) from None
    if limit is not None and len(data) > limit:
        message = Text(f"文件“{path}”太大", f"The file “{path}” is too large")
        raise QcError(Diagnostic("QC017", message, span))
    return data


def _included(root: Mapping) -> tuple[Scalar, ...]:
    node = root.get("引用", "include")
    items = node.items if isinstance(node, Sequence) else (node,)
    return tuple(item for item in items if isinstance(item, Scalar) and item.value.strip())


def _cycle(chain: tuple[Path, ...], path: Path, span: Span) -> Diagnostic:
    names = [one.name for one in (*chain[chain.index(path) :], path)]
    round_ = " → ".join(names)
    return Diagnostic(
        "QC018",
        Text(f"引用绕回了自己：{round_}", f"Included by itself: {round_}"),
        span,
        Text("请去掉其中一处引用", "Take one of these includes away"),
    )


def _read_term_files(part: Mapping, parts: Parts, load: Load, errors: Errors) -> None:
    for key, node in section(part, "词表", "terms"):
        named = node.get("文件", "file") if isinstance(node, Mapping) else None
        if not isinstance(named, Scalar) or key.value in parts.terms:
            continue
        try:
            shape = TermFileShape.model_validate(plain(node))
        except ValidationError:
            continue  # out of shape, and said so by `validate`
        before = len(errors.found)
        found = errors.attempt(_term_file, named, shape, load, errors)
        errors.found[before:] = [_named_at(d, named.span) for d in errors.found[before:]]
        if found is None:
            parts.whole = False
        else:
            parts.terms[key.value] = found


def _term_file(named: Scalar, shape: TermFileShape, load: Load, errors: Errors) -> TermFile:
    path = beside(named.span.source, named.value)
    if path.suffix.lower() not in (*SHEETS, *TABLES):
        message = Text("词表文件应为 CSV 或 XLSX", "A file of terms is CSV or XLSX")
        raise QcError(Diagnostic("QC017", message, named.span))
    return read_terms(path, read_bytes(path, named.span, load), shape, errors)


def _named_at(diagnostic: Diagnostic, span: Span) -> Diagnostic:
    """The same mistake, with the place that names the file it is in."""
    if diagnostic.span == span:
        return diagnostic
    there = Related(span, Text("在这里引用", "named here"))
    return replace(diagnostic, related=(*diagnostic.related, there))
