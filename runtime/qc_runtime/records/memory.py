"""Records that never were a file: inline tests, and tests of the runtime itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from qc_compiler.values import Field, Raw, display, read_cell
from qc_runtime.records.derived import with_derived
from qc_runtime.records.lines import with_lines
from qc_runtime.records.recordset import CellProblem, RecordSet, Typed
from qc_runtime.records.table import encode


def recordset_of(
    fields: Sequence[Field], key: str, rows: Sequence[Mapping[str, Raw]], source: str = "<memory>"
) -> RecordSet:
    """Rows of cells by field name as a `RecordSet`; a field that a row lacks is blank.

    A derived field is derived unless the row has it.
    """
    typed: dict[str, Typed] = {}
    shown: dict[str, list[str | None]] = {}
    problems: list[CellProblem] = []
    for field in fields:
        if field.is_derived:
            continue
        column = [row.get(field.name) for row in rows]
        shown[field.name] = [display(cell) for cell in column]
        coded = encode(column)
        cells = [read_cell(field, cell) for cell in coded.cells]  # type: ignore[arg-type]
        typed[field.name] = Typed(field, coded.codes, [cell.value for cell in cells])
        for row, code in enumerate(coded.codes, 1):
            if problem := cells[code].problem:
                problems.append(CellProblem(row, field.name, problem))
    content = json.dumps([[str(v) for v in row.values()] for row in rows]).encode()
    read = RecordSet(
        key=key,
        keys=[text or "" for text in shown[key]],
        fields=tuple(fields),
        display=shown,
        values={name: [one.values[code] for code in one.codes] for name, one in typed.items()},
        problems=tuple(problems),
        warnings=(),
        source=Path(source),
        digest=hashlib.sha256(content).hexdigest(),
        typed=typed,
    )
    return with_lines(with_derived(read, lambda record: record + 1, rows))
