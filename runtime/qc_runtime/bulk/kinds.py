"""The types of a dataset's columns: one for all of its files, without codes and time zones."""

from __future__ import annotations

from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.places import Place


def common_kind(kind: Any, column: Any, place: Place) -> Any:
    """The type for what was there before and one more file's column. Raises `QcError` (QC642)."""
    import pyarrow as pa

    more = _plain(column.type)
    if kind is None or kind == more:
        return more
    try:
        both = [pa.schema([(column.name, one)]) for one in (kind, more)]
        return pa.unify_schemas(both, promote_options="permissive").field(0).type
    except pa.ArrowException:
        raise QcError(_other_type(column.name, kind, more, place)) from None


def _plain(kind: Any) -> Any:
    import pyarrow as pa
    import pyarrow.types as pt

    if pt.is_dictionary(kind):
        return _plain(kind.value_type)
    return pa.timestamp("us") if pt.is_timestamp(kind) else kind


def fitted(column: Any, kind: Any) -> Any:
    """A column as its type in the dataset has it."""
    import pyarrow.compute as pc
    import pyarrow.types as pt

    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pt.is_timestamp(column.type) and column.type.tz:
        column = pc.local_timestamp(column)  # the clock time that is written, in its own zone
    return column if column.type == kind else column.cast(kind, safe=not pt.is_timestamp(kind))


def is_simple(kind: Any) -> bool:
    """Whether SQL writes the type's values as text just as we do."""
    import pyarrow.types as pt

    return bool(
        pt.is_string(kind)
        or pt.is_large_string(kind)
        or pt.is_boolean(kind)
        or pt.is_integer(kind)
        or pt.is_float32(kind)
        or pt.is_float64(kind)
        or pt.is_date32(kind)
        or pt.is_timestamp(kind)
        or pt.is_decimal128(kind)
    )


def _other_type(name: str, kind: object, more: object, place: Place) -> Diagnostic:
    message = Text(
        f"列“{name}”在这个文件里的类型是 {more}，在前面的文件里是 {kind}",
        f"Column “{name}” is of type {more} here, of type {kind} in earlier files",
    )
    help_ = Text("一个数据集的各文件类型要一致。", "A dataset's files need the same types.")
    return Diagnostic("QC642", message, help=help_, place=Text(str(place), str(place)))
