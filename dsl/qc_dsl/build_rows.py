"""The part of the tree builder for words, rows of tables, windows, measures and questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from lark import Token, Tree
from lark.tree import Meta

from qc_dsl import ast, complaints, number_errors
from qc_dsl.errors import Diagnostic
from qc_dsl.keywords import UNITS
from qc_dsl.lexicon import Lexicon
from qc_dsl.numerals import WRITTEN, leading_number, written_in
from qc_dsl.source import Span


@dataclass(frozen=True)
class Bracketed:
    """A condition in brackets, until its parent has seen that it was."""

    item: ast.Condition


@dataclass(frozen=True)
class _Body:
    """A quantifier's body, until the quantifier has seen how it was written."""

    item: ast.Condition
    enclosed: bool
    introduced: bool = False


def bare(item: ast.Condition | Bracketed) -> ast.Condition:
    return item.item if isinstance(item, Bracketed) else item


_QUANTIFIERS: dict[str, ast.Quantifier] = {
    "EXISTS": "exists", "NOT_EXISTS": "not_exists", "AT_LEAST": "at_least", "AT_MOST": "at_most",
    "EXACTLY": "exactly", "ALL": "all", "ALL_OR_NONE": "all_or_none", "LATEST": "latest",
    "FIRST": "first",
}  # fmt: skip
_ASKED: dict[str, ast.Asked] = {
    "SAME_PROCEDURE": "same_procedure", "RELATED": "related", "CONTRADICT": "contradict",
    "REFLECTS": "reflects", "CONFORMS": "conforms", "JUDGED": "judge",
}  # fmt: skip
_DIRECTIONS: dict[str, ast.Direction] = {
    "LATER": "after", "AFTER": "after", "EARLIER": "before", "BEFORE": "before",
    "AROUND": "around",
}  # fmt: skip
UNIT_OF = {form: cast(ast.Unit, name) for name, unit in UNITS.items() for form in unit.forms}


class RowsToAst:
    """What `qc_dsl.build.ToAst` is built on: it knows the text, its places and its names.

    A method named after a terminal gets its token, one named after a rule the place and the
    built children of what the rule matched.
    """

    def __init__(
        self, text: str, folded: str, place: Callable[[int, int], Span], lexicon: Lexicon
    ) -> None:
        self.text, self.folded, self.place, self.lexicon = text, folded, place, lexicon
        self.errors: list[Diagnostic] = []
        self.subject: ast.Name | None = None
        self.open_ends: set[int] = set()  # where a body without brackets ends
        self.closed_ends: set[int] = set()  # where brackets end that no 满足 introduced

    def transform(self, node: Tree[Token] | Token) -> Any:
        """What a part of the grammar's tree stands for, its children first, in their order."""
        if isinstance(node, Token):
            word = getattr(self, node.type, None)
            return word(node) if word else node
        return getattr(self, node.data)(node.meta, [self.transform(c) for c in node.children])

    def span(self, at: Token | Meta) -> Span:
        end = at.end_pos
        assert at.start_pos is not None
        assert end is not None
        return self.place(at.start_pos, end)

    def word_end(self, token: Token) -> int:
        """Where the word before a token ends."""
        return len(self.folded[: token.start_pos].rstrip(" \t\r\n,;:.。"))

    def place_in(self, literal: ast.Literal, start: int, end: int) -> Span:
        """The place of some characters of a literal of this sentence."""
        offsets = range(len(self.text))
        at = next(i for i in offsets if self.place(i, i + 1).start == literal.span.start) + 1
        return self.place(at + start, at + end)

    # words

    def ARROW(self, token: Token) -> Token:  # noqa: N802 - named by the grammar
        self.subject = None  # what stands before the arrow does not speak for what follows
        return token

    MUST = MUST_NOT = ARROW

    def FIELD(self, token: Token) -> ast.Name:  # noqa: N802
        """The rulebook's own spelling of a name that was matched in folded form."""
        return ast.Name(self.lexicon.spelling.get(token, str(token)), span=self.span(token))

    TERM = PHRASE = VERDICT = FIELD

    def TABLE(self, token: Token) -> ast.Name:  # noqa: N802
        self.subject = None  # what is said of the case is not said of its rows
        return self.FIELD(token)

    def STRING(self, token: Token) -> ast.Literal:  # noqa: N802
        assert token.start_pos is not None
        inner = self.text[token.start_pos + 1 : (token.end_pos or 0) - 1]
        if not inner.strip():
            self.errors.append(complaints.empty_literal(self.span(token)))
        return ast.Literal(inner, "text", span=self.span(token))

    def NUMBER(self, token: Token) -> ast.Literal:  # noqa: N802
        return ast.Literal(str(token), "number", span=self.span(token))

    def COUNT(self, token: Token) -> ast.Literal:  # noqa: N802
        digits = WRITTEN.match(token)
        text = digits[0] if digits else f"{leading_number(token)[0]:g}"
        return ast.Literal(text, "number", span=self.span(token))

    def AMOUNT(self, token: Token) -> ast.Amount:  # noqa: N802
        number, unit = leading_number(token)
        return ast.Amount(number, UNIT_OF[" ".join(unit.split())], span=self.span(token))

    def POINTS(self, token: Token) -> float:  # noqa: N802
        written, start = written_in(token), token.start_pos or 0
        if written[0].startswith("-"):
            place = self.place(start + written.start(), start + written.end())
            self.errors.append(number_errors.negative_points(written[0], place))
        return float(written[0])

    # subjects

    def subject_of(self, children: list[Any], span: Span) -> tuple[ast.Name, list[Any]]:
        """The field that is spoken of, and the rest; left out, it is the one before."""
        if isinstance(children[0], ast.Name):
            self.subject = children[0]
            return children[0], children[1:]
        if self.subject is None:
            self.errors.append(complaints.no_subject(span))
        return self.subject or ast.Name("", span=span), children

    def fields(self, meta: Meta, children: list[Any]) -> tuple[ast.Name, ...]:
        return tuple(child for child in children if isinstance(child, ast.Name))

    def pair(self, fields: tuple[ast.Name, ...], op: Token) -> tuple[ast.Name, ast.Name]:
        """Exactly two fields, as 与 … 侧别不同 and its like compare."""
        self.subject = fields[0]
        if len(fields) != 2:
            span = fields[0].span.to(fields[-1].span)
            self.errors.append(complaints.not_two(op.type, span, len(fields)))
        return fields[0], fields[-1]

    # measures and windows

    def measured(self, meta: Meta, children: list[Any]) -> ast.Measured:
        span, what = self.span(meta), self.first(children, "LENGTH", "ITEMS", "GAP", "ROWS")
        amount, op = children[-1], ast.Op(children[-2].type)
        if what.type == "GAP":
            subject, other = self.pair(children[0], what)
            self.errors += [complaints.calendar_days(amount)] * complaints.is_calendar(amount)
            return ast.Measured("gap", subject, other, op, amount, span=span)
        if what.type == "ROWS":
            return ast.Measured("rows", children[0], None, op, amount, span=span)
        subject, _ = self.subject_of(children, span)
        kind: Any = what.type.lower()
        return ast.Measured(kind, subject, None, op, amount, span=span)

    def first(self, children: list[Any], *kinds: str) -> Token:
        return next(c for c in children if isinstance(c, Token) and c.type in kinds)

    def within(self, meta: Meta, children: list[Any]) -> ast.Condition:
        span = self.span(meta)
        subject, (inside, *rest) = self.subject_of(children, span)
        direction = _DIRECTIONS[self.first(rest, *_DIRECTIONS).type]
        anchor = next(x for x in rest if isinstance(x, (ast.Name, ast.Literal)))
        amount = next(x for x in rest if isinstance(x, ast.Amount))
        window = ast.Within(subject, anchor, direction, amount, span=span)
        return ast.Not(window, span=span) if inside.type == "NOT_WITHIN" else window

    def no_end(self, meta: Meta, children: list[Any]) -> ast.Condition:
        """在 X 后 3 天 without 内."""
        window = self.within(meta, children)
        inner = window.item if isinstance(window, ast.Not) else window
        side = self.first(children[1:], *_DIRECTIONS)
        assert isinstance(inner, ast.Within)
        place = self.span(side).to(inner.amount.span)
        self.errors.append(number_errors.no_end(inner, inner is not window, place))
        return window

    def no_direction(self, meta: Meta, children: list[Any]) -> ast.Condition:
        span = self.span(meta)
        subject, (_, anchor, amount, *_) = self.subject_of(children, span)
        self.errors.append(complaints.no_direction(anchor, amount))
        return ast.Within(subject, anchor, "after", amount, span=span)

    def no_anchor(self, meta: Meta, children: list[Any]) -> ast.Condition:
        span = self.span(meta)
        subject, (inside, *rest) = self.subject_of(children, span)
        amount = next(x for x in rest if isinstance(x, ast.Amount))
        place = self.span(inside).to(self.span(rest[-1]) if isinstance(rest[-1], Token)
                                     else amount.span)  # fmt: skip
        self.errors.append(complaints.no_anchor(amount, self.lexicon, place))
        return ast.Within(subject, subject, "after", amount, span=span)

    # rows of tables

    def quantifier(self, meta: Meta, children: list[Any]) -> list[Any]:
        return children

    def enclosed(self, meta: Meta, children: list[Any]) -> _Body:
        return _Body(bare(children[0]), True)

    chosen = enclosed

    def bare(self, meta: Meta, children: list[Any]) -> _Body:
        self.check_after_brackets(meta, children)
        self.open_ends.add(meta.end_pos)
        parts = tuple(map(bare, children[::2]))
        item = parts[0] if len(parts) == 1 else ast.And(parts, span=self.span(meta))
        return _Body(item, False)

    def body(self, meta: Meta, children: list[Any]) -> _Body:
        *such, body = children
        return _Body(body.item, body.enclosed, bool(such))

    def quantified(self, meta: Meta, children: list[Any]) -> ast.Quantified:
        self.subject = None
        head, *rest = children
        body: _Body | None = rest[0] if rest else None
        if body and body.enclosed and not body.introduced:
            self.closed_ends.add(meta.end_pos)
        kind = _QUANTIFIERS[head[0].type]
        count = next((x for x in head if isinstance(x, ast.Literal)), None)
        other = _has_other(head)
        span, item = self.span(meta), body.item if body else None
        self.errors += number_errors.quantifier_mistakes(kind, head[-1], count, item, span)
        sound = count is not None and count.text.isdigit() and len(count.text) < 10
        number = int(count.text) if count and sound else 1
        return ast.Quantified(kind, head[-1], number, other, None, item, span=span)

    def unpicked(self, meta: Meta, children: list[Any]) -> ast.Quantified:
        """最近一条 T (…) of which nothing is said."""
        self.subject = None
        kind, span = _QUANTIFIERS[children[0].type], self.span(meta)
        table = next(child for child in children if isinstance(child, ast.Name))
        self.errors.append(complaints.nothing_said(kind, table, span))
        return ast.Quantified(kind, table, span=span)

    def picked(self, meta: Meta, children: list[Any]) -> ast.Quantified:
        self.subject = None
        kind = _QUANTIFIERS[children[0].type]
        *chosen, body = [child for child in children if isinstance(child, _Body)]
        filter_ = chosen[0].item if chosen else None
        table = next(child for child in children if isinstance(child, ast.Name))
        other, span = _has_other(children), self.span(meta)
        return ast.Quantified(kind, table, 1, other, filter_, body.item, span=span)

    def check_after_brackets(self, meta: Meta, children: list[Any]) -> None:
        """存在 病程 (…) 且 …: does what follows speak of the same row?"""
        for at, token in enumerate(children[1::2]):
            if self.word_end(token) in self.closed_ends:
                before, after = (bare(children[2 * at + i]) for i in (0, 2))
                self.errors.append(complaints.after_brackets(before, after, self.span(meta)))

    # questions

    def about(self, meta: Meta, children: list[Any]) -> ast.Literal:
        return cast(ast.Literal, children[-1])

    def ask(self, meta: Meta, children: list[Any]) -> ast.Ask:
        span = self.span(meta)
        op = next(c for c in children if isinstance(c, Token) and _asked(c) in _ASKED)
        kind, negated = _ASKED[_asked(op)], op.type.startswith("NOT_")
        text = next((c for c in children if isinstance(c, ast.Literal)), None)
        fields = next((c for c in children if isinstance(c, tuple)), self.fields(meta, children))
        if kind in ("same_procedure", "related"):
            fields = self.pair(fields, op)
        elif kind == "contradict" and len(fields) < 2:
            self.errors.append(complaints.not_two(op.type, span, len(fields)))
        elif not fields and kind != "judge":
            fields = (self.subject_of(children, span)[0],)
        elif fields:
            self.subject = fields[0]
        return ast.Ask(kind, fields, text, negated, span=span)


def _has_other(children: list[Any]) -> bool:
    return any(isinstance(x, Token) and x.type == "OTHER" for x in children)


def _asked(op: Token) -> str:
    return op.type.removeprefix("NOT_")
