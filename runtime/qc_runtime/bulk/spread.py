"""Cases and tables sorted by part, once, on disk: each part's rows then lie side by side.

One pass of DuckDB over each source, out of core within its memory limit. The part of a row is
a hash (MD5: the same on every machine) of its case's key, folded as `tables.keys` folds it, so
that a case and all of its rows come together. Sorted, and not ``PARTITION_BY``: thousands of
parts would be as many open files, or as many small ones.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qc_compiler.program import Program
from qc_compiler.values import ROW
from qc_runtime.bulk.dataset import Slice, cut, open_dataset
from qc_runtime.bulk.distinct import check_distinct
from qc_runtime.bulk.matching import Names
from qc_runtime.bulk.parts import Part
from qc_runtime.bulk.sources import BulkSources
from qc_runtime.bulk.staged import (
    Rows,
    fields_of,
    folded_key,
    kept_rows,
    sorting,
    speaking,
    staged,
)
from qc_runtime.report.atomic import atomic_path
from qc_runtime.tables.sources import CASES
from qc_runtime.tables.workspace import Workspace, literal, quoted

_PART = "#part"
_INDEX = "index.json"
_GROUP_ROWS = 16_384

Counts = dict[str, list[int]]  # the rows of each part, by source


def spread(
    program: Program, sources: BulkSources, rows: int, folder: Path
) -> tuple[tuple[Part, ...], Mapping[str, Names]]:
    """Sort the sources by part into ``folder``, unless that was done; the parts of it."""
    if not (folder / _INDEX).exists():
        with sorting(folder) as work:
            _spread_into(work, program, sources, rows, folder)
    counts: Counts = json.loads((folder / _INDEX).read_text("utf-8"))
    found = {name: _cut(folder / _file(at), counts[name]) for at, name in enumerate(counts)}
    total = range(len(counts[CASES]))
    parts = (Part(n + 1, {name: some[n] for name, some in found.items()}) for n in total)
    names: dict[str, Names] = {
        name: {one.name: one.name for one in fields_of(program, name)} for name in counts
    }
    return tuple(parts), names


def _file(at: int) -> str:
    return f"{at}.parquet"


def _cut(path: Path, counts: Sequence[int]) -> list[tuple[Slice, ...]]:
    found = list(cut(open_dataset(str(path)).slices(), counts))
    return found + [()] * (len(counts) - len(found))


def _spread_into(
    work: Workspace, program: Program, sources: BulkSources, rows: int, folder: Path
) -> None:
    """Under another name first: what is there is whole. Another shard may be quicker."""
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        counts = _spread(work, program, sources, rows, made)
        with atomic_path(made / _INDEX) as index:
            index.write_text(json.dumps(counts), "utf-8")
        try:
            made.rename(folder)
        except OSError:
            if not (folder / _INDEX).exists():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _spread(
    work: Workspace, program: Program, sources: BulkSources, rows: int, folder: Path
) -> Counts:
    counts: Counts = {}
    parts = 0
    for at, (name, source) in enumerate(sources.named()):  # the cases come first
        found = staged(work, program, name, source)
        if name == CASES:
            total = getattr(source, "rows", None) or work.number(f"SELECT count(*) {found.origin}")
            parts = max(1, -(-total // rows))
        part = f"md5_number_lower(coalesce({folded_key()}, '')) % {parts}"
        if not sources.tables:  # in the order of the file
            part = f"(row_number() OVER (ORDER BY {quoted(ROW)}) - 1) // {rows}"
        path = folder / _file(at)
        counts[name] = _sorted(work, found, part, parts, path)
        work.run(f"DROP TABLE IF EXISTS {quoted(f'#{name}')}")
        if name == CASES:
            again = partial(kept_rows, work, literal(str(path)), program.key)
            check_distinct(work, again, str(source), fold=bool(sources.tables))
    return counts


def _sorted(work: Workspace, rows: Rows, part: str, parts: int, path: Path) -> list[int]:
    """Write the rows sorted by part, then number; how many each part has."""
    columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in rows.columns.items())
    query = f"""SELECT {columns}, {quoted(ROW)}, CAST({part} AS INTEGER) AS {quoted(_PART)}
        {rows.origin} ORDER BY {quoted(_PART)}, {quoted(ROW)}"""
    counts: Counter[int] = Counter()
    with speaking(path, rows):
        _write(path, work.connection.sql(query).to_arrow_reader(_GROUP_ROWS), counts)
    return [counts[number] for number in range(parts)]


def _write(path: Path, reader: Any, counts: Counter[int]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    at = reader.schema.get_field_index(_PART)
    with pq.ParquetWriter(str(path), reader.schema.remove(at), compression="zstd") as writer:
        path.chmod(0o600)
        for batch in reader:
            for one in pc.value_counts(batch.column(at)).to_pylist():
                counts[one["values"]] += one["counts"]
            writer.write_table(pa.Table.from_batches([batch]).remove_column(at))
