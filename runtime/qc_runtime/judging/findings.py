"""From rows under obligations to findings and accounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qc_compiler.evidence import Display, missing
from qc_compiler.found import Quote
from qc_compiler.obligations import RowJudgement, State
from qc_compiler.program import Obligation, Program
from qc_compiler.trace import trace_rule
from qc_dsl.lang import Text, tr
from qc_runtime.judging.accounts import Account, Accounts
from qc_runtime.judging.duties import Duties, Duty
from qc_runtime.judging.levels import DIFFERS, NO_MODEL, described, lacking
from qc_runtime.judging.rounds import Answer, Answers, Settled, Waiting
from qc_runtime.outcome import Evidence, Finding, RowPlace, Status
from qc_runtime.tables.rows import Case

_UNFILLED = Text("未填写", "(blank)")
_REASONS = 3  # of a case, those said
RowSettled = Settled[Duty, RowJudgement]


@dataclass
class CaseFindings:
    """What the obligations came to for one case.

    ``reasons`` say why something is open. ``confidences`` are of rows that the model settled.
    """

    findings: list[Finding] = field(default_factory=list)
    reasons: dict[Account, list[str]] = field(default_factory=dict)
    confidences: list[float] = field(default_factory=list)

    def because(self, account: Account, reason: str) -> None:
        said = self.reasons.setdefault(account, [])
        if reason not in said and len(said) < _REASONS:
            said.append(reason)


class Findings:
    """Gathers what becomes of rows, by case, and notes it in the accounts."""

    def __init__(self, program: Program, answers: Answers, accounts: Accounts) -> None:
        self.program, self.answers, self.accounts = program, answers, accounts
        self._duties = Duties(program)
        self.of: dict[int, CaseFindings] = {}

    def take(self, settled: RowSettled) -> None:
        """One row at its end."""
        case, duty = settled.case, self._duties.of(settled.task)
        mine = self.of.setdefault(case.number, CaseFindings())
        account, reason = self._account(settled)
        if reason:
            mine.because(account, reason)
        if settled.confidence is not None:
            mine.confidences.append(settled.confidence)
        if account is not Account.ERROR and _is_violated(settled.result):
            mine.findings.append(self._finding(settled, duty))
        self.accounts.raise_to(duty.rule, case.number, account)

    def _account(self, settled: RowSettled) -> tuple[Account, str | None]:
        """What a row adds to its rule's account, and why where it is not settled."""
        result = settled.result
        if _differs(settled):
            return Account.ERROR, str(DIFFERS)
        if isinstance(result, Waiting):
            if failure := self.answers.failure(result.atoms):
                return Account.ERROR, str(failure)
            return Account.PENDING, str(NO_MODEL)
        if result.state is State.OPEN:
            return Account.DATA_MISSING, self._missing(settled, result)
        if not settled.sure:
            return Account.NEEDS_REVIEW, self._doubt(settled)
        exempt = result.state is State.EXEMPT
        return (Account.EXEMPT if exempt else Account.DECIDED), None

    def _doubt(self, settled: RowSettled) -> str:
        rule = self.program.rules[self._duties.of(settled.task).rule].id
        sure = settled.confidence or 0.0
        return tr(
            f"{rule}：把握 {sure:.0%}，低于复核线", f"{rule}: confidence {sure:.0%} is too low"
        )

    def _missing(self, settled: RowSettled, judged: RowJudgement) -> str:
        record = self._duties.record(settled.case, settled.task, {})
        names = dict.fromkeys(name for expr in judged.open for name in missing(expr, record))
        display = self._duties.display(settled.case, settled.task)
        listed = [described(name, display.get(name)) for name in names]
        return lacking(listed)

    def _finding(self, settled: RowSettled, duty: Obligation) -> Finding:
        display = self._duties.display(settled.case, settled.task)
        rule = self.program.rules[duty.rule]
        record = self._duties.record(settled.case, settled.task, {})
        quotes = trace_rule(rule, record, display).quotes()
        return Finding(
            rule=rule.id,
            message=message_of(duty, display),
            points=duty.points,
            row=place_of(self.program, settled.case, settled.task),
            evidence=_evidence(quotes, settled.answers),
            status=Status.DECIDED if settled.sure else Status.NEEDS_REVIEW,
            confidence=settled.confidence,
            explanation="；".join(a.reason for a in settled.answers if a.reason) or None,
        )


def _evidence(quotes: Iterable[Quote], answers: Iterable[Answer]) -> tuple[Evidence, ...]:
    """What the conditions rest on, and what the model quoted for its answers."""
    found = [*map(Evidence.of, quotes), *(quote for answer in answers for quote in answer.quotes)]
    return tuple(dict.fromkeys(found))


def place_of(program: Program, case: Case, task: Duty) -> RowPlace | None:
    """The row that a task is about; `None` where that is the case itself."""
    duty = program.obligations[task.index]
    if duty.table is None or task.row is None:
        return None
    table = program.table(duty.table)
    shown = case.rows[duty.table][task.row].shown
    key = (shown.get(table.key) if table.key else None) or str(task.row)
    return RowPlace(table.name, key, shown.get(table.time) if table.time else None)


def _is_violated(result: RowJudgement | Waiting) -> bool:
    return isinstance(result, RowJudgement) and result.state is State.VIOLATED


def _differs(settled: RowSettled) -> bool:
    """Whether the pre-filter and the definition disagree about a row."""
    result = settled.result
    if isinstance(result, Waiting):
        return settled.task.violated
    if settled.task.violated:
        return result.state is not State.VIOLATED
    return not settled.answers and result.state in (State.VIOLATED, State.EXEMPT)


def message_of(duty: Obligation, display: Display) -> str:
    """A finding's text, its placeholders filled with what is written in the data."""
    parts = (
        part if isinstance(part, str) else display.get(part.key) or str(_UNFILLED)
        for part in duty.message
    )
    return "".join(parts)
