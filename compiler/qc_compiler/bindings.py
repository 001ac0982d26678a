"""Which column a name in a sentence is, where rows of tables are in sight.

A bare name is a column of the innermost row that has it, else a field of the case. ``表.列`` is
that of the innermost row of that table; ``本条.列`` (``this.``) that of the row of 每条.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from qc_compiler import type_errors as wrong
from qc_compiler.ir import Column
from qc_compiler.program import Table
from qc_compiler.resolve import Scope
from qc_compiler.values import Field
from qc_dsl import ast
from qc_dsl.errors import QcError

THIS = ("本条", "this")


@dataclass(frozen=True)
class Row:
    """A row in sight: its variable, unique in its rule, and its table."""

    variable: str
    table: Table

    def column(self, name: str) -> Column | None:
        found = next((f for f in self.table.columns if f.name == name), None)
        return Column(found.name, found.type, self.variable) if found else None


class Bindings:
    """The rows in sight at one place of a rule, innermost last.

    A lenient one is for phrases by themselves: where they will be used is not known yet, so any
    table's row is taken to be in sight.
    """

    def __init__(self, scope: Scope, lenient: bool = False) -> None:
        self.scope, self.lenient = scope, lenient
        self.rows: list[Row] = []
        self.each: Row | None = None
        self._used: Counter[str] = Counter()

    def begin(self, each: ast.Name | None = None) -> None:
        """A new rule, about each row of a table or about the case."""
        self.rows, self._used, self.each = [], Counter(), None
        if each is not None:
            self.each = self._new_row(self.table(each))
            self.rows = [self.each]

    def table(self, name: ast.Name) -> Table:
        """The table of a name. Raises `QcError`."""
        table = self.scope.tables.get(name.text)
        if table is None:
            raise QcError(wrong.unknown_name(name, "表里", list(self.scope.tables)))
        return table

    def _new_row(self, table: Table) -> Row:
        self._used[table.name] += 1
        count = self._used[table.name]
        return Row(table.name if count == 1 else f"{table.name}#{count}", table)

    @contextmanager
    def row(self, table: Table) -> Iterator[Row]:
        """A row of a quantifier, in sight within it."""
        row = self._new_row(table)
        self.rows.append(row)
        try:
            yield row
        finally:
            self.rows.pop()

    def same_table(self, table: Table) -> Row | None:
        """The innermost row in sight of a table."""
        return next((row for row in reversed(self.rows) if row.table is table), None)

    def table_of(self, column: Column) -> str | None:
        """The table of a column that was looked up here; `None`: the case."""
        if not column.row:
            return None
        return next((row.table.name for row in self.rows if row.variable == column.row), column.row)

    def field(self, column: Column) -> Field:
        return self.scope.field_of(column, self.table_of(column))

    def column(self, name: ast.Name) -> Column:
        """The column that a name means here. Raises `QcError`."""
        for this in THIS:
            if name.text.startswith(f"{this}.") and this not in self.scope.tables:
                return self._of_this(name, name.text[len(this) + 1 :])
        for table in self.scope.tables.values():
            if name.text.startswith(f"{table.name}."):
                return self._qualified(name, table, name.text[len(table.name) + 1 :])
        return self._bare(name)

    def _of_this(self, name: ast.Name, column: str) -> Column:
        if self.each is None and not self.lenient:
            raise QcError(wrong.no_each(name))
        if self.each is None:
            return self._bare(ast.Name(column, span=name.span))
        return self._must_have(name, self.each, column)

    def _qualified(self, name: ast.Name, table: Table, column: str) -> Column:
        row = self.same_table(table)
        if row is None and self.lenient:
            row = Row(table.name, table)
        if row is None:
            if Row("", table).column(column):
                raise QcError(wrong.no_row(name, column, table.name))
            row = Row("", table)
        return self._must_have(name, row, column)

    def _must_have(self, name: ast.Name, row: Row, column: str) -> Column:
        found = row.column(column)
        if found is None:
            known = [f.name for f in row.table.columns]
            bare = ast.Name(column, span=name.span)
            raise QcError(wrong.unknown_name(bare, f"表“{row.table.name}”", known))
        return found

    def _bare(self, name: ast.Name) -> Column:
        for row in reversed(self.rows):
            if found := row.column(name.text):
                return found
        if name.text in self.scope.fields:
            return self.scope.column(name)
        for table in self.scope.tables.values():
            if found := Row(table.name, table).column(name.text):
                if self.lenient:
                    return found
                raise QcError(wrong.no_row(name, name.text, table.name))
        raise QcError(wrong.unknown_name(name, "", self.known()))

    def known(self) -> list[str]:
        """The names that would do here: those of the rows in sight first."""
        rows = list(reversed(self.rows))
        names = [f.name for row in rows for f in row.table.columns]
        names += [f"{row.table.name}.{f.name}" for row in rows for f in row.table.columns]
        return list(dict.fromkeys([*names, *self.scope.fields]))
