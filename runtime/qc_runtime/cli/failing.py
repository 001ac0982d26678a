"""Why a test came out as it did: of each rule in question the clause that decided, no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qc_dsl.lang import tr

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_compiler.trace import TracedClause, TracedRule
    from qc_runtime.cli.cases import Checked
    from qc_runtime.workbench.testing import Posed

_MOST_RULES, _MOST_LEAVES = 3, 3


def deciding_lines(program: Program, posed: Posed, one: Checked) -> Iterator[str]:
    """A line a clause: the rule, the sentence's word, the clause, its truth and what it saw."""
    for rule in list(_in_question(program, one))[:_MOST_RULES]:
        number = next(at for at, known in enumerate(program.rules) if known.id == rule)
        for traced in _traced(program, number, posed):
            yield from (f"    {line}" for line in decided_by(traced))


def _in_question(program: Program, one: Checked) -> Iterator[str]:
    """The rules that decided, those that should have, and findings too many or too few."""
    outcome, case = one.tested.outcome, one.case
    if case.findings is not None and outcome.status.value != "needs_review":
        got, wanted = Counter(f.rule for f in outcome.findings), Counter(case.findings)
        if got != wanted:
            yield from [*(got - wanted), *(wanted - got)]
            return
    names = [*outcome.rules, *(rule for rule in case.rules if rule not in outcome.rules)]
    yield from names or _for_verdict(program, case.expected)


def _for_verdict(program: Program, verdict: str) -> Iterator[str]:
    """The rules that would have given the verdict that was expected."""
    for level in program.levels:
        for arm in level.arms:
            if program.verdicts[arm.verdict].name == verdict:
                yield program.rules[arm.rule].id
    if any(one.name == verdict and one.kind == "fail" for one in program.verdicts):
        yield from (program.rules[duty.rule].id for duty in program.obligations)


def _traced(program: Program, rule: int, posed: Posed) -> Iterator[TracedRule]:
    """The rule for the case; of an obligation, for the row that tells most."""
    from qc_compiler.interpret import bind
    from qc_compiler.obligations import judge_row
    from qc_compiler.trace import trace_rule
    from qc_compiler.values import ROW
    from qc_runtime.workbench.interpreted import record_of

    record, display = record_of(posed), posed.case.display
    duty = next((one for one in program.obligations if one.rule == rule), None)
    if duty is None or duty.table is None:
        yield trace_rule(program.rules[rule], record, display)
        return
    order = ("violated", "open", "met", "exempt")
    bound = [
        (bind(record, duty.row, {ROW: number, **row.values}), bind(display, duty.row, row.shown))
        for number, row in posed.case.rows.get(duty.table, {}).items()
    ]
    bound.sort(key=lambda pair: order.index(judge_row(duty, pair[0]).state.value))
    yield from (trace_rule(program.rules[rule], *pair) for pair in bound[:1])


def decided_by(traced: TracedRule) -> Iterator[str]:
    """The clauses that settle a rule, a line each."""
    from qc_dsl.lang import current
    from qc_dsl.printer import print_condition
    from qc_runtime.cli.explain_lines import TRUTH, clause_word, remark

    number, clause = deciding_clause(traced)
    word = clause_word(traced, number)
    for leaf in list(clause.deciding())[:_MOST_LEAVES]:
        said = print_condition(leaf.condition, current())
        seen = f"  {remark(leaf)}" if remark(leaf) else ""
        colon = tr("：", ": ")
        yield f"{traced.rule.id}{colon}{word} {said} → {TRUTH[leaf.truth]}{seen}"


def deciding_clause(traced: TracedRule) -> tuple[int, TracedClause]:
    """The first clause that settles a rule: a scope that fails, an exception, else the last."""
    for number, clause in enumerate(traced.clauses):
        is_exception = traced.rule.clauses[number].role == "exception"
        if (clause.truth is not False) if is_exception else (clause.truth is not True):
            return number, clause
    return len(traced.clauses) - 1, traced.clauses[-1]
