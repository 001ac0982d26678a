"""Rules that add nothing: whatever they decide, another one of their level decides alike.

Rules of one level and verdict may overlap, and most do somewhere; only a rule that lies wholly
within another is one too many. As in `qc_compiler.reach`, what is said is certain and some is
missed: each condition that gives a verdict must lie within one condition of another rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from qc_compiler import ir
from qc_compiler.covering import NOTHING, Covering
from qc_compiler.meeting import meeting
from qc_compiler.program import Arm, Level, Program
from qc_compiler.reach import arms_by_rule
from qc_compiler.ways import Ways
from qc_dsl.errors import Diagnostic, Related
from qc_dsl.lang import Text
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Span

MOST_NAMED = 50  # more of them are one mistake many times over
_MOST_PAIRS = 5_000  # gone through to leave out rules; of more it takes longer than it saves


@dataclass(frozen=True)
class Within:
    """Each rule that lies within others, with these; ``bounded``: not all were compared."""

    others: dict[int, tuple[int, ...]]
    bounded: bool


@dataclass(frozen=True)
class _Condition:
    """What gives a verdict. What lies within ``written`` makes it true; `None`: nothing surely."""

    verdict: int
    expr: ir.Expr
    written: ir.Expr | None


_Rule = tuple[int, tuple[_Condition, ...]]  # by its number


def redundant(program: Program, rulebook: Rulebook, ways: Ways) -> Iterator[Diagnostic]:
    """The rules that another of their level and verdict takes in; of two alike the later one."""
    spans = {rule.id: rule.span for rule in rulebook.rules}
    within = [within_others(level, ways) for level in program.levels]
    named = sorted(chain.from_iterable(one.others.items() for one in within))
    for number, others in named[:MOST_NAMED]:
        yield _warning(program, number, others, spans)
    if len(named) > MOST_NAMED:
        yield _not_all_named(rulebook, len(named))
    if any(one.bounded for one in within):
        yield _not_all_compared(rulebook)


def within_others(level: Level, ways: Ways) -> Within:
    """Which rules of a level lie within others of it."""
    near = _near(level.arms, ways)
    rules = [
        (number, tuple(map(_condition, arms)))
        for number, arms in arms_by_rule(level.arms).items()
        if number in near
    ]
    forwards = _within_earlier(rules, ways)
    # Backwards without them, so that of two alike one is left.
    left = [rule for rule in reversed(rules) if rule[0] not in forwards.others]
    backwards = _within_earlier(left, ways)
    bounded = forwards.bounded or backwards.bounded
    return Within(forwards.others | backwards.others, bounded)


def _near(arms: Sequence[Arm], ways: Ways) -> set[int]:
    """The rules that might meet another one; in a large rulebook most do not, as is soon seen."""
    pairs = meeting([arm.expr for arm in arms], [arm.rule for arm in arms], ways)
    few = list(islice(pairs, _MOST_PAIRS))
    if len(few) == _MOST_PAIRS:
        return {arm.rule for arm in arms}
    return {arms[at].rule for at in chain.from_iterable(few)}


def _condition(arm: Arm) -> _Condition:
    leaves = list(_leaves(arm.expr))
    written = _where_written(arm.expr, leaves) if _is_decided(leaves) else None
    return _Condition(arm.verdict, arm.expr, written)


def _within_earlier(rules: Iterable[_Rule], ways: Ways) -> Within:
    found: dict[int, tuple[int, ...]] = {}
    earlier: dict[int, _Earlier] = defaultdict(lambda: _Earlier(ways))  # by verdict
    for number, conditions in rules:
        others = [earlier[one.verdict].around(one) for one in conditions]
        if None not in others:
            found[number] = tuple(dict.fromkeys(other for other in others if other is not None))
        for one in conditions:
            earlier[one.verdict].add(number, one)
    return Within(found, any(one.bounded for one in earlier.values()))


class _Earlier:
    """The rules of a verdict that were looked at, found by what lies within them."""

    def __init__(self, ways: Ways) -> None:
        self._covering = Covering(ways)
        self._covered: list[int] = []  # the rules of its conditions, in order
        self._same: dict[ir.Expr, int] = {}

    @property
    def bounded(self) -> bool:
        return self._covering.bounded

    def add(self, rule: int, condition: _Condition) -> None:
        self._same.setdefault(condition.expr, rule)
        if condition.written is not None:
            self._covering.add(condition.written)
            self._covered.append(rule)

    def around(self, condition: _Condition) -> int | None:
        """A rule that is true wherever this condition is. What never is, is for `reach`."""
        first = self._covering.first(condition.expr)
        if first is None or first == NOTHING:
            return self._same.get(condition.expr) if first is None else None
        return self._covered[first]


def _where_written(expr: ir.Expr, leaves: Iterable[ir.Expr]) -> ir.Expr:
    """The expression, false where it is unknown because something is not written.

    `Covering` proves that a condition is never false. That is not yet true.
    """
    read = {column for leaf in leaves for column in ir.columns(leaf)}
    written = (ir.Not(ir.Missing(column)) for column in sorted(read, key=lambda c: c.key))
    return ir.And((*written, expr))


def _is_decided(leaves: Sequence[ir.Expr]) -> bool:
    """Whether an expression is true or false wherever all is written and every time is sharp.

    A time that is a whole day may leave it unknown, but only where it could come out either
    way; that is sure as long as the expression looks at each time once.
    """
    open_ = (ir.AtLeast, ir.Picked, ir.Ask, ir.Unknown)
    times = Counter(c for leaf in leaves for c in ir.columns(leaf) if c.type.is_temporal)
    return not any(isinstance(leaf, open_) for leaf in leaves) and set(times.values()) <= {1}


def _leaves(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The predicates of an expression, without whether something is written: always known."""
    if isinstance(expr, (ir.Not, ir.And, ir.Or)):
        for child in ir.children(expr):
            yield from _leaves(child)
    elif not isinstance(expr, ir.Missing):
        yield expr


def _warning(
    program: Program, number: int, others: Sequence[int], spans: dict[str, Span]
) -> Diagnostic:
    name, named = program.rules[number].id, [program.rules[other].id for other in others]
    listed = "”、“".join(named), "” and “".join(named)
    there = Text("已经这样判断", "decides these already")
    return Diagnostic(
        "QC311",
        Text(
            f"规则“{name}”是多余的：它管的病例，“{listed[0]}”都给同样的结论",
            f"The rule “{name}” is redundant: “{listed[1]}” gives all of its records this verdict",
        ),
        spans[name],
        Text(
            "请删去它，或改它的条件；要留着分开计数的，写上 # qc: 允许 QC311 理由",
            "Take it away, or change its condition; to keep it, to be counted by itself, "
            "write # qc: allow QC311 REASON",
        ),
        tuple(Related(spans[other], there) for other in named),
        "warning",
    )


def _not_all_named(rulebook: Rulebook, number: int) -> Diagnostic:
    return Diagnostic(
        "QC304",
        Text(
            f"多余的规则有 {number} 条，只列出前 {MOST_NAMED} 条",
            f"{number} rules are redundant; the first {MOST_NAMED} are named",
        ),
        rulebook.section_span("规则", "rules"),
        severity="warning",
    )


def _not_all_compared(rulebook: Rulebook) -> Diagnostic:
    return Diagnostic(
        "QC304",
        Text(
            "规则太多，多余的规则只查了一部分",
            "So many rules that only some were looked at for whether others take them in",
        ),
        rulebook.section_span("规则", "rules"),
        severity="warning",
    )
