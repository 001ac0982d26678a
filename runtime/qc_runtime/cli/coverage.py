"""``qc coverage``: which clauses of a rulebook its tests made true, and which false."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.lang import Text, current, tr
from qc_runtime.cli.cases import Cases
from qc_runtime.cli.options import Rulebook

if TYPE_CHECKING:
    from qc_compiler.coverage import Coverage, Covered, Node
    from qc_compiler.program import Clause, Program
    from qc_dsl.source import Span

FailUnder = Annotated[
    float,
    typer.Option(
        "--fail-under",
        min=0,
        max=100,
        metavar="PERCENT",
        help=tr("低于这个百分比算失败", "fail below this percentage"),
    ),
]
_WIDEST = 72  # columns of a clause
_MARKS = {0: "✗", 1: "◐", 2: "✓"}


def coverage(
    rulebook: Rulebook,
    cases: Cases = [],  # noqa: B006 (the command line's default is never changed)
    fail_under: FailUnder = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
) -> None:
    from qc_runtime.workbench.case_files import compile_with_tests

    program = compile_with_tests(rulebook, cases)
    found = cover(program, rulebook)
    if as_json:
        typer.echo(json.dumps(content(found, rulebook), ensure_ascii=False, indent=2))
    else:
        for line in lines(found):
            typer.echo(line)
    short = not program.tests or found.percent < fail_under
    raise typer.Exit(1 if short else 0)


def cover(program: Program, rulebook: Path) -> Coverage:
    """What the tests of a program exercise. Their answers count; the model is not asked."""
    from qc_compiler.coverage import Coverage
    from qc_runtime.workbench.interpreted import record_of
    from qc_runtime.workbench.testing import posed

    found = Coverage(program)
    for one in posed(program, str(rulebook)):
        found.see(record_of(one))
    return found


def lines(found: Coverage) -> Iterator[str]:
    """Each sentence with its clauses marked; the whole at the end."""
    for one in found.sentences():
        yield from _sentence(one, found)
    if found.otherwise is not None:
        reached = tr(f"到达 {found.otherwise} 次", f"reached {found.otherwise} times")
        yield f"{_MARKS[2 if found.otherwise else 0]} " + tr("其余", "otherwise") + f"  {reached}"
    if not found.cases:
        yield tr("规则集没有测试", "The rulebook has no tests")
    yield summary(found)


def summary(found: Coverage) -> str:
    share = f"{found.covered}/{found.total}"
    return tr(
        f"覆盖 {found.percent:.1f}%（{share}），{found.cases} 个测试",
        f"covered {found.percent:.1f}% ({share}) by {found.cases} tests",
    )


def _sentence(one: Covered, found: Coverage) -> Iterator[str]:
    from rich.cells import cell_len

    nodes = list(one.nodes())
    total, covered = sum(n.points for n in nodes), sum(n.covered for n in nodes)
    phrase = tr("说法 ", "phrase ") if found.phrases.get(one.name) is one else ""
    yield f"{_mark(covered, total)} {phrase}{one.name}  {covered}/{total}"
    rows = [row for clause, node in one.clauses for row in _rows(_word(clause, one, found), node)]
    widths = (cell_len(text) for text, _ in rows)
    width = max((n for n in widths if n <= _WIDEST), default=0)
    for text, node in rows:
        gap = " " * max(2, width - cell_len(text) + 2)
        mark = _MARKS[node.covered] if node.points else " "
        yield f"  {mark} {text}{gap}{_counts(node)}".rstrip()


def _mark(covered: int, total: int) -> str:
    return _MARKS[2 if covered == total else 1 if covered else 0]


def _rows(word: str, node: Node, depth: int = 0) -> Iterator[tuple[str, Node]]:
    """A clause and those within it, with the word that it begins with in its sentence."""
    from rich.cells import cell_len

    yield f"{word}{'  ' * depth}{clause_text(node)}", node
    for part in node.parts:
        yield from _rows(" " * cell_len(word), part, depth + 1)


def clause_text(node: Node) -> str:
    from qc_dsl import ast
    from qc_dsl.printer import print_condition

    heads = {
        ast.And: Text("全部成立：", "all of:"),
        ast.Or: Text("任一成立：", "any of:"),
        ast.Not: Text("不成立：", "not:"),
    }
    if node.parts and (head := heads.get(type(node.condition))):
        return str(head)
    return print_condition(node.condition, current())


def _word(clause: Clause | None, one: Covered, found: Coverage) -> str:
    """当, 须, 除外 … before the clause; nothing in a phrase."""
    from qc_dsl import ast
    from qc_dsl.keywords import canonical

    if clause is None:
        return ""
    if clause.role == "must":
        return canonical("MUST", current()) + " "
    if clause.role == "exception":
        return tr(f"除外 {clause.label} ", f"except {clause.label} ")
    if clause.role == "condition" and len(one.clauses) > 1:
        return canonical("ARROW", current()) + " "
    rule = next(rule for rule in found.program.rules if rule.id == one.name)
    return canonical("IF" if isinstance(rule.sentence, ast.Gate) else "WHEN", current()) + " "


def _counts(node: Node) -> str:
    true, false, unknown = (node.counts[truth] for truth in (True, False, None))
    zh, en = f"是 {true}  否 {false}", f"true {true}  false {false}"
    if unknown:
        zh, en = f"{zh}  未知 {unknown}", f"{en}  unknown {unknown}"
    return tr(zh, en)


def content(found: Coverage, rulebook: Path) -> dict[str, Any]:
    """The same for programs."""
    return {
        "rulebook": str(rulebook),
        "percent": round(found.percent, 2),
        "covered": found.covered,
        "total": found.total,
        "tests": found.cases,
        "rules": [_as_json(one) for one in found.rules],
        "phrases": [_as_json(one) for one in found.phrases.values()],
        "otherwise": found.otherwise,
    }


def _as_json(one: Covered) -> dict[str, Any]:
    return {"name": one.name, "clauses": [_clause(clause, node) for clause, node in one.clauses]}


def _clause(clause: Clause | None, node: Node) -> dict[str, Any]:
    said = {"role": clause.role, "label": clause.label} if clause else {}
    return {
        **said,
        "text": clause_text(node),
        "true": node.counts[True],
        "false": node.counts[False],
        "unknown": node.counts[None],
        "covered": node.covered,
        "of": node.points,
        "parts": [_clause(None, part) for part in node.parts],
    }


def gaps(found: Coverage) -> Iterator[tuple[Span, str]]:
    """Each clause that no test made true, or none false: where it is, and a line."""
    words = {True: tr("从未成立", "never true"), False: tr("从未不成立", "never false")}
    for one in found.sentences():
        for node in one.nodes():
            lacking = [words[truth] for truth in (True, False) if not node.counts[truth]]
            if node.points and lacking:
                said = f"{one.name}: {clause_text(node)}: {tr('，', ', ').join(lacking)}"
                yield node.condition.span, said
