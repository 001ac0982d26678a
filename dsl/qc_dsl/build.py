"""From what the grammar matched to the syntax tree: sentences, conditions, predicates."""

from __future__ import annotations

from typing import Any, cast

from lark import Token, Tree
from lark.tree import Meta

from qc_dsl import ast, complaints, message
from qc_dsl.build_rows import Bracketed, RowsToAst, bare
from qc_dsl.values import check_mentioned, check_values

__all__ = ["ToAst", "bare"]

_PAIRWISE = {"SIDES_DIFFER", "TERMS_DIFFER", "SAME_DAY"}  # subject, 与, another field, … , this


class ToAst(RowsToAst):
    """Builds the tree bottom up; what the grammar cannot say is collected in ``errors``."""

    # sentences

    def gate(self, meta: Meta, children: list[Any]) -> ast.Gate:
        _, condition, *_, verdict = children
        return ast.Gate(bare(condition), verdict, span=self.span(meta))

    def scoped(self, meta: Meta, children: list[Any]) -> ast.Equivalence:
        _, scope, _, condition, _, verdict, *otherwise = children
        last = otherwise[0] if otherwise else None
        return ast.Equivalence(bare(scope), bare(condition), verdict, last, span=self.span(meta))

    def unscoped(self, meta: Meta, children: list[Any]) -> ast.Equivalence:
        _, condition, *rest = children
        verdicts = [child for child in rest if isinstance(child, ast.Name)]
        last = verdicts[1] if len(verdicts) > 1 else None
        return ast.Equivalence(None, bare(condition), verdicts[0], last, span=self.span(meta))

    def obligation(self, meta: Meta, children: list[Any]) -> ast.Obligation:
        opening = [child.type for child in children if isinstance(child, Token)]
        parts = [child for child in children if not isinstance(child, Token)]
        table = parts.pop(0) if "EACH" in opening else None
        scope = bare(parts.pop(0)) if "WHEN" in opening else None
        condition, text, *points = parts
        if "MUST_NOT" in opening:
            condition = self.forbidden(condition)
        self.errors += message.mistakes(text, self.lexicon, self.place_in)
        last = points[0] if points else 0.0
        return ast.Obligation(table, scope, bare(condition), text, last, span=self.span(meta))

    def forbidden(self, condition: ast.Condition | Bracketed) -> ast.Not:
        """不得 X is 须 非 (X); of A 且 B without brackets it is not clear how much is forbidden."""
        if isinstance(condition, ast.And):
            self.errors.append(complaints.forbidden_and(condition))
        return ast.Not(bare(condition), span=bare(condition).span)

    def judged(self, meta: Meta, children: list[Token]) -> None:
        """即视为 and its like carry nothing."""

    def verdict(self, meta: Meta, children: list[Any]) -> ast.Name:
        (word,) = children
        if word.text not in self.lexicon.verdicts:
            self.errors.append(complaints.unknown_verdict(word, self.lexicon.verdicts))
        return ast.Name(word.text, span=word.span)

    def otherwise(self, meta: Meta, children: list[Any]) -> ast.Name:
        return cast(ast.Name, children[-1])

    # conditions

    def disjunction(self, meta: Meta, children: list[Any]) -> ast.Condition | Bracketed:
        parts = children[::2]
        if len(parts) == 1:
            return cast("ast.Condition | Bracketed", parts[0])
        items = [*map(bare, parts)]
        if any(self.word_end(token) in self.open_ends for token in children[1::2]):
            self.errors.append(complaints.open_body(items, self.span(meta)))
        elif any(isinstance(part, ast.And) for part in parts):
            self.errors.append(complaints.mixed_connectives(items, self.span(meta)))
        return ast.Or(tuple(items), span=self.span(meta))

    def conjunction(self, meta: Meta, children: list[Any]) -> ast.Condition | Bracketed:
        self.check_after_brackets(meta, children)
        return ast.And(tuple(map(bare, children[::2])), span=self.span(meta))

    def negated(self, meta: Meta, children: list[Any]) -> ast.Not:
        return ast.Not(bare(children[1]), span=self.span(meta))

    def bracketed(self, meta: Meta, children: list[Any]) -> Bracketed:
        return Bracketed(bare(children[0]))

    def phrase(self, meta: Meta, children: list[ast.Name]) -> ast.Phrase:
        return ast.Phrase(children[0], span=self.span(meta))

    # predicates

    def values(self, meta: Meta, children: list[Any]) -> Tree[Any]:
        return Tree("values", children)

    def members(self, meta: Meta, children: list[Any]) -> Tree[Any]:
        return Tree("values", children)

    def mentioned(self, meta: Meta, children: list[Any]) -> Tree[Any]:
        return Tree("values", children)

    def joiner(self, meta: Meta, children: list[Token]) -> Token:
        return children[0]

    def predicate(self, meta: Meta, children: list[Any]) -> ast.Predicate:
        span = self.span(meta)
        if isinstance(children[-1], Token) and children[-1].type in _PAIRWISE:
            fields, *rest, op = children
            subject, other = self.pair(fields, op)
            terms = [child for child in rest if isinstance(child, ast.Name)]
            return ast.Predicate(subject, ast.Op(op.type), (other, *terms), span=span)
        subject, children = self.subject_of(children, span)
        op, operands, joiners = self.op_and_operands(children)
        check = check_mentioned if "MENTIONS" in op.type else check_values
        problem, join = check(op.type, operands, joiners, span)
        if problem:
            self.errors.append(problem)
        name = op.type.removesuffix("_ANY") if "MENTIONS" in op.type else op.type
        return ast.Predicate(subject, ast.Op(name), operands, join, span=span)

    def all_written(self, meta: Meta, children: list[Any]) -> Bracketed:
        """A、B 均不为空: A 不为空 且 B 不为空, in brackets of its own."""
        fields, _ = children
        self.subject = None if len(fields) > 1 else fields[0]
        span = self.span(meta)
        parts = tuple(ast.Predicate(name, ast.Op.NOT_BLANK, span=span) for name in fields)
        return Bracketed(parts[0] if len(parts) == 1 else ast.And(parts, span=span))

    def op_and_operands(
        self, children: list[Any]
    ) -> tuple[Token, tuple[ast.Operand, ...], set[str]]:
        op, *rest = children
        flat = rest[0].children if rest and isinstance(rest[0], Tree) else rest
        operands = tuple(x for x in flat if isinstance(x, (ast.Name, ast.Literal, ast.Amount)))
        joiners = {x.type for x in flat if isinstance(x, Token) and x.type.startswith("VALUE_")}
        self.errors += [complaints.calendar_days(x) for x in operands if complaints.is_calendar(x)]
        return op, operands, joiners
