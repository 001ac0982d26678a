"""A rulebook file, and those it includes, to a `Rulebook`, or all of their mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qc_dsl.cases import read_cases
from qc_dsl.declare import check_declarations, fields_of, tables_of, terms_of
from qc_dsl.errors import Diagnostic, Errors, QcError, did_you_mean
from qc_dsl.files import Load, read_included, read_source
from qc_dsl.lang import Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.names import check_names, lexicon_of
from qc_dsl.parts import Parts, collect
from qc_dsl.question import read_otherwise, read_questions
from qc_dsl.rulebook import PhraseDecl, Rulebook, RuleDecl, ScoreDecl
from qc_dsl.rules import labels, read_phrases, read_rules
from qc_dsl.schema import validate
from qc_dsl.score import score_errors
from qc_dsl.shapes import PartShape, RulebookShape
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping, Node, at, read_yaml

__all__ = ["parse_rulebook", "read_rulebook", "read_source", "survey"]


def read_rulebook(path: Path) -> Rulebook:
    """The rulebook in a file. Raises `QcError` with all of the file's mistakes."""
    return parse_rulebook(read_source(path))


def parse_rulebook(source: Source, load: Load = read_included) -> Rulebook:
    """The rulebook in a text. Raises `QcError` with all of its mistakes."""
    rulebook, errors = survey(source, load)
    errors.raise_any()
    assert rulebook is not None
    return rulebook


def survey(source: Source, load: Load = read_included) -> tuple[Rulebook | None, Errors]:
    """What can be read of a rulebook, without its wrong sentences, and all that is wrong.

    ``load`` gives the bytes of the files that it names, by path, or raises `OSError`. There is
    no rulebook where a file's shape, its names or its declarations are wrong. Raises `QcError`
    where the text is no YAML at all.
    """
    errors = Errors()
    return read_gathered(gather(source, load, errors), errors), errors


@dataclass(frozen=True)
class Gathered:
    """The files of a rulebook as trees, and the shape of the first where it is sound."""

    shape: RulebookShape | None
    parts: Parts

    @property
    def lexicon(self) -> Lexicon:
        return lexicon_of(*self.parts.roots, groups=self.parts.groups)


def gather(source: Source, load: Load, errors: Errors) -> Gathered:
    """Read a rulebook's files, no sentence of them yet. Raises `QcError` for what is no YAML."""
    root = read_yaml(source)
    shape = errors.attempt(validate, root, RulebookShape)
    parts = collect(root, load, errors)
    errors.files += parts.sources
    return Gathered(shape, parts)


def read_gathered(gathered: Gathered, errors: Errors) -> Rulebook | None:
    """What `survey` gives for files that are gathered already."""
    shape, parts = gathered.shape, gathered.parts
    if not errors.attempt(check_names, *parts.roots) or not parts.whole:
        return None
    lexicon = gathered.lexicon
    if not lexicon.values:
        return None  # sentences cannot be cut into words
    sentences = _Sentences(
        tuple(read_phrases(parts, lexicon, errors)), tuple(read_rules(parts, lexicon, errors))
    )
    merged = None if shape is None else _merged(shape, parts.roots)
    if merged is None:
        return None
    return _rulebook(merged, parts, sentences, lexicon, errors)


@dataclass(frozen=True)
class _Sentences:
    phrases: tuple[PhraseDecl, ...]
    rules: tuple[RuleDecl, ...]


def _merged(shape: RulebookShape, roots: list[Mapping]) -> RulebookShape | None:
    """The first file's shape with the declarations of all; none where another is out of shape."""
    update: dict[str, dict[str, object]] = {
        "fields": {},
        "tables": {},
        "terms": {},
        "questions": {},
    }
    for part in (shape, *map(_quietly, roots[1:])):
        if part is None:
            return None
        for name, found in update.items():
            update[name] = {**getattr(part, name), **found}
    return shape.model_copy(update=update)


def _quietly(root: Mapping) -> PartShape | None:
    """A part's shape, which has been complained about already where it is wrong."""
    try:
        return validate(root, PartShape)
    except QcError:
        return None


def _rulebook(
    shape: RulebookShape, parts: Parts, sentences: _Sentences, lexicon: Lexicon, errors: Errors
) -> Rulebook | None:
    root = parts.roots[0]
    fields, tables = fields_of(parts, shape), tables_of(parts, shape)
    sound = check_declarations(fields, tables, parts, errors)
    if not fields or not any(r.get("规则", "rules") for r in parts.roots):
        errors.found += _nothing_included(shape, root, bool(fields))
    errors.found += _unknown_department(shape, root)
    errors.found += score_errors(shape.score, root)
    otherwise = errors.attempt(read_otherwise, root, shape)
    questions = errors.attempt(read_questions, parts, shape, lexicon)
    tests = errors.attempt(read_cases, root, shape, labels(parts))
    score = shape.score
    if not sound:
        return None
    return Rulebook(
        source=root.span.source,
        title=shape.title,
        id=shape.id or Path(root.span.source.path).stem,
        version=shape.version,
        basis=shape.basis,
        passed=shape.verdicts.passed,
        failed=shape.verdicts.failed,
        excluded=shape.verdicts.excluded,
        key=shape.case.key,
        fields=fields,
        terms=tuple(terms_of(parts, shape)),
        phrases=sentences.phrases,
        rules=sentences.rules,
        otherwise=otherwise,
        tests=tests or (),
        root=root,
        tables=tables,
        questions=questions or (),
        score=ScoreDecl(score.total, score.a, score.b) if score else None,
        department=shape.case.department,
        sources=parts.sources,
        roots=tuple(parts.roots),
        test_files=tuple(_test_files(shape, root)),
    )


def _test_files(shape: RulebookShape, root: Mapping) -> Iterator[tuple[str, Span]]:
    """The files of further tests, each at its place."""
    for index, name in enumerate(shape.test_files):
        path = (next((key.value for key, _ in root.items if key.value in _TEST_FILES), ""), index)
        yield name, at(root, path)


_TEST_FILES = ("测试文件", "test_files")


def _nothing_included(shape: RulebookShape, root: Mapping, fields: bool) -> list[Diagnostic]:
    """Fields and rules that neither this file nor any that it includes has."""
    zh, en = ("规则", "rules") if fields else ("字段", "fields")
    message = Text(f"缺少“{zh}”，引用的文件里也没有", f"“{en}” is missing, in the includes too")
    return [Diagnostic("QC010", message, root.items[0][0].span)] if shape.include else []


def _unknown_department(shape: RulebookShape, root: Mapping) -> list[Diagnostic]:
    name = shape.case.department
    if name is None or name in shape.fields:
        return []
    span = _at(root, ("病例", "case"), ("科室", "department"))
    message = Text(f"没有字段“{name}”", f"There is no field “{name}”")
    return [Diagnostic("QC101", message, span, did_you_mean(name, list(shape.fields)))]


def _at(root: Mapping, *path: tuple[str, str]) -> Span:
    node: Node | None = root
    span = root.span
    for keys in path:
        node = node.get(*keys) if isinstance(node, Mapping) else None
        span = node.span if node is not None else span
    return span
