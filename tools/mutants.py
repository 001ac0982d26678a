"""A rulebook with one constant, negation or comparison changed: every one of them, in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qc_dsl import ast
from qc_dsl.ast import Op
from qc_dsl.errors import Errors
from qc_dsl.files import read_included
from qc_dsl.lang import Lang
from qc_dsl.lexicon import Lexicon
from qc_dsl.names import lexicon_of
from qc_dsl.opposite import OPPOSITE
from qc_dsl.parts import collect
from qc_dsl.printer import print_condition, print_number, print_sentence
from qc_dsl.rulebook import Rulebook
from qc_dsl.sentence import parse_condition, parse_sentence
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Scalar

_EDGE = {Op.GT: Op.GE, Op.GE: Op.GT, Op.LT: Op.LE, Op.LE: Op.LT}
_EDGE |= {Op.BEFORE: Op.NOT_AFTER, Op.NOT_AFTER: Op.BEFORE}
_EDGE |= {Op.AFTER: Op.NOT_BEFORE, Op.NOT_BEFORE: Op.AFTER}
_ROWS: dict[ast.Quantifier, ast.Quantifier] = {"exists": "not_exists", "not_exists": "exists"}
_PICKED: dict[ast.Quantifier, ast.Quantifier] = {"latest": "first", "first": "latest"}
_COUNTED = ("at_least", "at_most", "exactly")
_TURNED: dict[ast.Direction, ast.Direction] = {"after": "before", "before": "after"}
Variant = tuple[str, ast.Condition]


def variants(condition: ast.Condition) -> Iterator[Variant]:
    """The condition with one thing changed, each with what kind of thing it is."""
    yield from _own(condition)
    for at, child in enumerate(ast.children(condition)):
        for kind, changed in variants(child):
            yield kind, _with_child(condition, at, changed)


def _with_child(condition: ast.Condition, at: int, child: ast.Condition) -> ast.Condition:
    match condition:
        case ast.Not():
            return replace(condition, item=child)
        case ast.And(items=items) | ast.Or(items=items):
            return replace(condition, items=(*items[:at], child, *items[at + 1 :]))
        case ast.Quantified(filter=filter_):
            if filter_ is not None and at == 0:
                return replace(condition, filter=child)
            return replace(condition, body=child)
    raise TypeError(condition)


def _own(condition: ast.Condition) -> Iterator[Variant]:
    match condition:
        case ast.Not(item=item):
            yield "negation", item
        case ast.Predicate():
            yield from _operators(condition)
            yield from _operands(condition)
        case ast.Measured(amount=amount):
            yield from _operators(condition)
            for changed in _moved(amount):
                yield "constant", replace(condition, amount=changed)
        case ast.Within(amount=amount, direction=direction):
            for changed in _moved(amount):
                assert isinstance(changed, ast.Amount)
                yield "constant", replace(condition, amount=changed)
            if direction in _TURNED:
                yield "comparison", replace(condition, direction=_TURNED[direction])
        case ast.Quantified():
            yield from _of_rows(condition)
        case ast.Ask(kind="reflects" | "conforms" | "contradict" | "related", negated=negated):
            yield "negation", replace(condition, negated=not negated)


def _of_rows(condition: ast.Quantified) -> Iterator[Variant]:
    kind, count = condition.kind, condition.count
    if kind in _COUNTED:
        for number in sorted({count + 1, max(1, count - 1)} - {count}):
            yield "constant", replace(condition, count=number)
    if kind in _ROWS:
        yield "negation", replace(condition, kind=_ROWS[kind])
    if kind in _PICKED:
        yield "comparison", replace(condition, kind=_PICKED[kind])


def _operators(condition: ast.Predicate | ast.Measured) -> Iterator[Variant]:
    if condition.op in _EDGE:
        yield "comparison", replace(condition, op=_EDGE[condition.op])
    several = isinstance(condition, ast.Predicate) and len(condition.operands) > 1
    if several and condition.op in (Op.EQ, Op.CONTAINS, Op.MENTIONS, Op.LITERAL_MENTIONS):
        yield "negation", ast.Not(condition, span=condition.span)
    elif condition.op in OPPOSITE:
        yield "negation", replace(condition, op=OPPOSITE[condition.op])


def _operands(condition: ast.Predicate) -> Iterator[Variant]:
    operands = condition.operands
    for at, operand in enumerate(operands):
        if len(operands) > 1 and isinstance(operand, ast.Literal):
            rest = (*operands[:at], *operands[at + 1 :])
            join = condition.join if len(rest) > 1 else "any"
            yield "constant", replace(condition, operands=rest, join=join)
        elif condition.op is Op.MATCHES and isinstance(operand, ast.Literal):
            never = replace(operand, text=f"〇(?:{operand.text})")
            yield "constant", replace(condition, operands=(never,))
        elif not isinstance(operand, ast.Name):
            for changed in _moved(operand):
                fewer = (*operands[:at], changed, *operands[at + 1 :])
                yield "constant", replace(condition, operands=fewer)


def _moved(constant: ast.Literal | ast.Amount) -> Iterator[ast.Literal | ast.Amount]:
    """One more and one less; a text with a character that stands nowhere."""
    if isinstance(constant, ast.Amount):
        for step in (1, -1):
            if constant.number + step > 0:
                yield replace(constant, number=constant.number + step)
    elif constant.kind == "number":
        for step in (1, -1):
            yield replace(constant, text=print_number(float(constant.text) + step))
    else:
        yield replace(constant, text=f"{constant.text}〇")


@dataclass(frozen=True)
class Mutant:
    """A rulebook that differs in one place."""

    where: str
    kind: str
    text: str
    rulebook: Rulebook


class Mutants:
    """The mutants of a rulebook; each sentence is printed and read again."""

    def __init__(self, rulebook: Rulebook, lang: Lang) -> None:
        self.rulebook, self.lang = rulebook, lang
        parts = collect(rulebook.root, read_included, Errors())
        self.lexicon: Lexicon = lexicon_of(*parts.roots, groups=parts.groups)

    def __iter__(self) -> Iterator[Mutant]:
        yield from self._phrases()
        for at, rule in enumerate(self.rulebook.rules):
            for kind, sentence in _sentences(rule.sentence):
                text = print_sentence(sentence, self.lang)
                read = parse_sentence(_scalar(text), self.lexicon)
                assert read == sentence, text
                yield self._rule(at, kind, text, sentence=read)
            for number, exception in enumerate(rule.exceptions):
                for kind, condition in variants(exception.condition):
                    text = print_condition(condition, self.lang)
                    changed = replace(exception, condition=self._read(text, condition))
                    every = (*rule.exceptions[:number], changed, *rule.exceptions[number + 1 :])
                    yield self._rule(at, kind, f"{exception.name}: {text}", exceptions=every)

    def _phrases(self) -> Iterator[Mutant]:
        phrases = self.rulebook.phrases
        for at, phrase in enumerate(phrases):
            for kind, condition in variants(phrase.condition):
                text = print_condition(condition, self.lang)
                changed = replace(phrase, condition=self._read(text, condition))
                every = (*phrases[:at], changed, *phrases[at + 1 :])
                yield Mutant(phrase.name, kind, text, replace(self.rulebook, phrases=every))

    def _read(self, text: str, condition: ast.Condition) -> ast.Condition:
        read = parse_condition(_scalar(text), self.lexicon)
        assert read == condition, text
        return read

    def _rule(self, at: int, kind: str, text: str, **changed: object) -> Mutant:
        rules = self.rulebook.rules
        rule = replace(rules[at], **changed)  # type: ignore[arg-type]
        every = (*rules[:at], rule, *rules[at + 1 :])
        return Mutant(rule.id, kind, text, replace(self.rulebook, rules=every))


def _scalar(text: str) -> Scalar:
    return Scalar(text, Span(Source("mutant", text), 0, len(text)))


def _sentences(sentence: ast.Sentence) -> Iterator[tuple[str, ast.Sentence]]:
    for kind, changed in variants(sentence.condition):
        yield kind, replace(sentence, condition=changed)
    if not isinstance(sentence, ast.Gate) and sentence.scope is not None:
        for kind, changed in variants(sentence.scope):
            yield kind, replace(sentence, scope=changed)
