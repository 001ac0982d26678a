"""The rulebooks with invented cases: sound, tested, and right wherever the answers are."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import xlsxwriter

from support.chat_server import chat_server
from support.qc import qc

ROOT = Path(__file__).parents[1]
RULEBOOKS, EXAMPLES = ROOT / "rulebooks", ROOT / "examples"
DECKS = {
    "surgery_pairing": "surgery_pairing",
    "injury": "injury_cause",
    "antibiotics": "antibiotic_notes",
    "critical_values": "critical_values",
    "ward_rounds": "ward_rounds",
    "special_antibiotics": "special_antibiotics",
    "transfusion": "transfusion_nursing",
    "outpatient": "outpatient_consistency",
    "nursing": "nursing_completeness",
    "operation_note": "operation_note",
    "insurance": "insurance_compliance",
    "admission_note": "admission_note",
}
# What a careful reader says no to; to every other question of the deck the answer is yes.
REFUSED = {
    "ward_rounds": ("同意目前诊治，无特殊补充",),
    "special_antibiotics": ("今日起使用稳可信，余治疗同前", "今日起使用美罗培南，余治疗同前"),
    "transfusion": ("患者诉发冷，继续观察", "安慰患者，加盖被服"),
    "outpatient": ("临床诊断：2型糖尿病", "临床诊断：高脂血症"),
    "nursing": ("神志清，精神可", "睡眠尚可", "巡视病房，患者安睡"),
    "operation_note": ("术中见肠管浆膜损伤。冲洗",),
    "insurance": ("手术名称：胆总管探查术", "严重低蛋白血症伴全身水肿"),
    "admission_note": ("包皮过长",),
}
SETTLED = {"admission_note"}  # a part that is not written is a defect there, so nothing is missing
# (一条记录中有多个手术 …) the one line that turns the other reading on
WHOLE, ANY_ONE = "引用: [surgery/whole.yaml]", "引用: [surgery/any_one.yaml]"
SEVERAL = {"P0040", "P0041", "P0042", "P0043"}


def labels(deck: str) -> dict[str, set[str]]:
    lines = (EXAMPLES / deck / "期望.jsonl").read_text("utf-8").splitlines()
    return {one["key"]: set(one["rules"]) for one in map(json.loads, lines)}


def outcomes(
    rulebook: Path, *data: object, out: Path, more: tuple[object, ...] = ("--no-model",)
) -> dict[str, dict[str, object]]:
    given = [part for one in data for part in ("--data", one)]
    ran = qc("run", rulebook, *given, "--out", out, *more)
    assert (ran.code, ran.err) == (0, "")
    lines = (out / "outcomes.jsonl").read_text("utf-8").splitlines()
    return {one["key"]: one for one in map(json.loads, lines)}


def differing(found: dict[str, dict[str, object]], wanted: dict[str, set[str]]) -> set[str]:
    """The cases that no model is needed for and whose findings are not those expected."""
    assert set(found) == set(wanted)
    return {
        key
        for key, one in found.items()
        if one["status"] != "pending" and {f["rule"] for f in one["findings"]} != wanted[key]  # type: ignore[attr-defined]
    }


SHIPPED = sorted(RULEBOOKS.glob("*.yaml"))
# The parts of rulebooks; any_one.yaml and any_one_flat.yaml are for those who take them up.
PARTS = [RULEBOOKS / "surgery" / name for name in ("equivalences.yaml", "whole.yaml")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_rulebook_is_sound_and_passes_its_tests_without_a_model(path: Path) -> None:
    assert qc("check", path, "--strict").code == 0
    ran = qc("ci", path, "--no-model")
    assert ran.code == 0, ran.out
    assert "失败 0，未运行 0" in ran.out


@pytest.mark.parametrize("path", [*SHIPPED, *PARTS], ids=lambda path: path.stem)
def test_every_shipped_rulebook_is_in_the_canonical_spelling(path: Path) -> None:
    ran = qc("fmt", "--check", path)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_every_folder_of_examples_with_expected_findings_is_compared() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/期望.jsonl")} == set(DECKS)


@pytest.mark.parametrize("deck", sorted(set(DECKS) - set(REFUSED)))
def test_what_needs_no_model_is_found_as_expected(deck: str, tmp_path: Path) -> None:
    wanted = labels(deck)
    found = outcomes(RULEBOOKS / f"{DECKS[deck]}.yaml", EXAMPLES / deck / "tables", out=tmp_path)
    assert differing(found, wanted) == set()
    assert {one["status"] for one in found.values()} == {"decided", "pending", "data_missing"}


@pytest.mark.parametrize("deck", REFUSED)
def test_with_a_careful_reader_s_answers_all_is_found_as_expected(
    deck: str, tmp_path: Path
) -> None:
    def shares(text: str) -> dict[str, float]:
        no = any(one in text for one in REFUSED[deck])
        return {"A": 0.03, "B": 0.97} if no else {"A": 0.97, "B": 0.03}

    with chat_server(shares, whole=True) as server:
        more = ("--endpoint", server.url, "--endpoint-model", "m", "--explain", "none")
        rulebook = RULEBOOKS / f"{DECKS[deck]}.yaml"
        found = outcomes(rulebook, EXAMPLES / deck / "tables", out=tmp_path, more=more)
    assert all(any(one in text for text in server.asked) for one in REFUSED[deck])
    assert differing(found, labels(deck)) == set()
    open_too = set() if deck in SETTLED else {"data_missing"}
    assert {one["status"] for one in found.values()} == {"decided"} | open_too


def test_a_workbook_says_what_the_folder_says(tmp_path: Path) -> None:
    rulebook, deck = RULEBOOKS / "antibiotic_notes.yaml", EXAMPLES / "antibiotics"
    book = outcomes(rulebook, deck / "records.xlsx", out=tmp_path / "book")
    assert book == outcomes(rulebook, deck / "tables", out=tmp_path / "folder")


def write_workbook(path: Path, tables: list[Path]) -> None:
    """The files as sheets; a whole number or a decimal is a number, as a hospital exports it."""
    with xlsxwriter.Workbook(path) as book:
        for table in tables:
            sheet = book.add_worksheet(table.stem)
            for at, row in enumerate(csv.reader(StringIO(table.read_text("utf-8-sig")))):
                for column, cell in enumerate(row):
                    number = re.fullmatch(r"[1-9]\d*(\.\d*[1-9])?", cell)
                    sheet.write(at, column, float(cell) if number else cell)


def test_a_folder_named_files_and_a_workbook_give_the_same_bytes(tmp_path: Path) -> None:
    rulebook = RULEBOOKS / "transfusion_nursing.yaml"
    tables = sorted((EXAMPLES / "transfusion" / "tables").iterdir())
    assert len(tables) == 4  # the cases and three tables
    write_workbook(tmp_path / "all.xlsx", tables)
    ways: dict[str, list[object]] = {
        "folder": [tables[0].parent],
        "files": [f"{table.stem}={table}" for table in tables],
        "book": [tmp_path / "all.xlsx"],
    }
    for way, data in ways.items():
        assert len(outcomes(rulebook, *data, out=tmp_path / way)) == 49
    folder, files, book = ((tmp_path / way / "outcomes.jsonl").read_bytes() for way in ways)
    assert files == folder
    assert book == folder


def test_the_message_is_the_hospitals_own(tmp_path: Path) -> None:
    deck = EXAMPLES / "antibiotics"
    found = outcomes(RULEBOOKS / "antibiotic_notes.yaml", deck / "tables", out=tmp_path)
    (finding,) = found["K0022"]["findings"]  # type: ignore[misc]
    assert finding["message"] == (
        "病程中未在3天内体现医嘱中抗生素使用, 医嘱日期:2025-03-01 08:30, "
        "医嘱内容:莫西沙星氯化钠注射液 0.4g 静滴 qd"
    )


def test_one_line_turns_the_any_one_reading_on(tmp_path: Path) -> None:
    text = (RULEBOOKS / "surgery_pairing.yaml").read_text("utf-8")
    assert text.count(WHOLE) == 1
    (tmp_path / "surgery").symlink_to(RULEBOOKS / "surgery")
    (tmp_path / "any.yaml").write_text(text.replace(WHOLE, ANY_ONE), "utf-8")
    assert "失败 0，未运行 0" in qc("test", tmp_path / "any.yaml", "--no-model").out
    data = EXAMPLES / "surgery_pairing" / "tables"
    found = outcomes(tmp_path / "any.yaml", data, out=tmp_path / "out")
    assert differing(found, labels("surgery_pairing")) == SEVERAL
    assert {found[key]["verdict"] for key in SEVERAL} == {"匹配"}


@pytest.mark.parametrize("deck", DECKS)
def test_the_generator_writes_the_files_that_are_there(deck: str, tmp_path: Path) -> None:
    (tmp_path / deck).mkdir()
    for name in ("deck.py", f"{deck}/make.py"):
        (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())
    subprocess.run([sys.executable, tmp_path / deck / "make.py"], check=True)
    made = [path for path in (tmp_path / deck).rglob("*") if path.is_file()]
    assert len(made) >= 3
    for path in made:
        assert path.read_bytes() == (EXAMPLES / path.relative_to(tmp_path)).read_bytes()
