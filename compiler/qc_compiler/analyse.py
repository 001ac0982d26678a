"""What is wrong with rules that are each well formed: contradictions, and words never used.

A contradiction is reported only with a witness: a record made up from the two rules' own
constants that the interpreter says hits both. So nothing is invented; what the search does not
find is caught when a record hits it (`qc_compiler.decide.Open.CONFLICT`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, combinations, islice

from qc_compiler import ir
from qc_compiler.allowed import Reviewed, without_allowed
from qc_compiler.interpret import evaluate
from qc_compiler.meeting import meeting
from qc_compiler.program import Arm, Level, Program
from qc_compiler.prompt_size import large_prompts
from qc_compiler.reach import declared_values, unreachable
from qc_compiler.redundant import redundant
from qc_compiler.shadowed import shadowed
from qc_compiler.unused import unused
from qc_compiler.values import Record
from qc_compiler.ways import Ways
from qc_compiler.witness import Tries, find_record
from qc_compiler.witness_shown import shown_record
from qc_dsl.errors import Diagnostic, Related
from qc_dsl.lang import Text
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Span

Hit = tuple[Arm, Arm, Text]  # two arms of one level, and a record that hits both


def analyse(program: Program, rulebook: Rulebook) -> tuple[Diagnostic, ...]:
    """Contradictions (errors), then warnings; without what the rulebook allows at its place."""
    return review(program, rulebook).found


def review(program: Program, rulebook: Rulebook, seen: Iterable[Hit] = ()) -> Reviewed:
    """The same, with what was allowed and why.

    ``seen`` are contradictions that records of some data hit: these are the examples then.
    """
    return without_allowed(tuple(_all(program, rulebook, seen)), rulebook)


def _all(program: Program, rulebook: Rulebook, seen: Iterable[Hit]) -> list[Diagnostic]:
    spans = {decl.id: decl.span for decl in rulebook.rules}
    ways, tries = Ways(declared_values(program)), Tries(_MOST_TRIES)
    conflicts = chain.from_iterable(
        _conflicts(program, level, ways, tries) for level in program.levels
    )
    made_up = list(islice(conflicts, _MOST_CONFLICTS))
    hits = {(a.rule, b.rule): (a, b, _made_up(a, b, record)) for a, b, record in made_up}
    hits |= {(a.rule, b.rule): (a, b, record) for a, b, record in seen}
    found = [_conflict(program, *hit, spans) for hit in hits.values()]
    if tries.left < 0 or len(made_up) == _MOST_CONFLICTS:
        found.append(_not_all(rulebook))
    if program.otherwise is None and not program.obligations:
        found.append(_gap(rulebook))
    found += _points_above_total(program, spans)
    found += unreachable(program, rulebook, ways)
    never = {d.span for d in found if d.code == "QC306"}
    found += (one for one in redundant(program, rulebook, ways) if one.span not in never)
    found += unused(rulebook)
    found += shadowed(rulebook)
    found += large_prompts(program, rulebook)
    return found


_MOST_CONFLICTS = 50  # that are named: more of them are one mistake many times over
_MOST_TRIES = 20_000  # records tried in all, about half a second


def contradictions(program: Program) -> Iterator[tuple[Arm, Arm, Record]]:
    """Pairs of one level that give one record different verdicts, each with such a record."""
    ways, tries = Ways(declared_values(program)), Tries(_MOST_TRIES)
    for level in program.levels:
        yield from _conflicts(program, level, ways, tries)


def _conflicts(
    program: Program, level: Level, ways: Ways, tries: Tries
) -> Iterator[tuple[Arm, Arm, Record]]:
    arms = level.arms
    for i, j in meeting([arm.expr for arm in arms], [arm.verdict for arm in arms], ways):
        a, b = arms[i], arms[j]
        if a.rule == b.rule:
            continue
        record = find_record(ir.And((a.expr, b.expr)), program.fields, program.tables, tries)
        if record is not None and evaluate(a.expr, record) and evaluate(b.expr, record):
            yield a, b, record
        if tries.left < 0:
            return


def disagreeing(program: Program, record: Record) -> Iterator[tuple[Arm, Arm]]:
    """The pairs of one level that give a record different verdicts."""
    for level in program.levels:
        true = [arm for arm in level.arms if evaluate(arm.expr, record)]
        for a, b in combinations(true, 2):
            if a.verdict != b.verdict:
                yield a, b


def _made_up(a: Arm, b: Arm, record: Record) -> Text:
    both = ir.And((a.expr, b.expr))
    return Text(shown_record(both, record, "zh"), shown_record(both, record, "en"))


def _conflict(program: Program, a: Arm, b: Arm, record: Text, spans: dict[str, Span]) -> Diagnostic:
    first, second = program.rules[a.rule].id, program.rules[b.rule].id
    one, other = program.verdicts[a.verdict].name, program.verdicts[b.verdict].name
    return Diagnostic(
        "QC301",
        Text(
            f"规则“{first}”与“{second}”会给同一病例不同结论（{one}、{other}）",
            f"Rules “{first}” and “{second}” give one record different verdicts ({one}, {other})",
        ),
        spans[second],
        Text(
            f"例如：{record.zh}。请改写其中一条，或给其中一条写上“优先级”",
            f"For instance: {record.en}. Change one of them, or give one a priority",
        ),
        related=(Related(spans[first], Text("另一条规则", "the other rule")),),
    )


def _gap(rulebook: Rulebook) -> Diagnostic:
    return Diagnostic(
        "QC302",
        Text("没有“其余”：规则都不管的病例将交由人工", "No “otherwise”: the rest goes to a person"),
        rulebook.section_span("规则", "rules"),
        Text("请写 其余: 一个结论，或一个“问”", "Write “otherwise”: a verdict, or a question"),
        severity="warning",
    )


def _points_above_total(program: Program, spans: dict[str, Span]) -> Iterator[Diagnostic]:
    """One finding that takes off more than there is: likely a slip, or the total is."""
    for duty in program.obligations:
        if program.score is None or duty.points <= program.score.total:
            continue
        points, total = f"{duty.points:g}", f"{program.score.total:g}"
        yield Diagnostic(
            "QC305",
            Text(
                f"一处缺陷扣 {points} 分，比总分 {total} 还多",
                f"One finding deducts {points} points, more than the total of {total}",
            ),
            spans[program.rules[duty.rule].id],
            Text("请核对“扣 … 分”和“评分”", "Check the points, and “score”"),
            severity="warning",
        )


def _not_all(rulebook: Rulebook) -> Diagnostic:
    return Diagnostic(
        "QC304",
        Text(
            "规则太多，互相矛盾只查了一部分；没查到的，遇到病例时会转人工",
            "So many rules that only some pairs were checked for contradictions; "
            "a record that hits others goes to a person",
        ),
        rulebook.section_span("规则", "rules"),
        severity="warning",
    )
