"""Which case a row belongs to: the cases' keys, folded, and the column of a table that has them."""

from __future__ import annotations

from qc_compiler.program import Program, Table
from qc_compiler.values import CASE, Field, FieldType
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.records.faults import fault
from qc_runtime.records.recordset import RecordSet
from qc_runtime.tables.folding import common_replaced, folded
from qc_runtime.tables.workspace import Workspace, quoted

CASES = "#cases"  # key (folded), "#case" (NULL: a case that this run leaves out)


def read_fields(program: Program, table: Table) -> list[Field]:
    """The columns that are read from a table's file: its own, its key, and the case's key."""
    fields = [field for field in table.columns if not field.is_derived]
    for name, columns in ((table.key, ()), (case_column(program, table), table.case)):
        if name is not None and name not in {field.name for field in fields}:
            fields.append(Field(name, FieldType.TEXT, columns or (name,)))
    return fields


def case_column(program: Program, table: Table) -> str:
    """The name under which a table's column with the case's key is read."""
    return table.case[0] if table.case else program.key


def folded_key(program: Program, table: Table) -> str:
    column = quoted(case_column(program, table))
    return folded(common_replaced(column), column)


def number_cases(work: Workspace, records: RecordSet | None) -> None:
    """The cases' numbers by folded key, for the tables to be joined with; `None`: no cases."""
    import pyarrow as pa

    numbers: dict[str, int | None] = dict.fromkeys(map(fold, records.others if records else ()))
    for number, key in enumerate(records.keys if records else ()):
        if (other := numbers.setdefault(fold(key), number)) is not None and other != number:
            assert records is not None
            raise QcError(_same(records, other, number))
    columns = {
        "key": pa.array(numbers.keys(), pa.large_string()),
        CASE: pa.array(numbers.values(), pa.int32()),
    }
    work.keep(CASES, pa.table(columns))


def _same(records: RecordSet, one: int, two: int) -> Diagnostic:
    a, b = records.keys[one][:40], records.keys[two][:40]
    message = Text(
        f"主键“{a}”和“{b}”只差全角半角或空格，表里的行分不清属于哪一个",
        f"The keys “{a}” and “{b}” differ only in width or spaces: rows could belong to either",
    )
    return fault("QC412", records.source, message)
