"""Contradictions that the records of some data run into: real examples for ``qc check``."""

from __future__ import annotations

from collections.abc import Iterator

from qc_compiler.analyse import Hit, disagreeing
from qc_compiler.decide import Open
from qc_compiler.program import Program
from qc_dsl.lang import Text
from qc_runtime.judging.levels import levels_of
from qc_runtime.prefilter import Database, run_prefilter
from qc_runtime.records.recordset import RecordSet
from qc_runtime.tables.rows import Cases

_MOST = 10_000  # records in conflict that are looked at


def contradicted(program: Program, records: RecordSet, database: Database) -> Iterator[Hit]:
    """Each two rules that disagree about a record, with the first such record's key."""
    codes = run_prefilter(levels_of(program), records.arrow(), database)
    numbers = [number for number, code in enumerate(codes) if code == Open.CONFLICT][:_MOST]
    cases = Cases(program, records, database.connection, database.tables)
    known: set[tuple[int, int]] = set()
    for batch in cases.batches(numbers):
        for case in batch:
            for a, b in disagreeing(program, case.record):
                if (a.rule, b.rule) not in known:
                    known.add((a.rule, b.rule))
                    yield a, b, _named(program.key, records.keys[case.number])


def _named(key: str, value: str) -> Text:
    return Text(f"数据里 {key} 为“{value}”的病例", f"the record of the data with {key} “{value}”")
