"""What gates, exceptions and rules with verdicts say of a record, explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qc_compiler import ir
from qc_compiler.decide import Decision, Open, decide
from qc_compiler.program import Program, Question
from qc_compiler.residual import open_atoms
from qc_compiler.trace import TracedRule, trace_rule
from qc_compiler.values import ANSWERS
from qc_dsl.lang import Text, tr
from qc_dsl.printer import print_sentence
from qc_runtime.judging.accounts import Account, Accounts
from qc_runtime.judging.rounds import Known, Settled, Waiting
from qc_runtime.outcome import Evidence, Outcome, Status
from qc_runtime.tables.rows import Case

DIFFERS = Text(
    "预筛结果与规则定义不一致，请报告此问题",
    "The pre-filter and the definition disagree: please report this",
)
NO_MODEL = Text("需要模型判断，本次未运行模型", "Needs the model, which was not run")
_ACCOUNTS: dict[int, Account] = {
    Open.DATA_MISSING: Account.DATA_MISSING,
    Open.CONFLICT: Account.NEEDS_REVIEW,
}


def levels_of(program: Program) -> Program:
    """The program as the levels see it: with obligations, what comes after is not ``otherwise``."""
    return replace(program, otherwise=None) if program.obligations else program


def has_atoms(program: Program) -> bool:
    """Whether some rule with a verdict asks the model."""
    return any(ir.asks(arm.expr) for level in program.levels for arm in level.arms)


class Levels:
    """Decisions of the levels; every one of the pre-filter's is checked against the definition."""

    def __init__(self, program: Program, codes: Sequence[int]) -> None:
        self.program, self.codes = levels_of(program), codes
        self.has_duties = bool(program.obligations)
        self._arms = [arm for level in program.levels for arm in level.arms]
        self.through_rows = any(ir.tables(arm.expr) for arm in self._arms)

    def look(self, case: Case, task: None, known: Known) -> Decision | Waiting:
        """A case's decision with these answers, or the questions that keep it open."""
        record = {**case.record, ANSWERS: known}
        decision = decide(self.program, record)
        if decision.code != Open.DATA_MISSING:
            return decision
        arms = [arm for arm in self._arms if arm.rule in decision.rules]
        found = {atom.key: atom for arm in arms for atom in open_atoms(arm.expr, record)}
        return Waiting(tuple(found.values())) if found else decision

    def agrees(self, settled: Settled[None, Decision]) -> bool:
        """Whether the pre-filter decided as the definition does without any answer."""
        code = self.codes[settled.case.number]
        if settled.answers or isinstance(settled.result, Waiting):
            return decide(self.program, settled.case.record).code == code
        return settled.result.code == code

    def outcome(self, settled: Settled[None, Decision], accounts: Accounts) -> Outcome | None:
        """The outcome, noted in the accounts; `None` when the levels leave the record open."""
        case, decision = settled.case, settled.result
        if isinstance(decision, Waiting):
            raise TypeError("a decision that waits has no outcome")
        if decision.code == Open.ASK or (decision.code == Open.UNCOVERED and self.has_duties):
            return None
        account = _ACCOUNTS.get(decision.code, Account.DECIDED)
        if decision.code >= 0 and not settled.sure:
            account = Account.NEEDS_REVIEW
        for rule in decision.rules:
            accounts.raise_to(rule, case.number, account)
        if decision.code < 0:
            return self._undecided(case, decision)
        return self._decided(settled, decision)

    def _decided(self, settled: Settled[None, Decision], decision: Decision) -> Outcome:
        case, verdict = settled.case, self.program.verdicts[decision.code].name
        quotes = (q for rule in decision.rules for q in self._traced(rule, case).quotes())
        by_model = bool(settled.answers)
        return Outcome(
            case.key,
            Status.DECIDED if settled.sure else Status.NEEDS_REVIEW,
            verdict=verdict if settled.sure else None,
            leaning=None if settled.sure else verdict,
            decided_by=("model" if by_model else "rule") if settled.sure else None,
            rules=self._names(decision),
            confidence=settled.confidence,
            explanation=self._said(decision),
            evidence=tuple(map(Evidence.of, dict.fromkeys(quotes))),
        )

    def _undecided(self, case: Case, decision: Decision) -> Outcome:
        rules = self._names(decision)
        if decision.code == Open.DATA_MISSING:
            missing = self.missing(case, decision)
            return Outcome(case.key, Status.DATA_MISSING, rules=rules, explanation=lacking(missing))
        if decision.code == Open.CONFLICT:
            why = Text("几条规则给出不同结论", "Rules give different verdicts")
        else:
            why = Text("没有规则能决定", "No rule decides this")
        return Outcome(case.key, Status.NEEDS_REVIEW, rules=rules, explanation=str(why))

    def waiting(
        self, case: Case, waiting: Waiting, failure: Text | None, accounts: Accounts
    ) -> Outcome:
        """The outcome of a record whose rules wait for the model, or got an error from it."""
        asked = {atom.ask for atom in waiting.atoms}
        rules = dict.fromkeys(arm.rule for arm in self._arms if asked & ir.asks(arm.expr))
        for rule in rules:
            accounts.raise_to(rule, case.number, Account.ERROR if failure else Account.PENDING)
        names = tuple(self.program.rules[rule].id for rule in rules)
        status = Status.ERROR if failure else Status.PENDING
        return Outcome(case.key, status, rules=names, explanation=str(failure or NO_MODEL))

    def _traced(self, rule: int, case: Case) -> TracedRule:
        return trace_rule(self.program.rules[rule], case.record, case.display)

    def _names(self, decision: Decision) -> tuple[str, ...]:
        return tuple(self.program.rules[rule].id for rule in decision.rules)

    def _said(self, decision: Decision) -> str:
        """The deciding sentences; a fixed ``otherwise`` says so itself."""
        if not decision.rules:
            return str(Text("没有规则命中，按“其余”处理", "No rule applies: “otherwise”"))
        sentences = (self.program.rules[rule] for rule in decision.rules)
        lang = self.program.lang
        return "；".join(f"{rule.id}：{print_sentence(rule.sentence, lang)}" for rule in sentences)

    def missing(self, case: Case, decision: Decision) -> list[str]:
        """The blank or unreadable fields, each unreadable one with what is wrong with it."""
        names = [m for rule in decision.rules for m in self._traced(rule, case).missing()]
        question = self.program.otherwise
        if isinstance(question, Question) and not names:
            names = [name for name in question.fields if case.record[name] is None]
        return [described(name, case.shown.get(name)) for name in dict.fromkeys(names)]


def lacking(names: Sequence[str]) -> str:
    """Why a record cannot be judged: what is missing, else that it can go either way."""
    if names:
        return tr(f"缺少：{'、'.join(names)}", f"Missing: {', '.join(names)}")
    return tr(
        "时间只写了日期，跨在界线上，或有的行不能确定",
        "A date without a clock time straddles a bound, or some rows cannot be judged",
    )


def described(name: str, cell: str | None) -> str:
    """A field that is missing, with what stands there if it cannot be read."""
    return f"{name}（“{cell[:40]}”看不懂）" if cell else name
