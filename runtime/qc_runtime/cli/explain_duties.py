"""Obligations explained: row by row, clause by clause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qc_dsl.lang import Text, tr
from qc_runtime.cli.explain_flip import met_lines
from qc_runtime.cli.explain_lines import clause_lines

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_runtime.judging.duties import Duty
    from qc_runtime.judging.findings import RowSettled
    from qc_runtime.outcome import Outcome
    from qc_runtime.tables.rows import Case

_ROWS = 20  # of one obligation, those shown clause by clause
_STATES = {
    "violated": Text("缺陷", "finding"),
    "open": Text("未知", "unknown"),
    "met": Text("已满足", "met"),
    "exempt": Text("不涉及", "exempt"),
    "waiting": Text("要问模型", "waits for the model"),
}
_ORDER = tuple(_STATES)


def duty_headline(program: Program, case: Case) -> str:
    """What the obligations make of a case, without a model."""
    from qc_runtime.report.labels import STATUS

    outcome = _outcome(program, case)
    word = outcome.verdict or str(STATUS[outcome.status])
    named = "、".join(f"“{rule}”" for rule in outcome.rules)
    by = tr(f"（规则{named}）", f" (rule {named})") if named else ""
    score = f" {outcome.score:g} {outcome.grade}" if outcome.grade else ""
    return f"{word}{by}{score}"


def failing_rules(program: Program, case: Case) -> set[str]:
    return set(_outcome(program, case).rules)


def _outcome(program: Program, case: Case) -> Outcome:
    from qc_runtime.judging.accounts import Account, Accounts
    from qc_runtime.judging.findings import Findings
    from qc_runtime.judging.rounds import Answers
    from qc_runtime.judging.verdicts import Verdicts
    from qc_runtime.outcome import Outcome, Status

    case = replace(case, number=0)
    accounts = Accounts([rule.id for rule in program.rules], 1)
    findings = Findings(program, Answers(), accounts)
    absent = {table.name for table in program.tables} - case.rows.keys()
    for index, duty in enumerate(program.obligations):
        if duty.table in absent:
            accounts.raise_to(duty.rule, 0, Account.DATA_MISSING)
        for state, settled in _settled(program, index, case):
            if state != "exempt":  # of those a run is told nothing either
                findings.take(settled)
    found = Verdicts(program, accounts, findings.of, absent).outcome(0, case.key)
    return found or Outcome(case.key, Status.PENDING)


def _settled(program: Program, index: int, case: Case) -> Iterator[tuple[str, RowSettled]]:
    """Each row under one obligation with the word for its state."""
    from qc_runtime.judging.duties import Duties, Duty
    from qc_runtime.judging.rounds import Settled, Waiting

    duties, duty = Duties(program), program.obligations[index]
    rows = [None] if duty.table is None else list(case.rows.get(duty.table, {}))
    for row in rows:
        result = duties.look(case, Duty(index, row, False), {})
        state = "waiting" if isinstance(result, Waiting) else result.state.value
        yield state, Settled(case, Duty(index, row, state == "violated"), result)


def duty_lines(program: Program, rule: int, case: Case, decides: bool) -> Iterator[str]:
    """An obligation: its rows that matter clause by clause, the others counted."""
    from qc_compiler.trace import trace_rule
    from qc_runtime.judging.duties import Duties

    yield f"{'▶' if decides else ' '} {program.rules[rule].id}"
    duties = Duties(program)
    for index, duty in enumerate(program.obligations):
        if duty.rule != rule:
            continue
        if duty.table is not None and duty.table not in case.rows:
            yield "    " + tr(f"没有给出表“{duty.table}”", f"Table “{duty.table}” was not given")
            continue
        rows = sorted(_settled(program, index, case), key=lambda one: _ORDER.index(one[0]))
        shown = [one for one in rows if one[0] != "exempt"][:_ROWS] if duty.table else rows
        for state, settled in shown:
            yield f"    {_row_name(program, settled.task, case)}{_STATES[state]}"
            record = duties.record(case, settled.task, {})
            display = duties.display(case, settled.task)
            yield from clause_lines(trace_rule(program.rules[rule], record, display), " " * 6)
            if state == "violated":
                yield from met_lines(program.rules[rule].clauses[-1], record, " " * 6)
        yield from _rest(rows[len(shown) :])


def _row_name(program: Program, task: Duty, case: Case) -> str:
    from qc_runtime.judging.findings import place_of
    from qc_runtime.report.evidence import WHOLE_RECORD

    place = place_of(program, case, task)
    if place is None:
        return tr(f"{WHOLE_RECORD}：", f"{WHOLE_RECORD}: ")
    time = tr(f"（{place.time}）", f" ({place.time})") if place.time else ""
    return tr(f"{place.table} {place.key}{time}：", f"{place.table} {place.key}{time}: ")


def _rest(rows: Sequence[tuple[str, RowSettled]]) -> Iterator[str]:
    """Rows counted by their state, those that an exception exempts by its name."""
    if counts := Counter(_state(state, settled) for state, settled in rows):
        listed = "，".join(f"{word} {count}" for word, count in counts.items())
        yield "    " + tr(f"其余各行：{listed}", f"other rows: {listed}")


def _state(state: str, settled: RowSettled) -> str:
    if label := getattr(settled.result, "label", None):
        return tr(f"除外 {label}", f"except {label}")
    return str(_STATES[state])
