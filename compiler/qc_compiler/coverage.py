"""Which clauses of a rulebook some cases made true, and which false, by the interpreter.

As in CQL's clause coverage every part of every sentence counts, and each of its two truths. A
clause counts for a case only where its truth could matter: a rule when no level before it has
decided, a condition where its scope holds, what is demanded where no exception exempts. A
condition about rows counts once a row. Unknown is counted apart and covers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from qc_compiler import ir
from qc_compiler.clauses import parts, phrases_of
from qc_compiler.decide import Open, decide
from qc_compiler.interpret import Truth, evaluate
from qc_compiler.obligations import State, judge_row, rows
from qc_compiler.program import Clause, Obligation, Program, Question, Rule
from qc_compiler.values import Record, RowsOf
from qc_dsl import ast


@dataclass
class Node:
    """A clause, how often it was true, false and unknown, and the clauses that it is made of."""

    condition: ast.Condition
    parts: tuple[Node, ...] = ()
    counts: dict[Truth, int] = field(default_factory=lambda: {True: 0, False: 0, None: 0})

    @classmethod
    def of(cls, condition: ast.Condition) -> Node:
        return cls(condition, tuple(map(cls.of, ast.children(condition))))

    @property
    def points(self) -> int:
        """How many of its two truths count; a 非 has those of what it denies."""
        return 0 if isinstance(self.condition, ast.Not) else 2

    @property
    def covered(self) -> int:
        return sum(self.counts[truth] > 0 for truth in (True, False)) if self.points else 0

    def walk(self) -> Iterator[Node]:
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class Covered:
    """The clauses of one sentence; a phrase has one, without a role."""

    name: str
    clauses: tuple[tuple[Clause | None, Node], ...]

    def nodes(self) -> Iterator[Node]:
        for _, node in self.clauses:
            yield from node.walk()


class Coverage:
    """Counts over the cases that it has seen."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rules = tuple(_rule(rule) for rule in program.rules)
        self.phrases = {
            name: Covered(name, ((None, Node.of(condition)),))
            for name, condition in program.phrases
            if name in _used_phrases(program)
        }
        self.cases = 0
        self.otherwise = 0 if isinstance(program.otherwise, (int, Question)) else None

    def sentences(self) -> Iterator[Covered]:
        yield from self.rules
        yield from self.phrases.values()

    @property
    def total(self) -> int:
        nodes = (node for one in self.sentences() for node in one.nodes())
        return sum(node.points for node in nodes) + (self.otherwise is not None)

    @property
    def covered(self) -> int:
        nodes = (node for one in self.sentences() for node in one.nodes())
        return sum(node.covered for node in nodes) + bool(self.otherwise)

    @property
    def percent(self) -> float:
        return 100 * self.covered / self.total if self.total else 100.0

    def see(self, record: Record) -> None:
        """Count one case; what the model answers stands in the record."""
        self.cases += 1
        open_ = self._levels(record)
        if open_:
            states = [s for duty in self.program.obligations for s in self._duty(duty, record)]
            if self.otherwise is not None and set(states) <= {State.MET, State.EXEMPT}:
                self.otherwise += 1

    def _levels(self, record: Record) -> bool:
        """Count the rules with verdicts; whether they leave the record open."""
        for level in self.program.levels:
            for rule in dict.fromkeys(arm.rule for arm in level.arms):
                self._rule(rule, record)
            if any(evaluate(arm.expr, record) for arm in level.arms):
                return False
        if not self.program.levels:
            return True
        return decide(self.program, record).code != Open.DATA_MISSING

    def _rule(self, rule: int, record: Record) -> None:
        for clause, node in self.rules[rule].clauses:
            if clause and self._see(node, clause.expr, record) is not True:
                return

    def _duty(self, duty: Obligation, record: Record) -> Iterator[State]:
        if duty.table is not None and RowsOf(duty.table) not in record:
            yield State.OPEN  # not extracted: no row of it can be judged
        clauses = [(c, n) for c, n in self.rules[duty.rule].clauses if c is not None]
        for row in rows(duty, record):
            state = judge_row(duty, row)
            scope = [self._see(n, c.expr, row) for c, n in clauses if c.role == "scope"]
            if all(scope):
                holds = [self._see(n, c.expr, row) for c, n in clauses if c.role == "exception"]
                for clause, node in clauses if not any(holds) else ():
                    if clause.role == "must":
                        self._see(node, clause.expr, row)
            yield state.state

    def _see(self, node: Node, expr: ir.Expr, record: Record) -> Truth:
        truth = evaluate(expr, record)
        node.counts[truth] += 1
        for part, inner in zip(parts(node.condition, expr), node.parts, strict=False):
            for row in part.records(record):
                self._see(inner, part.expr, row)
        if isinstance(node.condition, ast.Phrase):
            phrase = self.phrases.get(node.condition.name.text)
            if phrase is not None:
                self._see(phrase.clauses[0][1], expr, record)
        return truth


def _rule(rule: Rule) -> Covered:
    return Covered(rule.id, tuple((clause, Node.of(clause.condition)) for clause in rule.clauses))


def _used_phrases(program: Program) -> set[str]:
    """The phrases that some rule comes to, through other phrases too."""
    meanings: Mapping[str, ast.Condition] = dict(program.phrases)
    conditions = [clause.condition for rule in program.rules for clause in rule.clauses]
    found: set[str] = set()
    new = set(phrases_of(conditions))
    while new:
        found |= new
        inner = [meanings[name] for name in new if name in meanings]
        new = set(phrases_of(inner)) - found
    return found
