"""Outcomes as Parquet: typed columns, findings and evidence as lists of structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from qc_compiler.found import Searched, Window
from qc_runtime.outcome import Evidence, Finding, Outcome, RowPlace, Status
from qc_runtime.report.jsonl import as_json

_AT_ONCE = 2048  # outcomes that are Python values side by side: those take the most memory


@cache
def schema() -> Any:
    """One row an outcome; the columns are the keys of ``outcomes.jsonl``, in their order."""
    import pyarrow as pa

    text, number, count = pa.string(), pa.float64(), pa.int64()
    window = pa.struct([("from", text), ("to", text)])
    searched = [("total", count), ("met", count), ("unknown", count), ("inside", count)]
    searched += [("unclear", count), ("before", text), ("after", text)]
    quote = [("field", text), ("quote", text), ("window", window), ("rows", pa.struct(searched))]
    evidence = pa.list_(pa.struct(quote))
    row = pa.struct([("table", text), ("key", text), ("time", text)])
    finding = [("rule", text), ("message", text), ("points", number), ("row", row)]
    finding += [("evidence", evidence), ("status", text), ("confidence", number)]
    finding += [("explanation", text)]
    return pa.schema(
        [
            pa.field("key", text, nullable=False),
            ("verdict", text),
            ("leaning", text),
            pa.field("status", text, nullable=False),
            ("decided_by", text),
            ("rules", pa.list_(text)),
            ("confidence", number),
            ("explanation", text),
            ("evidence", evidence),
            ("findings", pa.list_(pa.struct(finding))),
            ("score", number),
            ("grade", text),
        ]
    )


def as_parquet(outcomes: Sequence[Outcome]) -> Any:
    """The bytes of a Parquet file: the same outcomes, the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    starts = range(0, len(outcomes), _AT_ONCE)
    batches = [_batch(outcomes[start : start + _AT_ONCE]) for start in starts]
    table = pa.Table.from_batches(batches, schema())
    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _batch(outcomes: Sequence[Outcome]) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([as_json(one) for one in outcomes], schema())


def outcome_of(row: Mapping[str, Any]) -> Outcome:
    """An outcome from its row as Arrow gives it to Python."""
    return Outcome(
        key=row["key"],
        status=Status(row["status"]),
        verdict=row["verdict"],
        leaning=row["leaning"],
        decided_by=row["decided_by"],
        rules=tuple(row["rules"]),
        confidence=row["confidence"],
        explanation=row["explanation"],
        evidence=_evidence(row["evidence"]),
        findings=tuple(map(_finding, row["findings"])),
        score=row["score"],
        grade=row["grade"],
    )


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=row["rule"],
        message=row["message"],
        points=row["points"],
        row=RowPlace(**row["row"]) if row["row"] else None,
        evidence=_evidence(row["evidence"]),
        status=Status(row["status"]),
        confidence=row["confidence"],
        explanation=row["explanation"],
    )


def _evidence(rows: Sequence[Mapping[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            one["field"],
            one["quote"],
            Window(one["window"]["from"], one["window"]["to"]) if one["window"] else None,
            Searched(**one["rows"]) if one["rows"] else None,
        )
        for one in rows
    )
