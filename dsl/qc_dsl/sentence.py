"""One sentence: text to syntax tree, with every mistake of the sentence at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib import resources
from itertools import chain
from typing import Literal, cast

from lark import Lark, Token, Tree
from lark.common import LexerConf
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.lexer import Lexer
from lark.parsers.lalr_interactive_parser import InteractiveParser

from qc_dsl import ast, complaints
from qc_dsl.build import ToAst, bare
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.folders import parser_file
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lexicon import Lexicon
from qc_dsl.quotes import UnterminatedQuoteError, normalise
from qc_dsl.source import Span
from qc_dsl.unexpected import unexpected
from qc_dsl.yaml_reader import Scalar

_OWN = (
    "FIELD", "TABLE", "TERM", "PHRASE", "VERDICT", "STRING", "NUMBER", "AMOUNT", "COUNT", "POINTS",
    "VALUE_OR", "VALUE_AND", "VALUE_COMMA", "UNKNOWN",
    "_STOP",
)  # fmt: skip
_DEEPEST = 120  # levels of a tree: about 30 of brackets in brackets
# What a sentence begins with, and a condition does not.
_OPENERS = {"IF", "WHEN", "EACH", "MUST", "MUST_NOT"}


class _Cut(Lexer):
    """Hands on the tokens that a lexicon has cut, so that one parser serves every lexicon."""

    def __init__(self, conf: LexerConf) -> None:
        """Called by Lark; nothing in its configuration matters here."""

    def lex(self, data: Iterator[Token]) -> Iterator[Token]:  # type: ignore[override]
        return data


@cache
def _parser() -> Lark:
    """The LALR parser of all sentences. Building it takes a good part of a second.

    So Lark keeps what it has built, under a hash of the grammar, its options and versions; a
    file that is torn or of another grammar is built anew.
    """
    kept = parser_file()
    grammar = resources.files("qc_dsl").joinpath("grammar/sentence.lark").read_text("utf-8")
    return Lark(
        f"{grammar}\n%declare {' '.join([*_OWN, *KEYWORDS])}",
        start=["sentence", "lone_condition"],
        parser="lalr",
        lexer=_Cut,
        propagate_positions=True,
        maybe_placeholders=False,
        cache=str(kept) if kept else False,
    )


Start = Literal["sentence", "lone_condition"]


def interactive(start: Start) -> InteractiveParser:
    """A parser that has read nothing yet and is fed word by word."""
    return _parser().parse_interactive(start=start)


@lru_cache(maxsize=4096)
def _sound(start: str, text: str, lexicon: Lexicon) -> Tree[Token] | None:
    """The tree of a text without a mistake, kept: of a rulebook being edited, most stays as it was.

    Its places are those in the text, so that it serves wherever the text stands.
    """
    try:
        return _parser().parse(_words(start, text, lexicon), start=start)
    except UnexpectedInput:
        return None


@lru_cache(maxsize=8)
def _one_of_equals(lexicon: Lexicon) -> Lexicon:
    """The first of lexicons that are equal, so that its words are put in order only once."""
    return lexicon


def _words(start: str, text: str, lexicon: Lexicon) -> str:
    end = [Token("_STOP", "")] if start == "lone_condition" else []
    return cast(str, chain(lexicon.lex(text), end))  # Lark's types know of texts only


def _recover(
    start: str, text: str, lexicon: Lexicon, place: Callable[[int, int], Span]
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
        errors.append(unexpected(error.token, accepts, text, lexicon, place))
        for kind, known in _replacements(lexicon):
            if error.token.type == "UNKNOWN" and kind in accepts and known:
                token = Token.new_borrow_pos(kind, known[0], error.token)
                error.interactive_parser.feed_token(token)
                recovered = error.token.end_pos or 0
                return True
        return False

    try:
        words = _words(start, text, lexicon)
        return _parser().parse(words, start=start, on_error=on_error), errors
    except UnexpectedInput:
        return None, errors


def _replacements(lexicon: Lexicon) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("FIELD", lexicon.values),
        ("TABLE", lexicon.table_names),
        ("VERDICT", lexicon.verdicts),
    )


def parse_sentence(scalar: Scalar, lexicon: Lexicon) -> ast.Sentence:
    """The tree of a sentence. Raises `QcError` with all of its mistakes."""
    return cast(ast.Sentence, _parse(scalar, lexicon, "sentence"))


def parse_condition(scalar: Scalar, lexicon: Lexicon) -> ast.Condition:
    """The tree of a condition that stands alone, as a phrase's meaning does."""
    return bare(cast(ast.Condition, _parse(scalar, lexicon, "lone_condition")))


def _folded(scalar: Scalar) -> str:
    try:
        return normalise(scalar.value)
    except UnterminatedQuoteError as error:
        bad = complaints.unterminated(scalar.value, error.start, scalar.span_of)
        raise QcError(bad) from None


def _check_begins(start: str, folded: str, scalar: Scalar, lexicon: Lexicon) -> None:
    """Whether a sentence begins as one, and a condition does not; else one complaint about it."""
    first = next(lexicon.lex(folded), None)
    wanted = start == "sentence"
    if first is not None and (first.type in _OPENERS) is not wanted:
        complaint = complaints.not_a_sentence if wanted else complaints.not_a_condition
        raise QcError(complaint(scalar.span_of(0, len(scalar.value.rstrip()))))


def _depth(tree: Tree[Token]) -> int:
    """How deep a tree is nested, found without going as deep oneself."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for one in level for child in one.children if isinstance(child, Tree)]
    return depth


def _parse(scalar: Scalar, lexicon: Lexicon, start: str) -> object:
    folded, lexicon = _folded(scalar), _one_of_equals(lexicon)
    _check_begins(start, folded, scalar, lexicon)
    tree, errors = _sound(start, folded, lexicon), list[Diagnostic]()
    if tree is None:
        tree, errors = _recover(start, folded, lexicon, scalar.span_of)
    if tree is None or errors:
        raise QcError(*errors)
    if len(folded) > _DEEPEST and _depth(tree) > _DEEPEST:
        raise QcError(complaints.too_deep(scalar.span_of(0, len(scalar.value.rstrip()))))
    builder = ToAst(scalar.value, folded, scalar.span_of, lexicon)
    sentence = builder.transform(tree)
    if builder.errors:
        raise QcError(*builder.errors)
    return sentence
