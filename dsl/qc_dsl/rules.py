"""The labelled sentences of a rulebook's files: phrases, gates, exceptions, rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qc_dsl import ast
from qc_dsl.errors import Diagnostic, Errors, QcError, Related
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.parts import Parts
from qc_dsl.rulebook import PhraseDecl, RuleDecl, Section
from qc_dsl.sentence import parse_condition, parse_sentence
from qc_dsl.shapes import SECTIONS
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Mapping, Node, Scalar, plain, section


def read_phrases(parts: Parts, lexicon: Lexicon, errors: Errors) -> Iterator[PhraseDecl]:
    """The phrases (说法) of all files; those that cannot be read are left out, and said."""
    return _conditions(parts.section("说法", "phrases"), lexicon, errors)


def _conditions(
    items: Iterable[tuple[Scalar, Node]], lexicon: Lexicon, errors: Errors
) -> Iterator[PhraseDecl]:
    for key, value in items:
        if (condition := errors.attempt(_condition, value, lexicon)) is not None:
            yield PhraseDecl(key.value, key.span, condition)


def _condition(value: Node, lexicon: Lexicon) -> ast.Condition | None:
    return parse_condition(_sentence(value), lexicon) if isinstance(value, Scalar) else None


def read_rules(parts: Parts, lexicon: Lexicon, errors: Errors) -> Iterator[RuleDecl]:
    """The rules of all files; those that cannot be read are left out, and said."""
    firsts = _firsts(parts)
    for name, key, value in _labelled(parts):
        if (first := firsts[fold(key.value)]) is not key:
            errors.found.append(_taken(key, first.span))
        if (rule := errors.attempt(_rule, name, key, value, lexicon, errors)) is not None:
            yield rule


def _firsts(parts: Parts) -> dict[str, Scalar]:
    """The first key of each name, in the order of the files and of their text."""
    files = {id(root.span.source): at for at, root in enumerate(parts.roots)}
    keys = [key for _, key, _ in _labelled(parts)]
    keys.sort(key=lambda key: (files[id(key.span.source)], key.span.start))
    return {fold(key.value): key for key in reversed(keys)}


def labels(parts: Parts) -> set[str]:
    """The names of all rules, whether or not their sentences can be read."""
    return {key.value for _, key, _ in _labelled(parts)}


def _labelled(parts: Parts) -> Iterator[tuple[Section, Scalar, Node]]:
    """The labelled sentences, section by section; applicability may be one bare sentence."""
    for name, keys in SECTIONS.items():
        for root in parts.roots:
            node = root.get(*keys)
            if name == "applicability" and isinstance(node, Scalar):
                yield from ((name, key, node) for key, value in root.items if value is node)
            else:
                yield from ((name, key, value) for key, value in section(root, *keys))


def _rule(
    name: Section, key: Scalar, value: Node, lexicon: Lexicon, errors: Errors
) -> RuleDecl | None:
    text: Node | None = value
    priority = "0"
    exceptions: tuple[PhraseDecl, ...] = ()
    if isinstance(value, Mapping):
        text = value.get("句", "sentence")
        priority = str(plain(value.get("优先级", "priority")) or 0)
        items = section(value, "除外", "exceptions")
        exceptions = tuple(_conditions(items, lexicon, errors))
    if not isinstance(text, Scalar) or plain(text) is None:
        return None  # out of shape, and said so by `validate`
    scalar = _sentence(text)
    sentence = parse_sentence(scalar, lexicon)
    _check_section(name, sentence, scalar.span)
    if isinstance(value, Mapping) and value.get("除外", "exceptions") is not None:
        _check_exceptions(sentence, value)
    number = int(priority) if re.fullmatch(r"[+-]?[0-9]{1,9}", priority) else 0
    written = scalar.value.strip()
    return RuleDecl(key.value, name, number, sentence, written, key.span, exceptions)


def _check_section(name: Section, sentence: ast.Sentence, span: Span) -> None:
    if name == "applicability" and not isinstance(sentence, ast.Gate):
        raise QcError(_only_gates(span))
    if name == "exceptions" and not isinstance(sentence, ast.Equivalence):
        raise QcError(_no_gate_here(span))


def _check_exceptions(sentence: ast.Sentence, value: Mapping) -> None:
    if not isinstance(sentence, ast.Obligation):
        keys = [key for key, _ in value.items if key.value in ("除外", "exceptions")]
        message = Text("“除外”只用于“须 … 否则 缺陷 …”的句子", "“exceptions” belong to “must …”")
        raise QcError(Diagnostic("QC113", message, keys[0].span))


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
