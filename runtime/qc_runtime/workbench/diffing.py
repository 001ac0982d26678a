"""Two versions of a rulebook on the same data: whose outcome changes, and what is asked anew.

Where no rule's condition is for the model, both are decided by the pre-filter's queries alone,
and an obligation whose query is the same in both is not even run. Otherwise both are judged in
full, with a back end that answers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qc_compiler.decide import Open
from qc_compiler.difference import asks_within_rules
from qc_compiler.program import Program, Question
from qc_runtime.outcome import Outcome, Status
from qc_runtime.workbench.diffing_codes import Side, both_codes
from qc_runtime.workbench.diffing_duties import LEFT, Duties, DutiesCompared, Moved

if TYPE_CHECKING:
    from qc_runtime.backend import Request

_OPEN = {
    Open.ASK: "pending",
    Open.DATA_MISSING: "data_missing",
    Open.CONFLICT: "needs_review",
    Open.UNCOVERED: "needs_review",
}


@dataclass
class Changes:
    """Records by what changed: verdicts (or statuses), and obligations' states by rule."""

    verdicts: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    duties: Duties = field(default_factory=dict)

    @property
    def records(self) -> set[int]:
        moved = {one.number for rows in self.duties.values() for one in rows}
        return moved.union(*self.verdicts.values())


@dataclass(frozen=True)
class Compared:
    """Everything that changed.

    ``before`` counts the old version's unique questions, ``after`` the new version's, of which
    ``new`` are not among the old one's; ``requests`` writes the new version's out.
    """

    changes: Changes
    before: int
    after: int
    new: int
    requests: Callable[[], Sequence[Request]]


def compare(a: Side, b: Side) -> Compared:
    """Both versions' outcomes and questions held against each other, record by record."""
    if any(map(_asks_late, (a.program, b.program))):
        return _in_full(a, b)
    codes = both_codes(a, b)
    return _questions(a, b, codes, _changes(a, b, codes))


def _changes(a: Side, b: Side, codes: Sequence[Sequence[int]]) -> Changes:
    duties = DutiesCompared(a, b, codes)
    changes = Changes(duties=duties.moved())
    names = tuple(_named(side.program, codes[at]) for at, side in enumerate((a, b)))
    for number, pair in enumerate(zip(*names, strict=True)):
        if pair[0] == pair[1]:
            continue
        old, new = (
            duties.outcome(at, number) if name == LEFT else name for at, name in enumerate(pair)
        )
        if old != new:
            changes.verdicts.setdefault((old, new), []).append(number)
    return changes


def _asks_late(program: Program) -> bool:
    """Whether what is asked hangs on more than the levels' queries."""
    last = bool(program.obligations) and isinstance(program.otherwise, Question)
    return last or asks_within_rules(program)


def _named(program: Program, codes: Sequence[int]) -> list[str]:
    """Verdicts and statuses; what the levels leave to obligations is named after those."""
    names = {int(code): name for code, name in _OPEN.items()}
    names |= {at: verdict.name for at, verdict in enumerate(program.verdicts)}
    if program.obligations:
        names[int(Open.UNCOVERED)] = LEFT
    return [names[code] for code in codes]


def _questions(a: Side, b: Side, codes: Sequence[list[int]], changes: Changes) -> Compared:
    """The questions of ``otherwise``."""
    shown = [_shown(side, codes[at]) for at, side in enumerate((a, b))]
    same = (a.program.otherwise, a.program.lang) == (b.program.otherwise, b.program.lang)
    if same:
        new = len(shown[1] - shown[0])
    else:
        old = {request.digest("") for request in _requests(a, codes[0])}
        new = sum(request.digest("") not in old for request in _requests(b, codes[1]))
    before, after = map(len, shown)
    return Compared(changes, before, after, new, lambda: _requests(b, codes[1]))


def _asking(codes: Sequence[int]) -> list[int]:
    return [number for number, code in enumerate(codes) if code == Open.ASK]


def _shown(side: Side, codes: Sequence[int]) -> set[tuple[str, ...]]:
    """What the question shows of the records that it is asked about, each once."""
    question = side.program.otherwise
    if not isinstance(question, Question):
        return set()
    columns = [side.records.display[name] for name in question.fields]
    return {tuple(column[row] or "" for column in columns) for row in _asking(codes)}


def _requests(side: Side, codes: Sequence[int]) -> list[Request]:
    from qc_runtime.judging.questions import ask

    rows = _asking(codes)
    if not rows:
        return []
    return [one.request for one in ask(side.program, side.records, rows, "none")]


def _in_full(a: Side, b: Side) -> Compared:
    """Both versions judged, with a back end that only notes what it is asked."""
    (old, asked_a), (new, asked_b) = _judged(a), _judged(b)
    changes = Changes()
    for number, (before, after) in enumerate(zip(old, new, strict=True)):
        if _word(before) != _word(after):
            changes.verdicts.setdefault((_word(before), _word(after)), []).append(number)
        for rule, state, then in _findings(before, after):
            changes.duties.setdefault((rule, state, then), []).append(Moved(number, None))
    known = {request.digest("") for request in asked_a}
    fresh = sum(request.digest("") not in known for request in asked_b)
    return Compared(changes, len(asked_a), len(asked_b), fresh, lambda: asked_b)


def _judged(side: Side) -> tuple[Sequence[Outcome], list[Request]]:
    from qc_runtime.cache import Remembered
    from qc_runtime.judging.judge import judge
    from qc_runtime.judging.plan import Recorder

    recorder = Recorder()
    judged = judge(
        side.program,
        side.records,
        lambda: recorder,
        Remembered(),
        explain="none",
        database=side.database,
    )
    unique = {request.digest(""): request for request in recorder.requests}
    return judged.outcomes, list(unique.values())


def _word(outcome: Outcome) -> str:
    """A verdict or a status; what the recording back end did not answer is pending."""
    if outcome.verdict:
        return outcome.verdict
    return "pending" if outcome.status is Status.ERROR else outcome.status.value


def _findings(before: Outcome, after: Outcome) -> Iterator[tuple[str, str, str]]:
    from collections import Counter

    old = Counter(finding.rule for finding in before.findings)
    new = Counter(finding.rule for finding in after.findings)
    for rule in (old - new).elements():
        yield rule, "violated", ""
    for rule in (new - old).elements():
        yield rule, "", "violated"
