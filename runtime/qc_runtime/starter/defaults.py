"""What is checked when nothing was asked for."""

from __future__ import annotations

from qc_compiler.values import FieldType
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr
from qc_runtime.starter.checks import Wanted
from qc_runtime.starter.guess import likely_department, likely_key
from qc_runtime.starter.sources import Data


def default_key(data: Data) -> str:
    """The key of the cases: the likeliest column, else the first."""
    columns = data.cases.columns
    if not columns:
        raise QcError(Diagnostic("QC611", Text("数据里没有列", "The data has no columns")))
    return likely_key(columns) or columns[0].column


def default_department(data: Data) -> str | None:
    return likely_department(data.cases.columns)


def default_checks(data: Data, key: str, department: str | None) -> tuple[Wanted, ...]:
    """The first text must be written; the second time follows the first within two days."""
    columns = [c for c in data.cases.columns if c.column not in (key, department)]
    texts = [c.column for c in columns if not c.type.is_temporal and c.type is not FieldType.NUMBER]
    times = [c.column for c in columns if c.type.is_temporal]
    found = [Wanted("written", (name,)) for name in (texts or [c.column for c in columns])[:1]]
    if len(times) > 1:
        found.append(Wanted("within", (times[0], times[1]), tr("48小时", "48 hours")))
    return tuple(found) or (Wanted("written", (department or key,)),)
