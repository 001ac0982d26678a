"""A record that was made up, in words: what a condition reads of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from qc_compiler import ir
from qc_compiler.values import Moment, Record, RowsOf
from qc_dsl.lang import Lang

_BLANK = {"zh": "空", "en": "blank"}
_COMMA = {"zh": "，", "en": ", "}


def shown_record(expr: ir.Expr, record: Record, lang: Lang) -> str:
    """``年龄=61，医嘱=[{药品=“甲”}]``: the fields by name, then the rows of tables."""
    return _COMMA[lang].join(_parts(expr, record, lang))


def _parts(expr: ir.Expr, record: Record, lang: Lang) -> Iterator[str]:
    yield from _cells(record, {column.name for column in ir.columns(expr)}, lang)
    for table, names in sorted(_columns(expr).items()):
        rows = [_COMMA[lang].join(_cells(row, names, lang)) for row in record[RowsOf(table)]]
        yield f"{table}=[{_COMMA[lang].join(f'{{{row}}}' for row in rows)}]"


def _columns(expr: ir.Expr) -> dict[str, set[str]]:
    """The columns of tables that a condition reads."""
    found: dict[str, set[str]] = {}
    for part in ir.walk(expr):
        if isinstance(part, (ir.AtLeast, ir.Picked)):
            inner = frozenset[ir.Column]().union(*map(ir.columns, ir.children(part)))
            names = {column.name for column in inner if column.row == part.row}
            found.setdefault(part.table, set()).update(names)
    return found


def _cells(record: Mapping[str, object], names: Iterable[str], lang: Lang) -> Iterator[str]:
    return (f"{name}={_shown(record[name], lang)}" for name in sorted(names))


def _shown(value: object, lang: Lang) -> str:
    if isinstance(value, Moment):
        return f"{value.lo:%Y-%m-%d}" if value.lo < value.hi else f"{value.lo:%Y-%m-%d %H:%M}"
    if isinstance(value, tuple):
        return "“" + "+".join(value) + "”"
    if value is None:
        return _BLANK[lang]
    return f"“{value}”" if isinstance(value, str) else f"{value:g}"
