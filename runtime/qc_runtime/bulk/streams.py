"""A dataset's wanted columns as one stream of Arrow record batches, under the fields' names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from qc_compiler.values import ROW, Field, display
from qc_dsl.errors import QcError
from qc_runtime.bulk.dataset import Dataset, batches
from qc_runtime.bulk.kinds import fitted, is_simple
from qc_runtime.bulk.matching import names_of
from qc_runtime.records.load import flat
from qc_runtime.records.table import plain


def stream(
    dataset: Dataset, fields: Sequence[Field], faults: list[QcError], *, as_text: bool
) -> Any:
    """A ``RecordBatchReader`` of the fields, and the rows' numbers under `ROW`.

    ``as_text``: columns that SQL does not write as text the way we do are text already. What
    goes wrong while it is read is put into ``faults`` too: whoever reads may wrap it.
    """
    import pyarrow as pa

    names = names_of(dataset, fields)
    kinds = {one.name: dataset.kinds[names[one.name]] for one in fields}
    written = [one for one in fields if as_text and not is_simple(kinds[one.name])]
    listed = [
        (name, pa.string() if name in {w.name for w in written} else kind)
        for name, kind in kinds.items()
    ]
    schema = pa.schema([*listed, (ROW, pa.int64())])

    def rows() -> Iterator[Any]:
        for first, batch in batches(list(dataset.slices()), list(dict.fromkeys(names.values()))):
            cells = [
                _cells(batch.column(names[one.name]), kinds[one.name], one, one in written)
                for one in fields
            ]
            numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
            yield pa.record_batch([*cells, numbers], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, _noting(rows(), faults))


def _cells(column: Any, kind: Any, field: Field, as_text: bool) -> Any:
    import pyarrow as pa

    column = fitted(column, kind)
    if not as_text:
        return column
    return pa.array([display(flat(plain(one), field)) for one in column.to_pylist()], pa.string())


def _noting(rows: Iterator[Any], faults: list[QcError]) -> Iterator[Any]:
    try:
        yield from rows
    except QcError as error:
        faults.append(error)
        raise
