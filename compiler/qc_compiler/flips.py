"""The smallest change that turns a decision round: which conditions would have to come out else.

Only sets of atoms that can matter are looked at: those that make some rule true or false, in
the order of their size, up to `MOST` atoms. The interpreter has the last word on each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from qc_compiler import ir
from qc_compiler.clauses import Part, parts
from qc_compiler.decide import decide
from qc_compiler.interpret import Truth, evaluate, kleene_and, kleene_not, kleene_or
from qc_compiler.program import Arm, Program
from qc_compiler.values import FieldType, Record
from qc_dsl import ast

MOST = 3  # atoms that change together
_MOST_WAYS = 60  # of one rule
_MOST_TRIED = 3000
Way = frozenset["Atom"]


@dataclass(frozen=True)
class Atom:
    """A condition that would have to be ``truth``."""

    expr: ir.Expr
    truth: bool
    condition: ast.Condition

    def __hash__(self) -> int:
        return hash((self.expr, self.truth))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and (self.expr, self.truth) == (other.expr, other.truth)


@dataclass(frozen=True)
class Flip:
    """What would have to come out otherwise, and the verdict's index that this would give."""

    atoms: tuple[Atom, ...]
    verdict: int


Pair = tuple[ast.Condition, ir.Expr]


def ways(pair: Pair, wanted: bool, record: Record) -> list[Way]:
    """The smallest sets of atoms whose change makes a condition ``wanted``; none changed: []."""
    return _smallest(_ways(pair, wanted, record))


def _ways(pair: Pair, wanted: bool, record: Record) -> list[Way]:
    condition, expr = pair
    if evaluate(expr, record) is wanted:
        return [frozenset()]
    inner = [(one.condition, one.expr) for one in _structure(pair)]
    if not inner:
        if isinstance(expr, (ir.Const, ir.Unknown)):
            return []
        return [frozenset({Atom(expr, wanted, condition)})]
    if isinstance(condition, ast.Not):
        return _ways(inner[0], not wanted, record)
    if isinstance(condition, ast.And) is not wanted:
        return _smallest(way for one in inner for way in _ways(one, wanted, record))
    found: list[Way] = [frozenset()]
    for one in inner:
        more = _ways(one, wanted, record)
        found = _smallest(a | b for a in found for b in more)
    return found


def _structure(pair: Pair) -> list[Part]:
    """The parts of 且, 或 and 非; a quantifier or a phrase is one atom."""
    if isinstance(pair[0], (ast.And, ast.Or, ast.Not)):
        return list(parts(*pair))
    return []


def _smallest(found: Iterable[Way]) -> list[Way]:
    """Those of at most `MOST` atoms that hold no other one and do not contradict themselves."""
    kept: list[Way] = []
    for way in sorted(set(found), key=len):
        if len(way) > MOST or len({atom.expr for atom in way}) < len(way):
            continue
        if not any(other <= way for other in kept):
            kept.append(way)
    return kept[:_MOST_WAYS]


def flips(program: Program, record: Record) -> list[Flip]:
    """The smallest changes that give the record another verdict; all of the same size.

    For a record that rules (or a fixed ``otherwise``) decide; empty where none is found.
    """
    spelled = _Spelled(program, record)
    now = spelled.decide(frozenset())
    if now < 0:
        return []
    found: list[Flip] = []
    for way in islice(spelled.candidates(), _MOST_TRIED):
        if found and len(way) > len(found[0].atoms):
            break
        code = spelled.decide(way)
        if code >= 0 and code != now and spelled.is_possible(way):
            found.append(Flip(_ordered(way), code))
    return found


def _ordered(way: Way) -> tuple[Atom, ...]:
    return tuple(sorted(way, key=lambda atom: atom.condition.span.start))


class _Spelled:
    """The rules with their conditions as they are written, for one record."""

    def __init__(self, program: Program, record: Record) -> None:
        self.program, self.record = program, record
        self.pairs = {id(arm): pair for arm, pair in _pairs(program)}
        self._truths: dict[ir.Expr, Truth] = {}
        for pair in self.pairs.values():
            self._note(pair)

    def _note(self, pair: Pair) -> None:
        inner = _structure(pair)
        for one in inner:
            self._note((one.condition, one.expr))
        if not inner and pair[1] not in self._truths:
            self._truths[pair[1]] = evaluate(pair[1], self.record)

    def decide(self, way: Way) -> int:
        """The decision with these atoms as the way has them."""
        changed = {atom.expr: atom.truth for atom in way}
        levels = tuple(
            replace(level, arms=tuple(self._settled(arm, changed) for arm in level.arms))
            for level in self.program.levels
        )
        return decide(replace(self.program, levels=levels), self.record).code

    def _settled(self, arm: Arm, changed: Mapping[ir.Expr, bool]) -> Arm:
        truth = self._truth(self.pairs[id(arm)], changed)
        return replace(arm, expr=ir.Unknown() if truth is None else ir.Const(truth))

    def _truth(self, pair: Pair, changed: Mapping[ir.Expr, bool]) -> Truth:
        inner = _structure(pair)
        if not inner:
            return changed.get(pair[1], self._truths[pair[1]])
        truths = [self._truth((one.condition, one.expr), changed) for one in inner]
        if isinstance(pair[0], ast.Not):
            return kleene_not(truths[0])
        return (kleene_and if isinstance(pair[0], ast.And) else kleene_or)(truths)

    def candidates(self) -> Iterator[Way]:
        """Ways to turn one rule, then a rule that speaks now and another; smallest first."""
        arms = [arm for level in self.program.levels for arm in level.arms]
        speaking = [arm for arm in arms if self._truth(self.pairs[id(arm)], {}) is not False]
        off: list[Way] = [frozenset()]
        for arm in speaking:
            more = ways(self.pairs[id(arm)], False, self.record)
            off = _smallest(a | b for a in off for b in more)
        on = [way for arm in arms for way in ways(self.pairs[id(arm)], True, self.record)]
        single = [way for arm in speaking for way in ways(self.pairs[id(arm)], False, self.record)]
        both = (a | b for a in (*off, *single) for b in on)
        every = {way for way in (*off, *single, *on, *both) if 0 < len(way) <= MOST}
        consistent = (way for way in every if len({a.expr for a in way}) == len(way))
        yield from sorted(consistent, key=lambda way: (len(way), _places(way)))

    def is_possible(self, way: Way) -> bool:
        """Whether no field would have two values at once, or be blank and have one."""
        after = self._truths | {atom.expr: atom.truth for atom in way}
        true = [expr for expr, truth in after.items() if truth]
        blank = {expr.column for expr in true if isinstance(expr, ir.Missing)}
        touched = {column for atom in way for column in ir.columns(atom.expr)}
        for column in touched:
            values = [
                set(expr.values)
                for expr in true
                if isinstance(expr, ir.Among)
                and expr.column == column
                and column.type is not FieldType.LIST
            ]
            if values and not set.intersection(*values):
                return False
            if column in blank and any(column in _read(expr) for expr in true):
                return False
        return True


def _read(expr: ir.Expr) -> frozenset[ir.Column]:
    return frozenset() if isinstance(expr, ir.Missing) else ir.columns(expr)


def _places(way: Way) -> tuple[int, ...]:
    return tuple(sorted(atom.condition.span.start for atom in way))


def _pairs(program: Program) -> Iterator[tuple[Arm, Pair]]:
    """Every arm with its whole condition as written: scope and condition, or scope and not."""
    seen: set[int] = set()
    for level in program.levels:
        for arm in level.arms:
            clauses = program.rules[arm.rule].clauses
            items = [(clause.condition, clause.expr) for clause in clauses]
            last, meant = items[-1]
            if arm.rule in seen:  # the second arm of a sentence is what its 否则 says
                items[-1] = (ast.Not(last, span=last.span), ir.Not(meant))
            seen.add(arm.rule)
            conditions, exprs = zip(*items, strict=True)
            yield arm, (ast.And(conditions, span=last.span), ir.And(exprs))
