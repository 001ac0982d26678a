"""Records to outcomes: levels, then obligations, then ``otherwise``, all accounted for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from qc_compiler.decide import Decision
from qc_compiler.layout import Planned, plan
from qc_compiler.program import Program, Question
from qc_dsl.lang import Text
from qc_runtime.backend import REASON, Backend, Reply
from qc_runtime.cache import AnswerBook
from qc_runtime.judging.accounts import Account, Accounts
from qc_runtime.judging.answering import Answering, Progress
from qc_runtime.judging.atoms import put_atoms
from qc_runtime.judging.findings import Findings
from qc_runtime.judging.levels import DIFFERS, NO_MODEL, Levels, levels_of
from qc_runtime.judging.questions import Answered, Asking, Explain, ask, read_reply
from qc_runtime.judging.rounds import Answers, Put, Settled, Waiting, settle
from qc_runtime.judging.tiers import ONE_TIER, Tiers
from qc_runtime.judging.verdicts import Verdicts
from qc_runtime.outcome import Outcome, Status, Usage
from qc_runtime.prefilter import Database, run_prefilter
from qc_runtime.records.recordset import RecordSet
from qc_runtime.tables.rows import Cases

_OPEN, _CLOSED = 1, 0


@dataclass(frozen=True)
class Judged:
    """The outcome of every record in file order, and what the model was asked for.

    ``accounts`` says what every rule came to for every record, ``plans`` how the questions were
    laid out, round by round.
    """

    outcomes: tuple[Outcome, ...]
    usage: Usage | None
    accounts: Accounts
    plans: tuple[Planned, ...] = ()


@dataclass(frozen=True)
class Given:
    """What is known of the model's answers before it is asked (a rulebook's own tests).

    ``truths`` are those of questions within conditions, by id; ``otherwise`` is the number of
    the answer to the last question.
    """

    truths: Mapping[str, bool] = field(default_factory=dict)
    otherwise: int | None = None


def judge(
    program: Program,
    records: RecordSet,
    connect: Callable[[], Backend] | None,
    store: AnswerBook,
    *,
    explain: Explain = "fail",
    progress: Progress = lambda done, total: None,
    database: Database | None = None,
    given: Given = Given(),
    tiers: Tiers = ONE_TIER,
    pace: Callable[[], None] = lambda: None,
) -> Judged:
    """Judge every record. Without a back end, what needs the model is pending.

    ``connect`` makes the back end, and is called only when a question is left. Every answer is
    in ``store`` before it counts as done, so a run that is killed goes on from there.
    ``progress`` is told how many of the unique questions are answered. ``database`` holds the
    related tables, if there are any. ``tiers`` say who is asked about what is unsure.
    ``pace`` is called before each reply that is computed, and may pause.
    """
    answering = Answering(connect, store, progress, tiers, pace) if connect else None
    try:
        run = _Run(program, records, answering, explain, database or Database(), given)
        outcomes = run.outcomes()
    finally:
        if answering:
            answering.close()
    usage = answering.usage() if answering else None
    return Judged(outcomes, usage, run.accounts, tuple(run.answers.plans))


class _Run:
    """The stages of one run; ``open`` marks the records that no stage has closed yet."""

    def __init__(
        self,
        program: Program,
        records: RecordSet,
        answering: Answering | None,
        explain: Explain,
        database: Database,
        given: Given,
    ) -> None:
        self.program, self.records = program, records
        self.answering, self.explain, self.given = answering, explain, given
        self.database = database
        self.cases = Cases(program, records, database.connection, database.tables)
        self.answers = Answers(given.truths)
        self.accounts = Accounts([rule.id for rule in program.rules], len(records))
        self.open = bytearray([_OPEN]) * len(records)
        self.found: dict[int, Outcome] = {}

    def outcomes(self) -> tuple[Outcome, ...]:
        """Every record exactly once: a missing one is a `KeyError`, never a silent gap."""
        self.by_levels()
        if self.program.obligations:
            self.by_obligations()
        self.by_otherwise()
        return tuple(self.found[number] for number in range(len(self.records)))

    def close(self, number: int, outcome: Outcome) -> None:
        self.found[number] = outcome
        self.open[number] = _CLOSED

    def by_levels(self) -> None:
        """Gates, exceptions and rules with verdicts."""
        program = levels_of(self.program)
        codes = run_prefilter(program, self.records.arrow(), self.database)
        levels = Levels(self.program, codes)
        if not program.levels and self.program.obligations:
            return
        tasks = settle(
            self.cases,
            range(len(self.records)),
            lambda numbers: dict.fromkeys(numbers, (None,)),
            levels.look,
            self.answers,
            self.put(),
            rows=levels.through_rows,
        )
        for settled in tasks:
            if (outcome := self.of_level(levels, settled)) is not None:
                self.close(settled.case.number, outcome)

    def of_level(self, levels: Levels, settled: Settled[None, Decision]) -> Outcome | None:
        case = settled.case
        if not levels.agrees(settled):
            self.accounts.all_of(case.number, Account.ERROR)
            return Outcome(case.key, Status.ERROR, explanation=str(DIFFERS))
        if isinstance(settled.result, Waiting):
            failure = self.answers.failure(settled.result.atoms)
            outcome = levels.waiting(case, settled.result, failure, self.accounts)
        else:
            found = levels.outcome(settled, self.accounts)
            if found is None:
                return None
            outcome = found
        if outcome.status is not Status.DECIDED:  # nor can the obligations be judged
            for duty in self.program.obligations:
                account = Account[outcome.status.name]
                self.accounts.raise_to(duty.rule, case.number, account)
        return outcome

    def by_obligations(self) -> None:
        """The obligations of the records that no level has closed."""
        from qc_runtime.judging.duties import Duties, Flagged

        findings = Findings(self.program, self.answers, self.accounts)
        with self.database.opened(self.records.arrow()) as connection:
            cases = Cases(self.program, self.records, connection, self.database.tables)
            flagged = Flagged(self.program, connection)
            flagged.judge(cases.absent, self.accounts, self.open)
            tasks = settle(
                cases,
                flagged.cases(self.open),
                flagged.tasks_of,
                Duties(self.program).look,
                self.answers,
                self.put(),
            )
            for settled in tasks:
                findings.take(settled)
        verdicts = Verdicts(self.program, self.accounts, findings.of, cases.absent)
        for number, flag in enumerate(self.open):
            if flag and (outcome := verdicts.outcome(number, self.records.keys[number])):
                self.close(number, outcome)

    def put(self) -> Put | None:
        if self.answering is None:
            return None
        return partial(put_atoms, self.program, self.answering, self.explain)

    def by_otherwise(self) -> None:
        """The question of ``otherwise``, for what is still open."""
        rows = [number for number, flag in enumerate(self.open) if flag]
        if not rows:
            return
        asked = ask(self.program, self.records, rows, self.explain)
        if self.given.otherwise is not None:
            self.as_given(asked, self.given.otherwise)
        elif self.answering is None:
            for row in rows:
                key = self.records.keys[row]
                self.close(row, Outcome(key, Status.PENDING, explanation=str(NO_MODEL)))
        else:
            question = self.program.otherwise
            assert isinstance(question, Question)
            shown = ((question, dict(asking.shown)) for asking in asked)
            self.answers.plans += plan(shown, self.program.lang)
            requests = [asking.request for asking in asked]
            for at, reply in self.answering.replies(requests, rows):
                self.replied(asked[at], reply)

    def as_given(self, asked: Sequence[Asking], answer: int) -> None:
        for asking in asked:
            codes = asking.request.choice.codes
            shares = tuple(float(at == answer) for at in range(len(codes)))
            self.replied(asking, Reply.of(shares))

    def replied(self, asking: Asking, reply: Reply) -> None:
        for row in asking.rows:
            self.close(row, by_model(self.program, asking, reply, self.records.keys[row]))


def by_model(program: Program, asking: Asking, reply: Reply, key: str) -> Outcome:
    """The outcome of one record from the reply to its question."""
    question = program.otherwise
    assert isinstance(question, Question)
    if reply.error is not None:
        return Outcome(key, Status.ERROR, explanation=str(reply.error))
    answered = read_reply(asking.request, reply)
    verdict = program.verdicts[question.answers[answered.answer][1]].name
    if answered.confidence < question.review_below or reply.flickers:
        return _for_review(key, verdict, answered, reply, asking, question)
    return Outcome(
        key,
        Status.DECIDED,
        verdict=verdict,
        decided_by="model",
        confidence=answered.confidence,
        explanation=reply.text(REASON),
        evidence=asking.quoted(reply),
    )


def _for_review(
    key: str, leaning: str, answered: Answered, reply: Reply, asking: Asking, question: Question
) -> Outcome:
    why = _FLICKERS if reply.flickers else _too_unsure(answered.confidence, question)
    return Outcome(
        key,
        Status.NEEDS_REVIEW,
        leaning=leaning,
        confidence=answered.confidence,
        explanation="；".join(filter(None, (str(why), reply.text(REASON)))),
        evidence=asking.quoted(reply),
    )


_FLICKERS = Text(
    "两次计算的答案不同，结论正好在判定线上",
    "Two computations gave different answers: this is right on the line",
)


def _too_unsure(confidence: float, question: Question) -> Text:
    sure, line = _told_apart(confidence, question.review_below)
    return Text(f"把握 {sure}，低于复核线 {line}", f"Confidence {sure} is under {line}")


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Two shares in per cent, with as many digits as it takes to see which is less."""
    for digits in range(4):
        shown = f"{one:.{digits}%}", f"{other:.{digits}%}"
        if shown[0] != shown[1]:
            break
    return shown
