"""The meaning of every predicate, in both languages, and of rules together.

``tests/cases/predicates.yaml`` is the table of truths; this file says how to read it.
"""

# ruff: noqa: E501 - a sentence stands in one line, as the hospital printed it

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from qc_compiler.decide import Decision, Open, decide
from qc_compiler.interpret import Truth, evaluate
from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Program
from qc_compiler.values import Record, read_cell
from qc_dsl import ast
from qc_dsl.printer import print_condition
from qc_dsl.reader import parse_rulebook, read_source
from qc_dsl.source import Source
from support.language import HEAD, SCOPE, lowered, parsed

CASES = Path(__file__).parents[1] / "cases"
TRUTHS: dict[str, Truth] = {"是": True, "否": False, "未知": None}
TABLE: list[dict[str, Any]] = yaml.safe_load((CASES / "predicates.yaml").read_text("utf-8"))
NAMES = re.compile("|".join(sorted(SCOPE.fields, key=len, reverse=True)))


def record(**cells: object) -> Record:
    known = {f.name: f for f in SCOPE.fields.values()}
    raw = {name: cells.get(name) for name in known}
    return {name: read_cell(known[name], cell).value for name, cell in raw.items()}  # type: ignore[arg-type]


def subjects(row: dict[str, Any]) -> list[str]:
    """The fields a row's cells belong to: those its sentence names outside quotes, in order."""
    outside = re.sub("“[^”]*”|「[^」]*」", "", row["zh"])
    return row.get("fields") or list(dict.fromkeys(NAMES.findall(outside)))


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["zh"])
def test_truth_of_a_predicate(row: dict[str, Any], lang: str) -> None:
    expr = lowered(row[lang])
    for *cells, wanted in row["cases"]:
        assert len(cells) == len(subjects(row)), (row["zh"], cells)
        of = record(**dict(zip(subjects(row), cells, strict=True)))
        assert evaluate(expr, of) is TRUTHS[wanted], (row[lang], cells)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["zh"])
def test_both_languages_say_the_same(row: dict[str, Any]) -> None:
    zh, en = parsed(row["zh"]), parsed(row["en"])
    assert zh == en
    assert parsed(print_condition(zh, "en")) == zh
    assert parsed(print_condition(en, "zh")) == en


def test_every_predicate_is_in_the_table() -> None:
    parts = [part for row in TABLE for part in ast.walk(parsed(row["zh"]))]
    assert {part.op for part in parts if isinstance(part, ast.Predicate)} == set(ast.Op)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["zh"])
def test_spaces_are_free_in_chinese(row: dict[str, Any]) -> None:
    """Sentences are printed without spaces in hospital documents."""
    pieces = re.split("(“[^”]*”|「[^」]*」)", row["zh"])
    tight = "".join(p if at % 2 else p.replace(" ", "") for at, p in enumerate(pieces))
    assert parsed(tight) == parsed(row["zh"])


# Rules together


def compiled(rest: str) -> Program:
    return read_and_compile(Source("test", HEAD + rest))[1]


def decided(rest: str, **cells: object) -> str:
    """The verdict of a record, or the name of its open end, then the ids of the rules."""
    program = compiled(rest)
    decision: Decision = decide(program, record(**cells) | {"编号": "1"})
    code = decision.code
    end = program.verdicts[code].name if code >= 0 else Open(code).name
    return " ".join((end, *(program.rules[rule].id for rule in decision.rules)))


LAYERS = """
适用: {日间: 如果 文 包含 “日间” 则 不适用}
例外: {侧别: 当 列 包含 “左” 即视为 缺陷}
规则: {宽: 当 数 大于 1 即视为 合格}
其余: 缺陷
"""


def test_layers_go_one_after_the_other() -> None:
    assert decided(LAYERS, 文="日间病房", 列="左", 数="2") == "不适用 日间"
    assert decided(LAYERS, 文="骨科", 列="左", 数="2") == "缺陷 侧别"
    assert decided(LAYERS, 文="骨科", 列="右", 数="2") == "合格 宽"
    assert decided(LAYERS, 文="骨科", 列="右", 数="1") == "缺陷"


def test_a_gate_among_the_rules_goes_before_them() -> None:
    rest = "规则: {宽: 当 数 大于 1 即视为 合格, 门: 如果 数 大于 5 则 不适用}\n其余: 缺陷\n"
    assert decided(rest, 数="6") == "不适用 门"


def test_what_is_unknown_in_a_layer_is_missing_data_for_those_after() -> None:
    assert decided(LAYERS, 列="右", 数="2") == "DATA_MISSING 日间"
    assert decided(LAYERS, 文="骨科", 数="2") == "DATA_MISSING 侧别"


def test_what_can_turn_out_only_one_way_is_decided() -> None:
    """侧别 unknown leads to 缺陷 if true, and so does everything after it if false."""
    assert decided(LAYERS, 文="骨科", 数="1") == "缺陷"
    assert decided(LAYERS, 文="骨科", 列="左") == "缺陷 侧别"


def test_a_true_rule_is_not_undone_by_an_unknown_one_of_the_same_verdict() -> None:
    rest = "规则: {甲: 当 文 为 “甲” 即视为 合格, 乙: 当 数 大于 1 即视为 合格}\n其余: 缺陷\n"
    assert decided(rest, 文="甲") == "合格 甲"


def test_a_true_rule_beside_an_unknown_one_of_another_verdict_is_missing_data() -> None:
    rest = "规则: {甲: 当 文 为 “甲” 即视为 合格, 乙: 当 数 大于 1 即视为 缺陷}\n其余: 缺陷\n"
    assert decided(rest, 文="甲") == "DATA_MISSING 乙"
    assert decided(rest, 文="甲", 数="2") == "CONFLICT 甲 乙"
    assert decided(rest, 文="甲", 数="1") == "合格 甲"


def test_priority_settles_a_conflict_whatever_the_order() -> None:
    first = "甲: {句: 当 文 为 “甲” 即视为 合格, 优先级: 1}"
    second = "乙: 当 数 大于 1 即视为 缺陷"
    for rules in (f"{first}, {second}", f"{second}, {first}"):
        assert decided(f"规则: {{{rules}}}\n其余: 缺陷\n", 文="甲", 数="2") == "合格 甲"


def test_order_in_the_file_never_matters() -> None:
    one, other = "甲: 当 文 为 “甲” 即视为 合格", "乙: 当 数 大于 1 即视为 合格"
    for cells in ({"文": "甲"}, {"数": "2"}, {"文": "乙", "数": "1"}, {}):
        ends = {
            decided(f"规则: {{{a}, {b}}}\n其余: 缺陷\n", **cells).split(maxsplit=1)[0]
            for a, b in ((one, other), (other, one))
        }
        assert len(ends) == 1


SCOPED = "规则: {痔: 当 文 为 “痔” → 列 包含 “套扎” 即视为 合格%s}\n其余: 缺陷\n"


def test_a_scope_without_its_condition_says_nothing() -> None:
    assert decided(SCOPED % "", 文="痔", 列="套扎术") == "合格 痔"
    assert decided(SCOPED % "", 文="痔", 列="切除术") == "缺陷"
    assert decided(SCOPED % "", 文="胆", 列="套扎术") == "缺陷"
    assert decided(SCOPED % "", 文="胆") == "缺陷"
    assert decided(SCOPED % "", 文="痔") == "DATA_MISSING 痔"


def test_otherwise_of_a_sentence_holds_within_its_scope() -> None:
    other = "，否则 不适用"
    assert decided(SCOPED % other, 文="痔", 列="切除术") == "不适用 痔"
    assert decided(SCOPED % other, 文="胆", 列="切除术") == "缺陷"


def test_without_an_otherwise_a_person_decides_the_rest() -> None:
    rest = "规则: {甲: 当 文 为 “甲” 即视为 合格}\n"
    assert decided(rest, 文="乙") == "UNCOVERED"
    assert decided(rest) == "DATA_MISSING 甲"


def test_a_question_is_not_asked_about_blank_fields() -> None:
    rest = "规则: {甲: 当 文 为 “甲” 即视为 合格}\n其余: {问: 相符？, 看: [文, 列]}\n"
    assert decided(rest, 文="乙", 列="丙") == "ASK"
    assert decided(rest, 文="乙") == "DATA_MISSING"


# The hospital's own sentences

SURGERY = (CASES / "surgery_rules.yaml").read_text("utf-8")
ALSO = "  日间病房二: 如果住院科室包含“日间病房”，直接标记为“不适用”\n"
ENGLISH = {
    "日间病房": "if 患者来自日间病房, mark as “不适用”",
    "日间病房二": "if 住院科室 contains “日间病房”, mark as “不适用”",
    "宫腔镜": "when 术前术式 is “宫腔镜检查” or “宫腔镜检查，备一期手术” or “宫腔镜手术” "
    "-> 手术记录 contains “宫腔镜” counts as 匹配",
    "鼻内镜": "when 术前术式 is “鼻内镜下鼻腔鼻窦手术” -> 手术记录 contains “鼻内镜” counts as 匹配",
    "痔": "when 术前术式 is “痔切除术” -> 手术记录 contains “内痔套扎术” or “痔切除术” counts as 匹配",
    "胆囊": "when 术前术式 is “腹腔镜下胆囊切除术” or “腹腔镜胆囊切除术” "
    "-> 手术记录 contains “腹腔镜” and “胆囊切除” counts as 匹配",
}
PRINTED = {
    "日间病房": "如果患者来自日间病房，直接标记为“不适用”",
    "日间病房二": "如果住院科室包含“日间病房”，直接标记为“不适用”",
    "宫腔镜": "当术前术式为“宫腔镜检查”或“宫腔镜检查，备一期手术”或“宫腔镜手术” → 手术记录包含“宫腔镜”即视为匹配",
    "鼻内镜": "当术前术式为“鼻内镜下鼻腔鼻窦手术” → 手术记录包含“鼻内镜”即视为匹配",
    "痔": "当术前术式为“痔切除术” → 手术记录包含“内痔套扎术”或“痔切除术”即视为匹配",
    "胆囊": "当术前术式为“腹腔镜下胆囊切除术”或“腹腔镜胆囊切除术” → 手术记录包含“腹腔镜”和“胆囊切除”即视为匹配",
}


def test_the_hospitals_sentences_parse_as_printed_and_in_english() -> None:
    text = SURGERY.replace("  宫腔镜: 当", f"{ALSO}  宫腔镜: 当")
    printed = parse_rulebook(Source("test", text))
    assert {rule.id: rule.text for rule in printed.rules} == PRINTED
    for name, sentence in ENGLISH.items():
        text = text.replace(PRINTED[name], f"'{sentence}'")
    english = parse_rulebook(Source("test", text))
    assert [r.sentence for r in english.rules] == [r.sentence for r in printed.rules]


def test_the_shipped_rulebook_says_what_the_hospital_printed() -> None:
    """Spelt canonically, with spaces between the words; the sentences are the same."""
    shipped = parse_rulebook(read_source(CASES.parents[1] / "rulebooks/surgery_consistency.yaml"))
    said = {rule.id: rule.sentence for rule in shipped.rules}
    printed = parse_rulebook(Source("test", SURGERY)).rules
    assert len(printed) == 5
    assert [said[rule.id] for rule in printed] == [rule.sentence for rule in printed]


@pytest.mark.parametrize(
    ("ward", "planned", "performed", "wanted"),
    [
        (
            "肛肠外科",
            "痔切除术",
            "经肛门内痔套扎术+外痔切除术+混合痔注射+肛管肿物切除术",
            "匹配 痔",
        ),
        ("妇科", "宫腔镜检查，备一期手术", "宫腔镜下宫颈息肉电切术+诊刮术", "匹配 宫腔镜"),
        ("妇科", "宫腔镜检查,备一期手术", "宫腔镜下子宫内息肉电切术+诊刮术", "匹配 宫腔镜"),
        ("耳鼻喉科", "鼻内镜下鼻腔鼻窦手术", "鼻内镜下左侧上颌窦开放", "匹配 鼻内镜"),
        ("普外科", "腹腔镜胆囊切除术", "腹腔镜下胆囊切除术", "匹配 胆囊"),
        ("普外科", "腹腔镜胆囊切除术", "开腹胆囊切除术", "ASK"),
        ("泌尿外科", "经尿道输尿管镜激光碎石术", "经尿道输尿管支架置入术", "ASK"),
        ("日间病房", "痔切除术", "外痔切除术", "不适用 日间病房"),
        (None, "痔切除术", "外痔切除术", "DATA_MISSING 日间病房"),
        ("肛肠外科", "痔切除术", None, "DATA_MISSING 痔"),
    ],
)
def test_the_hospitals_rules_decide(
    ward: str | None, planned: str, performed: str | None, wanted: str
) -> None:
    program = read_and_compile(Source("test", SURGERY))[1]
    cells = {"住院号": "1", "住院科室": ward, "术前术式": planned, "手术记录": performed}
    of = {f.name: read_cell(f, cells[f.name]).value for f in program.fields}
    decision = decide(program, of)
    end = program.verdicts[decision.code].name if decision.code >= 0 else Open(decision.code).name
    assert " ".join((end, *(program.rules[r].id for r in decision.rules))) == wanted
