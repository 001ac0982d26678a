"""Random expressions over related tables, and cases with rows for them.

Expressions are put together as typed IR, so every node of it comes up, in every scope: at the
case, in a row, and in a row within a row (of the same table too).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import duckdb
import pyarrow as pa

from qc_compiler import ir
from qc_compiler.lines import LINES, by_lines
from qc_compiler.terms import Terms
from qc_compiler.values import CASE, ITEM_MARK, ROW, Field, FieldType, RowsOf, read_cell
from qc_dsl.fold import fold

COLUMNS = (
    Field("时", FieldType.DATETIME, ("时",)),
    Field("日", FieldType.DATE, ("日",)),
    Field("文", FieldType.TEXT, ("文",)),
    Field("药", FieldType.TEXT, ("药",)),
    Field("类", FieldType.CATEGORY, ("类",)),
    Field("列", FieldType.LIST, ("列",), separator="+"),
    Field("数", FieldType.NUMBER, ("数",)),
    Field("长", FieldType.DURATION, ("长",)),
)
TABLES = ("医嘱", "病程", "空表")
TERMS = (
    Terms.of(("莫西沙星=拜复乐=Moxi", "头孢", "头孢曲松=罗氏芬", "“怪”药", "é😀", "左氧")),
    Terms.of(("痛", "高血压", "莫西沙星", "雪,有头")),  # one that could span what is left out
)
_TEXTS = (
    None, "", "予莫西沙星治疗", "予拜复乐，无腹痛，有头痛。", "否认高血压、糖尿病，有头孢过敏",
    "莫西沙星", "头孢曲松", "ＭＯＸＩ", "Ｍｏｘｉ注射液", "😀é😀", "“怪”药'--", "雪无痛，有头孢",
    "未见 头孢；患 高血压", "无", "头孢", "é😀", "'; drop table x", "不能排除高血压，无痛",
    "左氧　氟", "否认高血压\n莫西沙星", "头孢曲\n松无痛", "无痛、\n头孢", "痛：无 高血压：有",
    "否认高血压2天头孢",
)  # fmt: skip
_CELLS: dict[FieldType, tuple[Any, ...]] = {
    FieldType.TEXT: _TEXTS,
    FieldType.CATEGORY: (None, "已执行", "未执行", "Ａ", "A"),
    FieldType.LIST: (None, "痛+头孢", "否认高血压+莫西沙星", "拜复乐", "+", "é😀+无痛+头孢"),
    FieldType.NUMBER: (None, 0, 1, 2.5, "很多"),
    FieldType.DURATION: (None, "3天", "半天", "数天", "72小时", "1小时"),
    FieldType.DATE: (None, "2025-01-03", "2025-01-04", "2025-01-06"),
    FieldType.DATETIME: (
        None, "2025-01-03", "2025-01-03 00:00", "2025-01-03 08:30", "2025-01-04 08:30",
        "2025-01-06", "2025-01-04 23:59:59.999999", "2025-01-05",
    ),
}  # fmt: skip
_ANCHOR = datetime(2025, 1, 4, 8, 30)
_HOUR = 3600.0
Pick = Random


@dataclass(frozen=True)
class Scope:
    """The row variables in sight, innermost last, each with its table."""

    rows: tuple[tuple[str, str], ...] = ()

    def with_row(self, table: str) -> tuple[str, Scope]:
        used = sum(name == table for _, name in self.rows)
        row = table if not used else f"{table}#{used + 1}"
        return row, Scope((*self.rows, (row, table)))


CASE_SCOPE = Scope()


def column(pick: Pick, scope: Scope, *types: FieldType) -> ir.Column:
    """Some column of these types: most often of the innermost row."""
    field = pick.choice([f for f in COLUMNS if f.type in types])
    rows = [row for row, _ in scope.rows]
    row = rows[-1] if rows and pick.random() < 0.6 else pick.choice(["", *rows])
    return ir.Column(field.name, field.type, row)


_TEXTUAL = (FieldType.TEXT, FieldType.LIST)
_TIMES = (FieldType.DATE, FieldType.DATETIME)
_OPS: tuple[ir.Comparison, ...] = ("=", "<", "<=", ">", ">=")


def _window(pick: Pick, scope: Scope) -> ir.Expr:
    anchor = column(pick, scope, *_TIMES) if pick.random() < 0.8 else _ANCHOR
    size = pick.choice((0.0, 24 * _HOUR, 72 * _HOUR, 1800.0))
    low, high = pick.choice(((0.0, size), (-size, 0.0), (-size, size)))
    calendar = pick.random() < 0.3
    return ir.WithinWindow(column(pick, scope, *_TIMES), anchor, low, high, calendar)


_Leaf = Callable[[Pick, Scope], ir.Expr]
_ASKS: tuple[_Leaf, ...] = (
    lambda p, s: ir.Ask("问", (column(p, s, *_TEXTUAL),)),
    lambda p, s: ir.Ask("也问", (column(p, s, *_TEXTUAL), column(p, s, *_TEXTUAL))),
)
_LEAVES: tuple[_Leaf, ...] = (
    *_ASKS,
    *_ASKS,
    lambda p, s: ir.Affirms(column(p, s, *_TEXTUAL), p.choice(TERMS), p.random() < 0.7),
    lambda p, s: ir.AffirmsTermsOf(
        column(p, s, *_TEXTUAL),
        column(p, s, *_TEXTUAL),
        p.choice((None, *TERMS)),
        p.random() < 0.7,
    ),
    lambda p, s: ir.Long(column(p, s, FieldType.TEXT), p.choice(_OPS), p.choice((0.0, 2.0, 4.0))),
    lambda p, s: ir.Items(column(p, s, FieldType.LIST), p.choice(_OPS), p.choice((1.0, 2.0))),
    lambda p, s: ir.Lasts(column(p, s, FieldType.DURATION), p.choice(_OPS), 72 * _HOUR),
    lambda p, s: ir.Gap(
        column(p, s, *_TIMES),
        column(p, s, *_TIMES),
        p.choice(_OPS),
        p.choice((0.0, 24 * _HOUR, 48 * _HOUR)),
    ),
    _window,
    _window,
    lambda p, s: ir.SameDay(column(p, s, *_TIMES), column(p, s, *_TIMES)),
    lambda p, s: ir.Before(column(p, s, *_TIMES), column(p, s, *_TIMES)),
    lambda p, s: ir.Missing(column(p, s, *FieldType)),
    lambda p, s: ir.Among(column(p, s, FieldType.CATEGORY), ("已执行",)),
    lambda p, s: ir.Among(column(p, s, FieldType.CATEGORY), ("A", "已执行")),
    lambda p, s: ir.Contains(column(p, s, *_TEXTUAL), fold(p.choice(("头孢", "“", "😀")))),
    lambda p, s: ir.SameText(column(p, s, *_TEXTUAL), column(p, s, *_TEXTUAL)),
    lambda p, s: ir.TermsDiffer(column(p, s, *_TEXTUAL), column(p, s, *_TEXTUAL), p.choice(TERMS)),
    lambda p, s: ir.Compare(column(p, s, FieldType.NUMBER), p.choice(_OPS), 1.0),
    lambda p, s: ir.Compare(
        column(p, s, FieldType.NUMBER), p.choice(_OPS), column(p, s, FieldType.NUMBER)
    ),
    lambda p, s: ir.Unknown(),
)


def expression(pick: Pick, scope: Scope = CASE_SCOPE, depth: int = 3, rows: int = 2) -> ir.Expr:
    """An expression at most ``rows`` quantifiers deep."""
    roll = pick.random()
    if rows and roll < 0.45:
        return quantifier(pick, scope, depth, rows)
    if depth == 0 or roll < 0.7:
        return pick.choice(_LEAVES)(pick, scope)
    if roll < 0.78:
        return ir.Not(expression(pick, scope, depth - 1, rows))
    kind = ir.And if pick.random() < 0.6 else ir.Or
    count = pick.choice((2, 2, 3))
    return kind(tuple(expression(pick, scope, depth - 1, rows) for _ in range(count)))


def quantifier(pick: Pick, scope: Scope = CASE_SCOPE, depth: int = 3, rows: int = 2) -> ir.Rows:
    table = pick.choice(TABLES[:2]) if pick.random() < 0.9 else TABLES[2]
    row, inner = scope.with_row(table)

    def part() -> ir.Expr:
        return expression(pick, inner, depth - 1, rows - 1) if depth else ir.Const(True)

    where = part()
    same = [name for name, of in scope.rows if of == table]
    other = pick.choice(same) if same and pick.random() < 0.7 else None
    if pick.random() < 0.6:
        return ir.AtLeast(row, table, where, pick.choice((1, 1, 1, 2, 3, 0)), other)
    name, type_ = pick.choice((("时", FieldType.DATETIME), ("日", FieldType.DATE)))
    if pick.random() < 0.3:
        where = ir.Const(True)
    last = pick.random() < 0.6
    return ir.Picked(row, table, ir.Column(name, type_, row), last, where, part(), other)


def _row(pick: Pick) -> dict[str, Any]:
    """Texts of several lines have their reading by lines too."""
    cells = {f: pick.choice(_CELLS[f.type]) for f in COLUMNS}
    row = {f.name: read_cell(f, cell).value for f, cell in cells.items()}
    texts = {f.name: cell for f, cell in cells.items() if f.type is FieldType.TEXT and cell}
    return row | {n + LINES: fold(read) for n, text in texts.items() if (read := by_lines(text))}


def case(pick: Pick, most_rows: int = 4) -> dict[Any, Any]:
    """A case's record with some rows of every table but the empty one."""
    record: dict[Any, Any] = _row(pick)
    for table in TABLES:
        count = 0 if table == "空表" else pick.choice((0, *range(most_rows + 1)))
        record[RowsOf(table)] = tuple({ROW: n, **_row(pick)} for n in range(count))
    return record


# The same in DuckDB, by the convention of `qc_compiler.sql`


def _columns(field: Field, values: list[Any]) -> dict[str, Any]:
    if field.type.is_temporal:
        los = [None if v is None else v.lo for v in values]
        his = [None if v is None else v.hi for v in values]
        kind = pa.timestamp("us")
        return {f"{field.name}.lo": pa.array(los, kind), f"{field.name}.hi": pa.array(his, kind)}
    if field.type is FieldType.LIST:
        joined = [None if v is None else ITEM_MARK + ITEM_MARK.join(v) + ITEM_MARK for v in values]
        return {field.name: pa.array(joined, pa.string())}
    numeric = field.type in (FieldType.NUMBER, FieldType.DURATION)
    return {field.name: pa.array(values, pa.float64() if numeric else pa.string())}


def _lines(field: Field, rows: Sequence[Mapping[Any, Any]]) -> dict[str, Any]:
    if field.type is not FieldType.TEXT:
        return {}
    name = field.name + LINES
    return {name: pa.array([row.get(name) for row in rows], pa.string())}


def arrow(rows: Sequence[Mapping[Any, Any]], numbers: Mapping[str, list[int]]) -> pa.Table:
    data: dict[str, Any] = {name: pa.array(n, pa.int64()) for name, n in numbers.items()}
    for field in COLUMNS:
        data |= _columns(field, [row[field.name] for row in rows]) | _lines(field, rows)
    return pa.table(data)


def database(cases: Sequence[dict[Any, Any]]) -> duckdb.DuckDBPyConnection:
    """The cases and their rows as tables of an own in-memory database."""
    connection = duckdb.connect(":memory:")
    connection.register("records", arrow(cases, {CASE: list(range(len(cases)))}))
    for table in TABLES:
        found = [(at, row) for at, of in enumerate(cases) for row in of.get(RowsOf(table), ())]
        numbers = {CASE: [at for at, _ in found], ROW: [row[ROW] for _, row in found]}
        connection.register(table, arrow([row for _, row in found], numbers))
    return connection
