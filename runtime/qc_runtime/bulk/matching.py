"""Which column of a dataset carries which field, the same in all of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qc_compiler.program import Program
from qc_compiler.values import Field
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.dataset import DataFile, Dataset, as_path
from qc_runtime.records.columns import match_columns

Names = Mapping[str, str]  # the column of each field, by the field's name


def given_fields(program: Program) -> list[Field]:
    """The fields of the cases that their data carries."""
    return [field for field in program.fields if not field.is_derived]


def by_own_name(fields: Sequence[Field]) -> list[Field]:
    """The fields as they are found in columns that have been renamed to the fields' names."""
    return [one if one.is_derived else replace(one, columns=(one.name,)) for one in fields]


def names_of(dataset: Dataset, fields: Sequence[Field]) -> Names:
    """The column of each field. Raises `QcError` where one is missing, or differs in a file."""
    first, *others = dataset.files
    names = _of_file(first, fields)
    for file in others:
        if file.names != first.names and (found := _of_file(file, fields)) != names:
            raise QcError(_differs(file, names, found))
    return names


def _of_file(file: DataFile, fields: Sequence[Field]) -> Names:
    matched = match_columns(as_path(file.place), file.names, fields, ())
    return {field: file.names[at] for field, at in matched.columns.items()}


def _differs(file: DataFile, names: Names, found: Names) -> Diagnostic:
    field = next(one for one in names if names[one] != found[one])
    message = Text(
        f"字段“{field}”在这个文件里是列“{found[field]}”，在前面的文件里是“{names[field]}”",
        f"Field “{field}” is column “{found[field]}” here, “{names[field]}” in earlier files",
    )
    help_ = Text("一个数据集的各文件列名要一致。", "A dataset's files need the same columns.")
    place = Text(str(file.place), str(file.place))
    return Diagnostic("QC642", message, help=help_, place=place)
