"""The rulebooks with invented cases: sound, tested, and right wherever no model is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.qc import qc

ROOT = Path(__file__).parents[1]
RULEBOOKS, EXAMPLES = ROOT / "rulebooks", ROOT / "examples"
DECKS = {
    "surgery_pairing": "surgery_pairing",
    "injury": "injury_cause",
    "antibiotics": "antibiotic_notes",
    "critical_values": "critical_values",
}
# (一条记录中有多个手术 …) the one line that turns the other reading on
WHOLE, ANY_ONE = "手术一致: 整条一致", "手术一致: 任意一个相同"
SEVERAL = {"P0040", "P0041", "P0042", "P0043"}


def labels(deck: str) -> dict[str, set[str]]:
    lines = (EXAMPLES / deck / "期望.jsonl").read_text("utf-8").splitlines()
    return {one["key"]: set(one["rules"]) for one in map(json.loads, lines)}


def outcomes(rulebook: Path, data: Path, out: Path) -> dict[str, dict[str, object]]:
    ran = qc("run", rulebook, "--data", data, "--out", out, "--no-model")
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


@pytest.mark.parametrize("rulebook", DECKS.values())
def test_a_rulebook_is_sound_and_its_own_tests_pass(rulebook: str) -> None:
    assert qc("check", RULEBOOKS / f"{rulebook}.yaml").code == 0
    ran = qc("test", RULEBOOKS / f"{rulebook}.yaml", "--no-model")
    assert ran.code == 0
    assert "失败 0，未运行 0" in ran.out


@pytest.mark.parametrize("path", sorted(RULEBOOKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_rulebook_is_sound_and_none_of_its_tests_fails(path: Path) -> None:
    assert qc("check", path).code == 0
    if "\n测试:" in path.read_text("utf-8"):  # the English one is the Chinese one's, without tests
        ran = qc("test", path, "--no-model")
        assert (ran.code, "失败 0" in ran.out) == (0, True), ran.out


@pytest.mark.parametrize("deck", DECKS)
def test_what_needs_no_model_is_found_as_expected(deck: str, tmp_path: Path) -> None:
    wanted = labels(deck)
    found = outcomes(RULEBOOKS / f"{DECKS[deck]}.yaml", EXAMPLES / deck / "tables", tmp_path)
    assert differing(found, wanted) == set()
    assert {one["status"] for one in found.values()} == {"decided", "pending", "data_missing"}


def test_a_workbook_says_what_the_folder_says(tmp_path: Path) -> None:
    rulebook, deck = RULEBOOKS / "antibiotic_notes.yaml", EXAMPLES / "antibiotics"
    book = outcomes(rulebook, deck / "records.xlsx", tmp_path / "book")
    assert book == outcomes(rulebook, deck / "tables", tmp_path / "folder")


def test_the_message_is_the_hospitals_own(tmp_path: Path) -> None:
    deck = EXAMPLES / "antibiotics"
    found = outcomes(RULEBOOKS / "antibiotic_notes.yaml", deck / "tables", tmp_path)
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
    found = outcomes(tmp_path / "any.yaml", data, tmp_path / "out")
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
