"""The message of an obligation: its words, and the columns that are put into it."""

from __future__ import annotations

from qc_compiler.bindings import Bindings
from qc_compiler.ir import Column
from qc_dsl import ast
from qc_dsl.errors import Errors
from qc_dsl.message import parts

Message = tuple[str | Column, ...]


def read_message(message: ast.Literal, rows: Bindings) -> Message:
    """The parts of a message. Raises `QcError` with every column that has no row here."""
    errors = Errors()
    found = [
        errors.attempt(rows.column, part) if isinstance(part, ast.Name) else part
        for part in parts(message)
    ]
    errors.raise_any()
    return tuple(part for part in found if part is not None)
