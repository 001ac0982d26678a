"""Fields that no file carries: sections of a text, what a pattern finds, spans of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from qc_compiler.derive import derive, in_order
from qc_compiler.values import Field, Raw, display, read_cell
from qc_runtime.records.recordset import CellProblem, RecordSet, Typed
from qc_runtime.records.table import encode


def sources(fields: Sequence[Field], field: Field) -> list[str]:
    """The fields of the data that a derived one is taken from, directly or by others."""
    declared = {one.name: one for one in fields}
    found: dict[str, None] = {}

    def visit(name: str | None) -> None:
        one = declared.get(name or "")
        if one is None or one.name in found:
            return
        found[one.name] = None
        if one.is_derived:
            for needed in (one.source, one.since, one.until):
                visit(needed)

    visit(field.name)
    return [name for name in found if not declared[name].is_derived]


def with_derived(
    records: RecordSet,
    number_of: Callable[[int], int],
    given: Sequence[Mapping[str, Raw]] | None = None,
) -> RecordSet:
    """The records with every derived field; ``number_of`` gives a record's row in its file.

    ``given`` are the cells of records that no file holds: they may have derived fields' own.
    """
    made = in_order(records.fields)
    if not made:
        return records
    names = dict.fromkeys(name for one in made for name in sources(records.fields, one))
    columns = [records.display[name] for name in names]
    needed = tuple(field for field in records.fields if field.name in names or field.is_derived)
    cells = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    if given is None:
        rows = [derive(needed, row) for row in cells]
    else:
        rows = [
            cells_with_derived(needed, {**row, **own})
            for row, own in zip(cells, given, strict=True)
        ]
    for field in made:
        records = _with(records, field, [row[field.name] for row in rows], number_of)
    return records


def cells_with_derived(fields: Sequence[Field], row: Mapping[str, Raw]) -> dict[str, Raw]:
    """A row with its derived fields, but for those that it gives itself."""
    own = [_plain(field) if field.name in row else field for field in fields]
    return derive(tuple(own), row)


def _plain(field: Field) -> Field:
    return replace(field, source=None, headings=(), pattern=None, since=None, until=None)


def _with(
    records: RecordSet, field: Field, cells: Sequence[Raw], number_of: Callable[[int], int]
) -> RecordSet:
    coded = encode(cells)
    read = [read_cell(field, cell) for cell in coded.cells]  # type: ignore[arg-type]
    shown = [display(cell) for cell in coded.cells]  # type: ignore[arg-type]
    typed = Typed(field, coded.codes, [cell.value for cell in read])
    problems = [
        CellProblem(number_of(at), field.name, problem)
        for at, code in enumerate(coded.codes)
        if (problem := read[code].problem)
    ]
    return replace(
        records,
        display={**records.display, field.name: [shown[code] for code in coded.codes]},
        values={**records.values, field.name: [typed.values[code] for code in coded.codes]},
        typed={**records.typed, field.name: typed},
        problems=tuple(sorted((*records.problems, *problems), key=lambda one: one.row)),
    )
