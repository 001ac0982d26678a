"""The pre-filter: the decision about every record as one DuckDB query.

`qc_compiler.decide` is the definition. Records in which nothing that matters is missing take a
flat chain of tests, which is what a person would write by hand; only the others pay for the
third truth value. DuckDB stops early in the tests of a CASE, not in values: so each rule is a
test of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlglot import exp

from qc_compiler import ir
from qc_compiler.decide import Open
from qc_compiler.obligation_sql import obligation_query
from qc_compiler.program import Program, Question
from qc_compiler.simplify import simplify, without_tables
from qc_compiler.sql import Sql, bounds, either, expression, is_null
from qc_compiler.sql_time import name
from qc_compiler.values import CASE
from qc_compiler.values import CASES as TABLE

__all__ = ["TABLE", "obligation_query", "prefilter"]
Level = Sequence[tuple[Sql, int]]  # the truth of every rule of a level, and its verdict


def prefilter(program: Program, absent: Collection[str] = ()) -> str:
    """The query that gives ``decision`` (a verdict's index or an `Open`) for every record.

    ``absent`` are tables that were not extracted. Records come in the table's order, unless a
    rule goes through rows or asks something: then in any order, with their ``#case``.
    """
    levels = [
        [(simplify(without_tables(arm.expr, absent)), arm.verdict) for arm in level.arms]
        for level in program.levels
    ]
    if all(ir.is_scalar(expr) for level in levels for expr, _ in level):
        said = [[(expression(expr), verdict) for expr, verdict in level] for level in levels]
        decision = _named(_decision(program, said))
        query = exp.select(decision, copy=False).from_(exp.to_identifier(TABLE), copy=False)
    else:
        query = _in_steps(program, levels)
    return query.sql(dialect="duckdb", pretty=True)


def _in_steps(program: Program, levels: Sequence[Sequence[tuple[ir.Expr, int]]]) -> exp.Select:
    """First the truth of every rule, once; from those the decision."""
    truths: list[exp.Expr] = []
    said: list[list[tuple[Sql, int]]] = []
    for level in levels:
        said.append([])
        for expr, verdict in level:
            flag = f"#rule {len(truths)}"
            truth = exp.cast(expression(expr), "BOOLEAN", copy=False)
            truths.append(exp.alias_(truth, flag, quoted=True, copy=False))
            said[-1].append((name(flag), verdict))
    everything = exp.column(exp.Star(), table=exp.to_identifier(TABLE))
    first = exp.select(everything, *truths, copy=False)
    first.from_(exp.to_identifier(TABLE), copy=False)
    query = exp.select(name(CASE), _named(_when_incomplete(program, said)), copy=False)
    return query.from_(first.subquery(exp.to_identifier(TABLE), copy=False), copy=False)


def _named(code: Sql) -> exp.Expr:
    return exp.alias_(exp.cast(code, "SMALLINT", copy=False), "decision", copy=False)


def _code(code: int) -> Sql:
    return exp.Literal.number(int(code))


def _said(level: Level) -> list[int]:
    return sorted({verdict for _, verdict in level})


def _arms(level: Level, verdicts: Iterable[int]) -> Sql:
    """Whether some rule of the level says one of these verdicts."""
    wanted = set(verdicts)
    return either(truth.copy() for truth, verdict in level if verdict in wanted)


def _may_hold(level: Level, verdicts: Iterable[int]) -> Sql:
    """Whether some rule of the level says one of these verdicts, or could."""
    return exp.func("coalesce", _arms(level, verdicts), exp.true(), copy=False)


def _not(test: Sql) -> Sql:
    return exp.not_(test, copy=False)


def _closed(case: exp.Case, last: Sql) -> Sql:
    return case.else_(last, copy=False) if case.args.get("ifs") else last


def _decision(program: Program, levels: Sequence[Level]) -> Sql:
    case = exp.Case()
    if incomplete := _incomplete(program):
        case.when(incomplete, _when_incomplete(program, levels), copy=False)
    for level in levels:
        _add_conflicts(case, level)
        for truth, verdict in sorted(level, key=lambda arm: arm[1]):
            case.when(truth.copy(), _code(verdict), copy=False)
    if isinstance(program.otherwise, Question):
        return _closed(case, _code(Open.ASK))
    return _closed(case, _otherwise(program))


def _incomplete(program: Program) -> Sql | None:
    """Whether something that a rule or the question reads is missing or only a day."""
    exprs = [arm.expr for level in program.levels for arm in level.arms]
    read = {column for expr in exprs for column in ir.columns(expr)} | set(_shown(program))
    ordered = sorted(read, key=lambda column: column.name)
    tests: list[Sql] = [is_null(column) for column in ordered]
    for column in ordered:
        if column.type.is_temporal:
            lo, hi = bounds(column)
            tests.append(exp.NEQ(this=lo, expression=hi))
    return either(tests) if tests else None


def _shown(program: Program) -> list[ir.Column]:
    """The columns that the question shows."""
    if not isinstance(program.otherwise, Question):
        return []
    return [ir.Column(name, program.field(name).type) for name in program.otherwise.fields]


def _add_conflicts(case: exp.Case, level: Level) -> None:
    said = _said(level)
    for at, a in enumerate(said):
        for b in said[at + 1 :]:
            both = exp.and_(_arms(level, [a]), _arms(level, [b]), copy=False)
            case.when(both, _code(Open.CONFLICT), copy=False)


def _when_incomplete(program: Program, levels: Sequence[Level]) -> Sql:
    """Most levels neither say nor could say anything: one test passes them by."""
    case = exp.Case()
    for at, level in enumerate(levels):
        if at == len(levels) - 1 and _unknown_is_missing(program):
            case.when(_arms(level, _said(level)), _code(level[0][1]), copy=False)
        else:
            case.when(_may_hold(level, _said(level)), _by_level(program, levels, at), copy=False)
    return _closed(case, _otherwise(program))


def _unknown_is_missing(program: Program) -> bool:
    """Whether the last level need not be tested for unknown.

    Where it has one verdict and reads nothing but what the question shows, it is unknown only
    if some of that is missing; then there is nothing to ask either.
    """
    arms, shown = program.levels[-1].arms, _shown(program)
    read = {column for arm in arms for column in ir.columns(arm.expr)}
    plain = all(ir.is_scalar(arm.expr) for arm in arms)
    plain = plain and not any(column.type.is_temporal for column in read)
    return plain and len({arm.verdict for arm in arms}) == 1 and read <= {*shown}


def _by_level(program: Program, levels: Sequence[Level], at: int) -> Sql:
    """The decision where some rule of level ``at`` is true or unknown."""
    level = levels[at]
    case = exp.Case()
    _add_conflicts(case, level)
    for verdict in _said(level):
        holds = _arms(level, [verdict])
        if others := [v for v in _said(level) if v != verdict]:
            holds = exp.and_(holds, _not(_may_hold(level, others)), copy=False)
        case.when(holds, _code(verdict), copy=False)
    return _closed(case, _if_all_agree(program, levels, at))


def _if_all_agree(program: Program, levels: Sequence[Level], at: int) -> Sql:
    """The decision where level ``at`` is unknown: a verdict if being false leads there too."""
    level, later = levels[at], levels[at + 1 :]
    case = exp.Case()
    for verdict in _said(level):
        if program.otherwise != verdict and all(verdict not in _said(next_) for next_ in later):
            continue
        agrees = _surely(later, program.otherwise == verdict, verdict)
        if others := [v for v in _said(level) if v != verdict]:
            agrees = exp.and_(_not(_may_hold(level, others)), agrees, copy=False)
        case.when(agrees, _code(verdict), copy=False)
    return _closed(case, _code(Open.DATA_MISSING))


def _surely(levels: Sequence[Level], at_last: bool, verdict: int) -> Sql:
    """Whether every way the unknown could turn out leads from these levels to this verdict.

    Level by level: another verdict that is or may be said rules it out; this verdict said
    settles it; said perhaps or not at all leaves it to the levels after.
    """
    case = exp.Case()
    for level in levels:
        if others := [v for v in _said(level) if v != verdict]:
            case.when(_may_hold(level, others), exp.false(), copy=False)
        if verdict in _said(level):
            case.when(_arms(level, [verdict]), exp.true(), copy=False)
    return _closed(case, exp.true() if at_last else exp.false())


def _otherwise(program: Program) -> Sql:
    if isinstance(program.otherwise, int):
        return _code(program.otherwise)
    if program.otherwise is None:
        return _code(Open.UNCOVERED)
    missing = either(map(is_null, _shown(program)))
    return exp.Case().when(missing, _code(Open.DATA_MISSING)).else_(_code(Open.ASK))
