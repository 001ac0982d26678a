"""Records to outcomes: rules first, then the model for what they leave, all accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qc_compiler.decide import Decision, Open, decide
from qc_compiler.program import Program, Question
from qc_compiler.trace import TracedRule, trace_rule
from qc_dsl.lang import Text
from qc_dsl.printer import print_sentence
from qc_runtime.backend import Backend, Reply
from qc_runtime.outcome import Evidence, Outcome, Status, Usage
from qc_runtime.prefilter import run_prefilter
from qc_runtime.questions import Answered, Asking, Explain, ask, is_complete, is_sound, read_reply
from qc_runtime.records.recordset import RecordSet
from qc_runtime.store import AnswerStore

Progress = Callable[[int, int], None]
_BROKEN = Text("模型的回答不完整", "The model's answer is incomplete")


@dataclass(frozen=True)
class Judged:
    """The outcome of every record in file order, and what the model was asked for."""

    outcomes: tuple[Outcome, ...]
    usage: Usage | None


def judge(
    program: Program,
    records: RecordSet,
    connect: Callable[[], Backend] | None,
    store: AnswerStore,
    *,
    explain: Explain = "fail",
    progress: Progress = lambda done, total: None,
) -> Judged:
    """Judge every record. Without a back end, what needs the model is pending.

    ``connect`` makes the back end, and is called only when a question is left. Every answer is
    in ``store`` before it counts as done, so a run that is killed goes on from there.
    ``progress`` is told how many of the unique questions are answered.
    """
    decisions = run_prefilter(program, records.arrow())
    by_rule = _Explainer(program, records)
    by_rules = {row: by_rule.outcome(row, code) for row, code in enumerate(decisions)}
    outcomes = {row: outcome for row, outcome in by_rules.items() if outcome is not None}
    open_rows = [row for row, outcome in by_rules.items() if outcome is None]
    if not open_rows or connect is None:
        outcomes |= {row: _pending(records.keys[row]) for row in open_rows}
        return Judged(_in_order(outcomes, len(records)), None)
    asked = ask(program, records, open_rows, explain)
    backend = connect()
    try:
        for asking, reply in _replies(asked, backend, store, progress):
            for row in asking.rows:
                outcomes[row] = by_model(program, asking, reply, records.keys[row])
    finally:
        backend.close()
    usage = _usage(backend, len(open_rows), len(asked))
    return Judged(_in_order(outcomes, len(records)), usage)


def _in_order(outcomes: dict[int, Outcome], count: int) -> tuple[Outcome, ...]:
    """Every record exactly once: a missing one is a `KeyError`, never a silent gap."""
    return tuple(outcomes[row] for row in range(count))


def _pending(key: str) -> Outcome:
    text = Text("需要模型判断，本次未运行模型", "Needs the model, which was not run")
    return Outcome(key, Status.PENDING, explanation=str(text))


def _replies(
    asked: list[Asking], backend: Backend, store: AnswerStore, progress: Progress
) -> Iterator[tuple[Asking, Reply]]:
    """A reply for every question: those in the store first, the others as they come."""
    digests = [asking.request.digest(backend.identity) for asking in asked]
    known = store.get_many(digests)
    ready = {
        at: known[digest]
        for at, digest in enumerate(digests)
        if digest in known and is_complete(asked[at].request, known[digest])
    }
    progress(len(ready), len(asked))
    for at, reply in ready.items():
        yield asked[at], reply
    rest = [at for at in range(len(asked)) if at not in ready]
    for done, (index, reply) in enumerate(_answers(backend, [asked[at] for at in rest]), 1):
        at = rest[index]
        if reply.error is None:
            store.put(digests[at], reply)
        progress(len(ready) + done, len(asked))
        yield asked[at], reply


def _answers(backend: Backend, asked: list[Asking]) -> Iterator[tuple[int, Reply]]:
    """The back end's replies. What is no answer, or left unanswered, becomes an error."""
    left = set(range(len(asked)))
    if not asked:
        return
    for index, reply in backend.answer([asking.request for asking in asked]):
        left.discard(index)
        broken = reply.error is None and not is_sound(asked[index].request, reply)
        yield index, Reply(error=_BROKEN) if broken else reply
    for index in sorted(left):
        yield index, Reply(error=Text("模型没有回答", "The model gave no answer"))


def by_model(program: Program, asking: Asking, reply: Reply, key: str) -> Outcome:
    """The outcome of one record from the reply to its question."""
    question = program.otherwise
    assert isinstance(question, Question)
    if reply.error is not None:
        return Outcome(key, Status.ERROR, explanation=str(reply.error))
    answered = read_reply(asking.request, reply)
    verdict = program.verdicts[question.answers[answered.answer][1]].name
    if answered.confidence < question.review_below:
        return _for_review(key, verdict, answered, reply, question)
    return Outcome(
        key,
        Status.DECIDED,
        verdict=verdict,
        decided_by="model",
        confidence=answered.confidence,
        explanation=reply.explanation,
    )


def _for_review(
    key: str, leaning: str, answered: Answered, reply: Reply, question: Question
) -> Outcome:
    why = Text(
        f"把握 {answered.confidence:.0%}，低于复核线 {question.review_below:.0%}",
        f"Confidence {answered.confidence:.0%} is under {question.review_below:.0%}",
    )
    return Outcome(
        key,
        Status.NEEDS_REVIEW,
        leaning=leaning,
        confidence=answered.confidence,
        explanation="；".join(filter(None, (str(why), reply.explanation))),
    )


def _usage(backend: Backend, requests: int, unique: int) -> Usage:
    counters = backend.counters
    return Usage(
        requests=requests,
        unique_requests=unique,
        prompt_tokens=counters.prompt_tokens,
        reused_prompt_tokens=counters.reused_prompt_tokens,
        generated_tokens=counters.generated_tokens,
        seconds=round(counters.seconds, 3),
        load_seconds=round(counters.load_seconds, 3),
    )


class _Explainer:
    """Outcomes of records that the rules decide, each checked against the interpreter."""

    def __init__(self, program: Program, records: RecordSet) -> None:
        self.program, self.records = program, records

    def outcome(self, row: int, code: int) -> Outcome | None:
        """Explain one decision of the pre-filter; where the definition differs, an error.

        `None` when both leave the record to the model.
        """
        key = self.records.keys[row]
        decision = decide(self.program, self.records.record(row))
        if decision.code != code:
            differs = Text(
                "预筛结果与规则定义不一致，请报告此问题",
                "The pre-filter and the definition disagree: please report this",
            )
            return Outcome(key, Status.ERROR, explanation=str(differs))
        if code == Open.ASK:
            return None
        if code >= 0:
            return self.decided(key, row, decision)
        return self.undecided(key, row, decision)

    def decided(self, key: str, row: int, decision: Decision) -> Outcome:
        quotes = (q for rule in decision.rules for q in self.traced(rule, row).quotes())
        return Outcome(
            key,
            Status.DECIDED,
            verdict=self.program.verdicts[decision.code].name,
            decided_by="rule",
            rules=self.names(decision),
            explanation=self.said(decision),
            evidence=tuple(Evidence(q.field, q.text) for q in dict.fromkeys(quotes)),
        )

    def undecided(self, key: str, row: int, decision: Decision) -> Outcome:
        if decision.code == Open.DATA_MISSING:
            missing = self.missing(row, decision)
            why = Text(f"缺少：{'、'.join(missing)}", f"Missing: {', '.join(missing)}")
            rules = self.names(decision)
            return Outcome(key, Status.DATA_MISSING, rules=rules, explanation=str(why))
        if decision.code == Open.CONFLICT:
            why = Text("几条规则给出不同结论", "Rules give different verdicts")
        else:
            why = Text("没有规则能决定", "No rule decides this")
        rules = self.names(decision)
        return Outcome(key, Status.NEEDS_REVIEW, rules=rules, explanation=str(why))

    def traced(self, rule: int, row: int) -> TracedRule:
        shown = {name: column[row] for name, column in self.records.display.items()}
        return trace_rule(self.program.rules[rule], self.records.record(row), shown)

    def names(self, decision: Decision) -> tuple[str, ...]:
        return tuple(self.program.rules[rule].id for rule in decision.rules)

    def said(self, decision: Decision) -> str:
        """The deciding sentences; a fixed ``otherwise`` says so itself."""
        if not decision.rules:
            return str(Text("没有规则命中，按“其余”处理", "No rule applies: “otherwise”"))
        sentences = (self.program.rules[rule] for rule in decision.rules)
        lang = self.program.lang
        return "；".join(f"{rule.id}：{print_sentence(rule.sentence, lang)}" for rule in sentences)

    def missing(self, row: int, decision: Decision) -> list[str]:
        """The blank or unreadable fields, each unreadable one with what is wrong with it."""
        names = [m for rule in decision.rules for m in self.traced(rule, row).missing()]
        question = self.program.otherwise
        if isinstance(question, Question) and not names:
            names = [n for n in question.fields if self.records.values[n][row] is None]
        return [self.described(name, row) for name in dict.fromkeys(names)]

    def described(self, name: str, row: int) -> str:
        cell = self.records.display[name][row]
        return f"{name}（“{cell[:40]}”看不懂）" if cell else name
