"""Records in memory: what a person sees, what predicates see, and what DuckDB sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qc_compiler.values import ITEM_MARK, Field, FieldType, Moment, Record, Value
from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text

if TYPE_CHECKING:
    from array import array

    import pyarrow as pa


@dataclass(frozen=True)
class CellProblem:
    """A cell that could not be read and counts as unknown; ``row`` as a spreadsheet counts."""

    row: int
    field: str
    message: Text


@dataclass(frozen=True, eq=False)
class Typed:
    """A field's distinct values and, for each record, which one it has."""

    field: Field
    codes: array[int]
    values: list[Value]


@dataclass(frozen=True, eq=False)
class RecordSet:
    """The records of one data file, in file order.

    ``display`` holds the cells as a person sees them, by field name and by the name of each
    extra column; ``values`` the typed, folded values by field name. ``key`` is the name of
    the field that ``keys`` come from. ``digest`` is the SHA-256 of the file's bytes, in hex.
    ``others`` are the keys of records that a limit left out.
    """

    key: str
    keys: list[str]
    fields: tuple[Field, ...]
    display: Mapping[str, list[str | None]]
    values: Mapping[str, list[Value]]
    problems: tuple[CellProblem, ...]
    warnings: tuple[Diagnostic, ...]
    source: Path
    digest: str
    typed: Mapping[str, Typed] = field(repr=False)
    others: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

    def record(self, i: int) -> Record:
        """The typed values of one record, by field name."""
        return {name: column[i] for name, column in self.values.items()}

    def arrow(self) -> pa.Table:
        """One row a record, in order; missing is null.

        Text and category: one UTF-8 column. Number and duration (seconds): float64. List:
        UTF-8, every item preceded and the last followed by U+001F. Date and datetime: two
        timestamp columns, ``<field>.lo`` and ``<field>.hi``, both ends included.
        """
        import pyarrow as pa

        columns: dict[str, Any] = {}
        for one in self.typed.values():
            columns |= _arrow_columns(one)
        return pa.table(columns)


def _joined(value: Value) -> str | None:
    return (
        ITEM_MARK + "".join(item + ITEM_MARK for item in value)
        if isinstance(value, tuple)
        else None
    )


def _bounds(values: Sequence[Value]) -> tuple[list[Any], list[Any]]:
    moments = [value if isinstance(value, Moment) else None for value in values]
    return [m and m.lo for m in moments], [m and m.hi for m in moments]


def _arrow_columns(typed: Typed) -> dict[str, Any]:
    import pyarrow as pa

    name, values = typed.field.name, typed.values
    codes = pa.Array.from_buffers(pa.int32(), len(typed.codes), [None, pa.py_buffer(typed.codes)])
    if typed.field.type.is_temporal:
        stamp = pa.timestamp("us")
        low, high = (pa.array(bound, stamp) for bound in _bounds(values))
        return {f"{name}.lo": low.take(codes), f"{name}.hi": high.take(codes)}
    if typed.field.type in (FieldType.NUMBER, FieldType.DURATION):
        return {name: pa.array(values, pa.float64()).take(codes)}
    texts = [_joined(v) for v in values] if typed.field.type is FieldType.LIST else values
    # 64-bit offsets: a text column may pass 2 GiB.
    return {name: pa.array(texts, pa.large_string()).take(codes)}
