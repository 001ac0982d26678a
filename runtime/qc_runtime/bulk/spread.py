"""Cases and tables sorted by part, once, on disk: each part's rows then lie side by side.

Cases without tables are taken in their order. Otherwise one pass of DuckDB goes over each
source, out of core within its memory limit. The part of a row is a hash (MD5: the same on every
machine) of its case's key, folded as `tables.keys` folds it, so that a case and all of its rows
come together. Sorted, and not ``PARTITION_BY``: thousands of parts would be as many open files,
or as many small ones.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
    ONE_STREAM,
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
from qc_runtime.tables.workspace import LIMITS, Workspace, literal, quoted

_PART = "#part"
_INDEX = "index.json"
_GROUP_ROWS = 16_384

Counts = dict[str, list[int]]  # the rows of each part, by source


def spread(
    program: Program, sources: BulkSources, rows: int, folder: Path
) -> tuple[tuple[Part, ...], Mapping[str, Names]]:
    """Sort the sources by part into ``folder``, unless that was done; the parts of it."""
    if not (folder / _INDEX).exists():
        limits = LIMITS if sources.tables else ONE_STREAM
        with sorting(folder, limits) as work:
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
        found, path = staged(work, program, name, source), folder / _file(at)
        if name == CASES:
            total = getattr(source, "rows", None) or work.number(f"SELECT count(*) {found.origin}")
            parts = max(1, -(-total // rows))
        if sources.tables:
            counts[name] = _by_part(work, found, parts, path)
        else:
            counts[name] = _as_they_come(work, found, rows, path)
        work.run(f"DROP TABLE IF EXISTS {quoted(f'#{name}')}")
        if name == CASES:
            again = partial(kept_rows, work, literal(str(path)), program.key)
            check_distinct(work, again, str(source), fold=bool(sources.tables))
    return counts


def _by_part(work: Workspace, rows: Rows, parts: int, path: Path) -> list[int]:
    """Write the rows sorted by part, then number; how many each part has."""
    part = f"md5_number_lower(coalesce({folded_key()}, '')) % {parts}"
    order = f"ORDER BY {quoted(_PART)}, {quoted(ROW)}"
    counts: Counter[int] = Counter()
    for batch in _written(work, rows, f", CAST({part} AS INTEGER) AS {quoted(_PART)}", order, path):
        counts.update(_counted(batch.column(_PART)))
    return [counts[number] for number in range(parts)]


def _as_they_come(work: Workspace, rows: Rows, at_once: int, path: Path) -> list[int]:
    """Write the rows in their order, so many to a part; how many each part has."""
    written = sum(batch.num_rows for batch in _written(work, rows, "", "", path))
    return [min(at_once, written - first) for first in range(0, max(written, 1), at_once)]


def _written(work: Workspace, rows: Rows, more: str, order: str, path: Path) -> Iterator[Any]:
    """Write the rows; each batch of them, with what was selected besides."""
    columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in rows.columns.items())
    query = f"SELECT {columns}, {quoted(ROW)} {more} {rows.origin} {order}"
    with speaking(path, rows):
        yield from _write(path, work.connection.sql(query).to_arrow_reader(_GROUP_ROWS))


def _write(path: Path, reader: Any) -> Iterator[Any]:
    """Write batches, without their parts, and hand them on."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [name for name in reader.schema.names if name != _PART]
    kept = pa.schema([reader.schema.field(name) for name in names])
    with pq.ParquetWriter(str(path), kept, compression="zstd") as writer:
        path.chmod(0o600)
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]).select(names))
            yield batch


def _counted(parts: Any) -> dict[int, int]:
    import pyarrow.compute as pc

    return {one["values"]: one["counts"] for one in pc.value_counts(parts).to_pylist()}
