"""A rulebook file to a `Rulebook`, or all of its mistakes at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from qc_dsl import ast
from qc_dsl.cases import read_cases
from qc_dsl.errors import Diagnostic, Errors, QcError, Related
from qc_dsl.lang import Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.names import check_names, lexicon_of
from qc_dsl.question import read_otherwise
from qc_dsl.rulebook import (
    CaseDecl,
    FieldDecl,
    PhraseDecl,
    QuestionDecl,
    Rulebook,
    RuleDecl,
    Section,
    TermDecl,
)
from qc_dsl.schema import SECTIONS, RulebookShape, validate
from qc_dsl.sentence import parse_condition, parse_sentence
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping, Node, Scalar, plain, read_yaml, section

MAX_BYTES = 2 * 1024 * 1024


def read_rulebook(path: Path) -> Rulebook:
    """The rulebook in a file. Raises `QcError` with all of the file's mistakes."""
    return parse_rulebook(read_source(path))


def read_source(path: Path) -> Source:
    """A rulebook file's text: UTF-8, at most 2 MiB."""
    place = Text(str(path), str(path))
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise QcError(_unreadable(error, place)) from None
    if size > MAX_BYTES:
        message = Text(f"文件有 {size:,} 字节，太大了", f"The file has {size:,} bytes: too large")
        help_ = Text("规则集最大 2 MiB；请确认没有选错文件", "A rulebook is at most 2 MiB")
        raise QcError(Diagnostic("QC001", message, help=help_, place=place))
    try:
        return Source(str(path), data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = len(data[: error.start].rpartition(b"\n")[2].decode("utf-8-sig")) + 1
        place = Text(f"{path}:{line}:{column}", f"{path}:{line}:{column}")
        message = Text(f"第 {line} 行不是 UTF-8 编码", f"Line {line} is not UTF-8")
        help_ = Text("请另存为 UTF-8（记事本：另存为 → 编码 UTF-8）", "Save the file as UTF-8")
        raise QcError(Diagnostic("QC001", message, help=help_, place=place)) from None


def _unreadable(error: OSError, place: Text) -> Diagnostic:
    if isinstance(error, FileNotFoundError):
        message = Text("规则集文件不存在", "There is no such rulebook")
        return Diagnostic("QC001", message, place=place)
    if isinstance(error, IsADirectoryError):
        message = Text("这是文件夹，不是规则集文件", "This is a folder, not a rulebook")
        help_ = Text("请写出文件名，例如 规则/*.yaml", "Name its files, such as rules/*.yaml")
        return Diagnostic("QC001", message, place=place, help=help_)
    message = Text("规则集文件读不了", "The rulebook cannot be read")
    return Diagnostic("QC001", message, place=place)


def parse_rulebook(source: Source) -> Rulebook:
    """The rulebook in a text. Raises `QcError` with all of its mistakes."""
    rulebook, errors = survey(source)
    errors.raise_any()
    assert rulebook is not None
    return rulebook


def survey(source: Source) -> tuple[Rulebook | None, Errors]:
    """What can be read of a rulebook, without its wrong sentences, and all that is wrong.

    There is no rulebook where the file's shape or its names are wrong. Raises `QcError` where
    the file is no YAML at all.
    """
    root = read_yaml(source)
    errors = Errors()
    shape = errors.attempt(validate, root)
    lexicon = lexicon_of(root)
    if not errors.attempt(check_names, root) or not lexicon.fields:
        return None, errors  # sentences cannot be cut into words
    phrases = tuple(_phrases(root, lexicon, errors))
    rules = tuple(_rules(root, lexicon, errors))
    if shape is None:
        return None, errors
    labels = {key.value for section_ in SECTIONS.items() for key, _ in _labelled(root, *section_)}
    otherwise = errors.attempt(read_otherwise, root, shape)
    tests = errors.attempt(read_cases, root, shape, labels)
    return _rulebook(root, shape, phrases, rules, otherwise, tests or ()), errors


def _rulebook(
    root: Mapping,
    shape: RulebookShape,
    phrases: tuple[PhraseDecl, ...],
    rules: tuple[RuleDecl, ...],
    otherwise: QuestionDecl | str | None,
    tests: tuple[CaseDecl, ...],
) -> Rulebook:
    source = root.span.source
    return Rulebook(
        source=source,
        title=shape.title,
        id=shape.id or Path(source.path).stem,
        version=shape.version,
        basis=shape.basis,
        passed=shape.verdicts.passed,
        failed=shape.verdicts.failed,
        excluded=shape.verdicts.excluded,
        key=shape.case.key,
        fields=tuple(_fields(root, shape)),
        terms=tuple(_terms(root, shape)),
        phrases=phrases,
        rules=rules,
        otherwise=otherwise,
        tests=tests,
        root=root,
    )


def _fields(root: Mapping, shape: RulebookShape) -> Iterator[FieldDecl]:
    for key, _ in section(root, "字段", "fields"):
        given = shape.fields[key.value]
        columns = tuple(given.columns) if given else ()
        yield FieldDecl(
            name=key.value,
            span=key.span,
            type=given.type if given else "text",
            columns=columns if key.value in columns else (key.value, *columns),
            label=given.label if given else None,
            separator=given.separator if given else None,
            values=tuple(given.values) if given else (),
        )


def _terms(root: Mapping, shape: RulebookShape) -> Iterator[TermDecl]:
    for key, _ in section(root, "词表", "terms"):
        yield TermDecl(key.value, key.span, tuple(shape.terms[key.value]))


def _phrases(root: Mapping, lexicon: Lexicon, errors: Errors) -> Iterator[PhraseDecl]:
    for key, value in section(root, "说法", "phrases"):
        if (condition := errors.attempt(_phrase, value, lexicon)) is not None:
            yield PhraseDecl(key.value, key.span, condition)


def _phrase(value: Node, lexicon: Lexicon) -> ast.Condition | None:
    return parse_condition(_sentence(value), lexicon) if isinstance(value, Scalar) else None


def _rules(root: Mapping, lexicon: Lexicon, errors: Errors) -> Iterator[RuleDecl]:
    seen: dict[str, Span] = {}
    for name, keys in SECTIONS.items():
        for key, value in _labelled(root, name, keys):
            if key.value in seen:
                errors.found.append(_taken(key, seen[key.value]))
            seen.setdefault(key.value, key.span)
            if (rule := errors.attempt(_rule, name, key, value, lexicon)) is not None:
                yield rule


def _labelled(root: Mapping, name: Section, keys: tuple[str, str]) -> Iterable[tuple[Scalar, Node]]:
    """The labelled sentences of a section; applicability may be one bare sentence."""
    if name == "applicability" and isinstance(node := root.get(*keys), Scalar):
        return [(key, node) for key, value in root.items if value is node]
    return section(root, *keys)


def _rule(name: Section, key: Scalar, value: Node, lexicon: Lexicon) -> RuleDecl | None:
    text: Node | None = value
    priority = "0"
    if isinstance(value, Mapping):
        text = value.get("句", "sentence")
        priority = str(plain(value.get("优先级", "priority")) or 0)
    if not isinstance(text, Scalar) or plain(text) is None:
        return None  # out of shape, and said so by `validate`
    scalar = _sentence(text)
    sentence = parse_sentence(scalar, lexicon)
    if name == "applicability" and not isinstance(sentence, ast.Gate):
        raise QcError(_only_gates(scalar.span))
    if name == "exceptions" and isinstance(sentence, ast.Gate):
        raise QcError(_no_gate_here(scalar.span))
    number = int(priority) if priority.lstrip("+-").isdigit() else 0
    return RuleDecl(key.value, name, number, sentence, scalar.value.strip(), key.span)


def _sentence(scalar: Scalar) -> Scalar:
    if scalar.style != ">":
        return scalar
    message = Text("句子不能用“>”折叠写法", "A sentence cannot be a folded “>” block")
    help_ = Text("请把 > 改成 |", "Write | instead of >")
    raise QcError(Diagnostic("QC013", message, scalar.span, help_))


def _taken(key: Scalar, first: Span) -> Diagnostic:
    message = Text(f"规则名“{key.value}”已经用过", f"The rule name “{key.value}” is taken")
    help_ = Text("每条规则要有自己的名字", "Every rule needs a name of its own")
    there = Related(first, Text("第一次在这里", "first given here"))
    return Diagnostic("QC005", message, key.span, help_, related=(there,))


def _only_gates(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC113",
        Text("“适用”里只能写“如果 … 不适用”", "Applicability holds “if …” sentences only"),
        span,
        Text("其他句子请放到“规则”", "Put other sentences under “rules”"),
    )


def _no_gate_here(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC113",
        Text("“例外”里只能写“当 …”", "Exceptions hold “when …” sentences only"),
        span,
        Text("“如果 … 不适用”请放到“适用”或“规则”", "Put “if …” under “applicability” or “rules”"),
    )
