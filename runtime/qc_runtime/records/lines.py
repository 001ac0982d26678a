"""The second reading of texts that predicates ask about by their lines."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from qc_compiler.lines import LINES, by_lines
from qc_compiler.values import Field, FieldType, Value
from qc_dsl.fold import fold
from qc_runtime.records.recordset import RecordSet, Typed


def with_lines(records: RecordSet) -> RecordSet:
    """The records with what `qc_compiler.lines` makes of each text of several lines."""
    for field in records.fields:
        if field.lined and field.type is FieldType.TEXT:
            read = _read(records.display[field.name], records.typed[field.name])
            values = {**records.values, field.name + LINES: [read.values[c] for c in read.codes]}
            records = replace(
                records, values=values, typed={**records.typed, read.field.name: read}
            )
    return records


def _read(shown: Sequence[str | None], typed: Typed) -> Typed:
    """Each distinct text is read once; `None` where it is one line, or counts as blank."""
    texts: list[str | None] = [None] * len(typed.values)
    for code, text in zip(typed.codes, shown, strict=True):
        texts[code] = text
    pairs = zip(texts, typed.values, strict=True)
    values = [None if value is None else _folded(text) for text, value in pairs]
    name = typed.field.name + LINES
    return Typed(Field(name, FieldType.TEXT, ()), array("i", typed.codes), values)


def _folded(text: str | None) -> Value:
    read = None if text is None else by_lines(text)
    return None if read is None else fold(read)
