"""From what the obligations came to, to a record's outcome."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from qc_compiler.program import Kind, Program, Question
from qc_dsl.lang import tr
from qc_runtime.judging.accounts import Account, Accounts
from qc_runtime.judging.findings import CaseFindings
from qc_runtime.judging.scores import grade_of, score_of
from qc_runtime.outcome import Finding, Outcome, Status

_STATUS = {
    Account.ERROR: Status.ERROR,
    Account.PENDING: Status.PENDING,
    Account.NEEDS_REVIEW: Status.NEEDS_REVIEW,
    Account.DATA_MISSING: Status.DATA_MISSING,
}
_NOTHING = CaseFindings()
_SHOWN = 20  # findings of a record that its explanation lists


class Verdicts:
    """Outcomes of records that no level has decided."""

    def __init__(
        self,
        program: Program,
        accounts: Accounts,
        found: Mapping[int, CaseFindings],
        absent: Collection[str],
    ) -> None:
        self.program, self.accounts, self.found = program, accounts, found
        self._rules = sorted({duty.rule for duty in program.obligations})
        named = {duty.table for duty in program.obligations if duty.table in absent}
        self._absent = [table.name for table in program.tables if table.name in named]
        self._passed = self._verdict(Kind.PASS)
        self._failed = self._verdict(Kind.FAIL)

    def _verdict(self, kind: Kind) -> str:
        return next(verdict.name for verdict in self.program.verdicts if verdict.kind is kind)

    def outcome(self, number: int, key: str) -> Outcome | None:
        """A finding fails the record; what is open leaves it open; else it passes.

        `None` where all is met and ``otherwise`` is a question.
        """
        found = self.found.get(number, _NOTHING)
        decided = [one for one in found.findings if one.status is Status.DECIDED]
        if decided:
            return self._fails(number, key, found, decided)
        worst = self.accounts.worst(number, self._rules)
        if worst in _STATUS:
            return self._open(number, key, found, worst)
        if isinstance(self.program.otherwise, Question):
            return None
        return self._passes(key, found, worst)

    def _fails(self, number: int, key: str, found: CaseFindings, decided: list[Finding]) -> Outcome:
        by_rule = any(one.confidence is None for one in decided)
        sure = max((one.confidence for one in decided if one.confidence is not None), default=None)
        unsettled = self._unsettled(number)
        score, grade = (None, None) if unsettled else self._score(found)
        evidence = dict.fromkeys(quote for one in decided for quote in one.evidence)
        return Outcome(
            key,
            Status.DECIDED,
            verdict=self._failed,
            decided_by="rule" if by_rule else "model",
            rules=tuple(dict.fromkeys(one.rule for one in decided)),
            confidence=None if by_rule else sure,
            explanation="；".join(filter(None, (_listed(decided), _still_open(unsettled)))),
            evidence=tuple(evidence),
            findings=tuple(found.findings),
            score=score,
            grade=grade,
        )

    def _unsettled(self, number: int) -> list[str]:
        """The rules that could still take points off the record."""
        return [rule for account in _STATUS for rule in self.accounts.having(number, account)]

    def _open(self, number: int, key: str, found: CaseFindings, worst: Account) -> Outcome:
        leaning = None
        if worst is Account.NEEDS_REVIEW:
            leaning = self._failed if found.findings else self._passed
        reasons = found.reasons.get(worst, [])
        if worst is Account.DATA_MISSING and self._absent:
            reasons = [_no_tables(self._absent), *reasons]
        return Outcome(
            key,
            _STATUS[worst],
            leaning=leaning,
            rules=self.accounts.having(number, worst),
            confidence=min(found.confidences, default=None) if leaning else None,
            explanation="；".join(reasons) or None,
            findings=tuple(found.findings),
        )

    def _passes(self, key: str, found: CaseFindings, worst: Account) -> Outcome:
        otherwise = self.program.otherwise
        fixed = self.program.verdicts[otherwise].name if isinstance(otherwise, int) else None
        score, grade = self._score(found)
        return Outcome(
            key,
            Status.DECIDED,
            verdict=fixed or self._passed,
            decided_by="model" if found.confidences else "rule",
            confidence=min(found.confidences, default=None),
            explanation=_why_passed(worst),
            score=score,
            grade=grade,
        )

    def _score(self, found: CaseFindings) -> tuple[float | None, str | None]:
        if (score := self.program.score) is None:
            return None, None
        points = score_of(score, found.findings)
        return points, grade_of(score, points)


def _why_passed(worst: Account) -> str:
    if worst is Account.EXEMPT:
        return tr("没有要查的内容：各条规则都不涉及", "Nothing to check: no rule applies")
    return tr("各项要求都已满足", "Every requirement is met")


def _still_open(rules: list[str]) -> str:
    listed = "、".join(rules)
    return tr(f"尚未判定：{listed}", f"Not settled yet: {', '.join(rules)}") if rules else ""


def _no_tables(names: list[str]) -> str:
    listed = "、".join(names)
    return tr(f"没有给出表：{listed}", f"Tables that were not given: {listed}")


def _listed(findings: list[Finding]) -> str:
    said = [f"{one.rule}：{one.message}" for one in findings[:_SHOWN]]
    more = len(findings) - len(said)
    if more > 0:
        said.append(tr(f"另有 {more} 处", f"and {more} more"))
    return "；".join(said)
