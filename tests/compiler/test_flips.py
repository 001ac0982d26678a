"""The smallest change that flips a verdict: small, possible, and true when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from qc_compiler.decide import decide
from qc_compiler.flips import Atom, flips, ways
from qc_compiler.ir import Compare, Contains, columns
from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Program
from qc_compiler.values import Record
from qc_dsl.printer import print_condition
from qc_dsl.source import Source

HEAD = """
规则集: 测试
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 编号}
字段: {编号: {}, 文: {}, 类: {类型: 类别, 值: [甲, 乙, 丙]}, 数: {类型: 数字}, 列: {类型: 列表}}
"""


def compiled(rules: str, more: str = "其余: 合格\n") -> Program:
    return read_and_compile(Source("test", f"{HEAD}规则:\n{rules}{more}"))[1]


def record(**given: object) -> Record:
    return {"编号": "1", "文": None, "类": None, "数": None, "列": None} | given


def said(program: Program, values: Record) -> set[tuple[frozenset[tuple[str, bool]], str]]:
    return {
        (
            frozenset((print_condition(a.condition), a.truth) for a in flip.atoms),
            program.verdicts[flip.verdict].name,
        )
        for flip in flips(program, values)
    }


def test_one_condition_is_enough_where_one_is() -> None:
    program = compiled("  一: 当 文 包含 “热” 且 数 大于 5 即视为 缺陷\n")
    assert said(program, record(文="发热", 数=9.0)) == {
        (frozenset({("文 包含 “热”", False)}), "合格"),
        (frozenset({("数 大于 5", False)}), "合格"),
    }


def test_two_where_no_one_will_do_and_never_more_than_are_needed() -> None:
    program = compiled("  一: 当 文 包含 “热” 且 数 大于 5 即视为 缺陷\n")
    both = frozenset({("文 包含 “热”", True), ("数 大于 5", True)})
    assert said(program, record(文="咳", 数=1.0)) == {(both, "缺陷")}


def test_a_condition_that_two_rules_share_changes_in_both() -> None:
    rules = "  一: 当 文 包含 “热” 即视为 缺陷\n  二: 当 文 包含 “热” 或 数 大于 5 即视为 缺陷\n"
    program = compiled(rules)
    assert said(program, record(文="发热", 数=1.0)) == {
        (frozenset({("文 包含 “热”", False)}), "合格")
    }


def test_a_field_is_never_to_have_two_values_at_once() -> None:
    program = compiled(
        "  一: 当 类 为 “甲” 即视为 缺陷\n  二: 当 类 为 “乙” 且 数 大于 5 即视为 缺陷\n"
    )
    found = said(program, record(类="乙", 数=1.0))
    # 类 为 甲 alone would do, but not while 类 is 乙
    assert (frozenset({("类 为 “甲”", True)}), "缺陷") not in found
    assert (frozenset({("数 大于 5", True)}), "缺陷") in found


def test_four_conditions_are_too_many_and_an_open_record_has_no_verdict() -> None:
    four = "文 包含 “甲” 且 文 包含 “乙” 且 文 包含 “丙” 且 文 包含 “丁”"
    assert flips(compiled(f"  一: 当 {four} 即视为 缺陷\n"), record(文="无")) == []
    assert flips(compiled("  一: 当 数 大于 5 即视为 缺陷\n"), record()) == []


def test_no_smaller_change_flips_it() -> None:
    """Every flip, made true by hand, decides as it says; no smaller set of atoms flips it."""
    rules = (
        "  一: 当 文 包含 “热” → 数 大于 5 且 非 列 包含 “咳” 即视为 缺陷，否则 合格\n"
        "  二: {句: 当 文 包含 “痛” 或 列 包含 “痛” 即视为 缺陷, 优先级: -1}\n"
    )
    program = compiled(rules)
    values = record(文="发热", 数=3.0, 列=("咳",))
    now = decide(program, values).code
    found = flips(program, values)
    assert found
    every = {print_condition(atom.condition): atom for flip in found for atom in flip.atoms}
    for flip in found:
        assert decide(program, changed(values, flip.atoms)).code == flip.verdict != now
    for count in range(1, len(found[0].atoms)):
        for some in combinations(every.values(), count):
            assert decide(program, changed(values, some)).code == now


def changed(values: Record, atoms: Iterable[Atom]) -> Record:
    """The record with these conditions as they are to be, all others as they were."""
    made = dict(values)
    for atom in atoms:
        column = next(iter(columns(atom.expr))).name
        if isinstance(atom.expr, Compare):
            made[column] = 9.0 if atom.truth else 3.0
            continue
        assert isinstance(atom.expr, Contains)
        word, held = atom.expr.text, made[column]
        if column == "列":
            made[column] = (*held, word) if atom.truth else tuple(i for i in held if i != word)
        else:
            made[column] = held + word if atom.truth else held.replace(word, "")
    return made


def test_the_ways_to_a_truth_are_minimal() -> None:
    program = compiled("  一: 当 （文 包含 “甲” 且 文 包含 “乙”） 或 文 包含 “甲” 即视为 缺陷\n")
    (clause,) = program.rules[0].clauses
    found = ways((clause.condition, clause.expr), True, record(文="无"))
    assert [sorted(print_condition(a.condition) for a in way) for way in found] == [
        ["文 包含 “甲”"]
    ]
