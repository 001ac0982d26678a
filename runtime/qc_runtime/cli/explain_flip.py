"""``qc explain``: the smallest change that would turn the verdict, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qc_dsl.lang import current, tr

if TYPE_CHECKING:
    from qc_compiler import ir
    from qc_compiler.clauses import Part
    from qc_compiler.flips import Atom, Way
    from qc_compiler.program import Clause, Program
    from qc_compiler.values import Record

_SHOWN = 3


def flip_lines(program: Program, record: Record) -> Iterator[str]:
    """For a record that rules with verdicts decide: what would give it another one."""
    from qc_compiler.flips import flips

    found = flips(program, record)
    if not found:
        return
    yield tr("怎样会得到别的结论：", "What would change the verdict:")
    for flip in found[:_SHOWN]:
        verdict = program.verdicts[flip.verdict].name
        said = tr(" 且 ", " and ").join(map(wanted_text, flip.atoms))
        yield "    " + tr(f"若 {said}，则 {verdict}", f"if {said}, then {verdict}")


def met_lines(must: Clause, record: Record, margin: str) -> Iterator[str]:
    """For a finding: what would meet the requirement."""
    from qc_compiler.flips import ways

    for way in ways((must.condition, must.expr), True, record)[:_SHOWN]:
        said = tr(" 且 ", " and ").join(_said(atom, record) for atom in _in_order(way))
        if said:
            yield margin + tr(f"若 {said}，则满足", f"if {said}, it is met")


def _in_order(way: Way) -> list[Atom]:
    return sorted(way, key=lambda atom: atom.condition.span.start)


def wanted_text(atom: Atom) -> str:
    """A condition as it would have to be."""
    from qc_dsl.opposite import denied
    from qc_dsl.printer import print_condition

    condition = atom.condition if atom.truth else denied(atom.condition)
    return print_condition(condition, current())


def _said(atom: Atom, record: Record) -> str:
    """The same; where one row more is needed, with the row that lacks least."""
    near = _nearest_row(atom, record)
    if near is None:
        return wanted_text(atom)
    row, lacking = near
    said = tr(" 且 ", " and ").join(wanted_text(one) for one in _in_order(lacking))
    whole = wanted_text(atom)
    return tr(f"{whole}（最接近的是 {row}：差 {said}）", f"{whole} (nearest: {row}, lacks: {said})")


def _nearest_row(atom: Atom, record: Record) -> tuple[str, Way] | None:
    """The row that would have to change least for a row more to meet the body."""
    from qc_compiler import ir
    from qc_compiler.clauses import parts, quantifier
    from qc_compiler.flips import ways
    from qc_compiler.values import ROW
    from qc_dsl import ast

    if not isinstance(atom.condition, ast.Quantified) or not atom.truth:
        return None
    node = quantifier(atom.condition, atom.expr)
    found = parts(atom.condition, atom.expr)
    if not isinstance(node, ir.AtLeast) or len(found) != 1 or not _one_short(node, record):
        return None
    part: Part = found[0]
    best: tuple[str, Way] | None = None
    for row in part.records(record):
        for way in ways((part.condition, part.expr), True, row)[:1]:
            if way and (best is None or len(way) < len(best[1])):
                number = row[f"{node.row}.{ROW}"]
                best = tr(f"{node.table}第 {number} 行", f"{node.table} row {number}"), way
    return best


def _one_short(node: ir.AtLeast, record: Record) -> bool:
    from qc_compiler.interpret import evaluate, rows_of

    rows = list(rows_of(node, record) or ())
    true = sum(evaluate(node.where, row) is True for row in rows)
    return bool(rows) and true == node.n - 1
