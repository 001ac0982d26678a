"""One sentence: text to syntax tree, with every mistake of the sentence at its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from lark import Lark, Token, Transformer, Tree, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.tree import Meta

from qc_dsl import ast, complaints
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lexicon import Lexicon, UnterminatedQuoteError, normalise
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Scalar

_PAIRWISE = {"SIDES_DIFFER", "TERMS_DIFFER"}  # subject, 与, another field, … , this word


@dataclass(frozen=True)
class _Bracketed:
    """A condition in brackets, until its parent has seen that it was."""

    item: ast.Condition


def _bare(item: ast.Condition | _Bracketed) -> ast.Condition:
    return item.item if isinstance(item, _Bracketed) else item


@v_args(meta=True)
class _ToAst(Transformer[Token, Any]):
    """Builds the tree bottom up; what the grammar cannot say is collected in ``errors``."""

    def __init__(self, text: str, place: Callable[[int, int], Span], lexicon: Lexicon) -> None:
        super().__init__()
        self.text, self.place, self.lexicon = text, place, lexicon
        self.errors: list[Diagnostic] = []
        self.subject: ast.Name | None = None

    def span(self, at: Token | Meta) -> Span:
        end = at.end_pos
        assert at.start_pos is not None
        assert end is not None
        return self.place(at.start_pos, end)

    # words

    def ARROW(self, token: Token) -> Token:  # noqa: N802 - named by the grammar
        self.subject = None  # what stands before the arrow does not speak for what follows
        return token

    def FIELD(self, token: Token) -> ast.Name:  # noqa: N802
        return self.name(token, self.lexicon.fields)

    def TERM(self, token: Token) -> ast.Name:  # noqa: N802
        return self.name(token, self.lexicon.terms)

    def PHRASE(self, token: Token) -> ast.Name:  # noqa: N802
        return self.name(token, self.lexicon.phrases)

    def VERDICT(self, token: Token) -> ast.Name:  # noqa: N802
        return self.name(token, self.lexicon.verdicts)

    def name(self, token: Token, known: tuple[str, ...]) -> ast.Name:
        """The rulebook's own spelling of a name that was matched in folded form."""
        spelling = {normalise(word): word for word in known}
        return ast.Name(spelling.get(str(token), str(token)), span=self.span(token))

    def STRING(self, token: Token) -> ast.Literal:  # noqa: N802
        assert token.start_pos is not None
        inner = self.text[token.start_pos + 1 : (token.end_pos or 0) - 1]
        if not inner.strip():
            self.errors.append(complaints.empty_literal(self.span(token)))
        return ast.Literal(inner, "text", span=self.span(token))

    def NUMBER(self, token: Token) -> ast.Literal:  # noqa: N802
        return ast.Literal(str(token), "number", span=self.span(token))

    # sentences

    def unknown(self, meta: Meta, children: list[Token]) -> None:
        self.errors.append(complaints.not_a_condition(self.span(meta)))

    def gate(self, meta: Meta, children: list[Any]) -> ast.Gate:
        _, condition, *_, verdict = children
        return ast.Gate(_bare(condition), verdict, span=self.span(meta))

    def scoped(self, meta: Meta, children: list[Any]) -> ast.Equivalence:
        _, scope, _, condition, _, verdict, *otherwise = children
        last = otherwise[0] if otherwise else None
        return ast.Equivalence(_bare(scope), _bare(condition), verdict, last, span=self.span(meta))

    def unscoped(self, meta: Meta, children: list[Any]) -> ast.Equivalence:
        _, condition, *rest = children
        verdicts = [child for child in rest if isinstance(child, ast.Name)]
        last = verdicts[1] if len(verdicts) > 1 else None
        return ast.Equivalence(None, _bare(condition), verdicts[0], last, span=self.span(meta))

    def verdict(self, meta: Meta, children: list[ast.Operand]) -> ast.Name:
        (word,) = children
        if word.text not in self.lexicon.verdicts:
            self.errors.append(complaints.unknown_verdict(word, self.lexicon.verdicts))
        return ast.Name(word.text, span=word.span)

    def otherwise(self, meta: Meta, children: list[Any]) -> ast.Name:
        return cast(ast.Name, children[-1])

    # conditions

    def disjunction(self, meta: Meta, children: list[Any]) -> ast.Condition | _Bracketed:
        parts = children[::2]
        if len(parts) == 1:
            return cast("ast.Condition | _Bracketed", parts[0])
        if any(isinstance(part, ast.And) for part in parts):
            self.errors.append(complaints.mixed_connectives([*map(_bare, parts)], self.span(meta)))
        return ast.Or(tuple(map(_bare, parts)), span=self.span(meta))

    def conjunction(self, meta: Meta, children: list[Any]) -> ast.Condition | _Bracketed:
        parts = children[::2]
        return ast.And(tuple(map(_bare, parts)), span=self.span(meta))

    def negated(self, meta: Meta, children: list[Any]) -> ast.Not:
        return ast.Not(_bare(children[1]), span=self.span(meta))

    def bracketed(self, meta: Meta, children: list[Any]) -> _Bracketed:
        return _Bracketed(_bare(children[0]))

    def phrase(self, meta: Meta, children: list[ast.Name]) -> ast.Phrase:
        return ast.Phrase(children[0], span=self.span(meta))

    # predicates

    def values(self, meta: Meta, children: list[Any]) -> Tree[Any]:
        return Tree("values", children)

    def members(self, meta: Meta, children: list[Any]) -> Tree[Any]:
        return Tree("values", children)

    def joiner(self, meta: Meta, children: list[Token]) -> Token:
        return children[0]

    def predicate(self, meta: Meta, children: list[Any]) -> ast.Predicate:
        span = self.span(meta)
        if isinstance(children[0], ast.Name):
            self.subject = children[0]
            children = children[1:]
        elif self.subject is None:
            self.errors.append(complaints.no_subject(span))
        subject = self.subject or ast.Name("", span=span)
        if isinstance(children[-1], Token) and children[-1].type in _PAIRWISE:
            names = tuple(child for child in children if isinstance(child, ast.Name))
            return ast.Predicate(subject, ast.Op(children[-1].type), names, span=span)
        op, operands, joiners = self.op_and_operands(children)
        problem, join = complaints.check_values(op, operands, joiners, span)
        if problem:
            self.errors.append(problem)
        return ast.Predicate(subject, op, operands, join, span=span)

    def op_and_operands(
        self, children: list[Any]
    ) -> tuple[ast.Op, tuple[ast.Operand, ...], set[str]]:
        op, *rest = children
        flat = rest[0].children if rest and isinstance(rest[0], Tree) else rest
        operands = tuple(x for x in flat if isinstance(x, (ast.Name, ast.Literal)))
        joiners = {x.type for x in flat if isinstance(x, Token)}
        return ast.Op(op.type), operands, joiners


def _recover(
    parser: Lark, text: str, lexicon: Lexicon, place: Callable[[int, int], Span]
) -> tuple[Tree[Token] | None, list[Diagnostic]]:
    """Parse; a misspelt name is reported and taken as some name, so that the next is seen too."""
    errors: list[Diagnostic] = []
    recovered = -1  # where the last name that was taken as another ends

    def on_error(error: UnexpectedInput) -> bool:
        nonlocal recovered
        if not isinstance(error, UnexpectedToken):
            return False
        if recovered >= 0 and not text[recovered : error.token.start_pos].strip():
            return False  # no mistake of its own: what was put in for the name does not fit
        accepts = set(error.interactive_parser.accepts())  # type: ignore[no-untyped-call]
        errors.append(complaints.unexpected(error.token, accepts, text, lexicon, place))
        for kind, known in (("FIELD", lexicon.fields), ("VERDICT", lexicon.verdicts)):
            if error.token.type == "UNKNOWN" and kind in accepts and known:
                token = Token.new_borrow_pos(kind, known[0], error.token)
                error.interactive_parser.feed_token(token)
                recovered = error.token.end_pos or 0
                return True
        return False

    try:
        return parser.parse(text, on_error=on_error), errors
    except UnexpectedInput:
        return None, errors


def parse_sentence(scalar: Scalar, lexicon: Lexicon) -> ast.Sentence:
    """The tree of a sentence. Raises `QcError` with all of its mistakes."""
    _begins(scalar, lexicon, True, complaints.not_a_sentence)
    return cast(ast.Sentence, _parse(scalar, lexicon, lexicon.parser))


def parse_condition(scalar: Scalar, lexicon: Lexicon) -> ast.Condition:
    """The tree of a condition that stands alone, as a phrase's meaning does."""
    _begins(scalar, lexicon, False, complaints.not_a_condition)
    return _bare(cast(ast.Condition, _parse(scalar, lexicon, lexicon.condition_parser)))


def _folded(scalar: Scalar) -> str:
    try:
        return normalise(scalar.value)
    except UnterminatedQuoteError as error:
        bad = complaints.unterminated(scalar.value, error.start, scalar.span_of)
        raise QcError(bad) from None


def _begins(
    scalar: Scalar, lexicon: Lexicon, wanted: bool, complaint: Callable[[Span], Diagnostic]
) -> None:
    """Whether the text begins with 如果 or 当, as ``wanted``; else one complaint about it all."""
    first = next(lexicon.parser.lex(_folded(scalar)), None)
    if first is not None and (first.type in ("IF", "WHEN")) is not wanted:
        raise QcError(complaint(scalar.span_of(0, len(scalar.value.rstrip()))))


def _parse(scalar: Scalar, lexicon: Lexicon, parser: Lark) -> object:
    text, folded = scalar.value, _folded(scalar)
    tree, errors = _recover(parser, folded, lexicon, scalar.span_of)
    if tree is None or errors:
        raise QcError(*errors)
    builder = _ToAst(text, scalar.span_of, lexicon)
    sentence = builder.transform(tree)
    if builder.errors:
        raise QcError(*builder.errors)
    return sentence
