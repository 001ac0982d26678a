"""One part, read: its cases as records, its tables' rows in a database of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qc_compiler.program import Program
from qc_compiler.values import ROW
from qc_dsl.errors import QcError
from qc_runtime.bulk.dataset import Dataset, Slice, as_path, batches
from qc_runtime.bulk.kinds import fitted
from qc_runtime.bulk.matching import Names, by_own_name
from qc_runtime.bulk.parts import Part, part_name
from qc_runtime.bulk.plan import Plan
from qc_runtime.bulk.sources import BulkSources
from qc_runtime.bulk.staged import fields_of
from qc_runtime.prefilter import Database
from qc_runtime.records.columnar import table_of
from qc_runtime.records.load import records_of_table
from qc_runtime.records.recordset import RecordSet
from qc_runtime.tables.load import Loaded, load_staged
from qc_runtime.tables.sources import CASES, Source
from qc_runtime.tables.staging import Staged
from qc_runtime.tables.workspace import quoted, workspace


@dataclass(frozen=True)
class Read:
    """A part in memory. ``records`` is `None` where all of its rows are blank."""

    records: RecordSet | None
    database: Database
    tables: Mapping[str, Loaded]

    @property
    def unreadable(self) -> int:
        """Cells that cannot be read."""
        own = len(self.records.problems) if self.records else 0
        return own + sum(one.unreadable for one in self.tables.values())


@contextmanager
def open_part(
    program: Program, plan: Plan, sources: BulkSources, part: Part, work: Path
) -> Iterator[Read]:
    """Read a part; its tables are in a private folder in ``work`` until the block ends."""
    records = _records(program, plan, sources, part)
    if not sources.tables:
        yield Read(records, Database(), {})
        return
    with workspace(work, part_name(part.number)) as database:
        staged = {}
        for name, source in sources.tables.items():
            database.keep(f"#{name}", _table(program, plan, part, name))
            shown = Source(Path(source.address)) if isinstance(source, Dataset) else source
            staged[name] = (shown, Staged(f"#{name}", quoted(ROW), ()))
        loaded = load_staged(database, program, records, staged)
        yield Read(records, Database(database.connection, tuple(loaded)), loaded)


def _records(program: Program, plan: Plan, sources: BulkSources, part: Part) -> RecordSet | None:
    kinds = getattr(sources.cases, "kinds", {})
    read = _arrow(part.rows[CASES], plan.names[CASES], None if plan.is_spread else kinds)
    if read is None:
        return None
    path = Path(str(sources)) if plan.is_spread else as_path(part.rows[CASES][0].file)
    numbers = read.column(ROW)
    table = table_of(read.drop_columns([ROW]), lambda: numbers.to_pylist())
    fields = by_own_name(program.fields)
    try:
        found = records_of_table(path, table, plan.digest, fields, program.key)
    except QcError as error:
        if {one.code for one in error.diagnostics} == {"QC408"}:  # every row is blank
            return None
        raise
    return replace(found, fields=program.fields)


def _table(program: Program, plan: Plan, part: Part, name: str) -> Any:
    import pyarrow as pa

    read = _arrow(part.rows[name], plan.names[name], None)
    if read is not None:
        return read
    texts = [(field.name, pa.string()) for field in fields_of(program, name)]
    return pa.schema([*texts, (ROW, pa.int64())]).empty_table()


def _arrow(slices: Sequence[Slice], names: Names, kinds: Mapping[str, Any] | None) -> Any:
    """The rows of slices under the fields' names, with their numbers; `None` without any.

    ``kinds`` are the columns' types; `None`: the rows were spread, and carry their numbers.
    """
    import pyarrow as pa

    columns = list(dict.fromkeys([*names.values(), *([ROW] if kinds is None else [])]))
    read = []
    for first, batch in batches(slices, columns):
        cells = [batch.column(name) for name in names.values()]
        if kinds is None:
            cells.append(batch.column(ROW))
        else:
            cells = [fitted(one, kinds[n]) for one, n in zip(cells, names.values(), strict=True)]
            cells.append(pa.array(range(first, first + batch.num_rows), pa.int64()))
        read.append(pa.Table.from_arrays(cells, [*names, ROW]))
    return pa.concat_tables(read) if read else None
