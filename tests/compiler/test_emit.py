"""``qc compile --emit``: the same rulebook gives the same bytes, and these bytes.

Golden files in ``tests/golden/emit``; write them anew with ``pytest --update-golden``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qc_compiler.emit import EMITTERS
from qc_compiler.pipeline import compile_file
from support.qc import qc

TESTS = Path(__file__).parents[1]
RULEBOOKS = ("surgery_rules.yaml", "everything.yaml", "everything.en.yaml")
SUFFIX = {"ast": "ast.json", "ir": "ir.json", "sql": "sql", "prompts": "prompts.txt"}
SUFFIX |= {"full-prompt": "full-prompt.txt", "json": "json"}
Golden = Callable[[Path, str], None]


STAGES = [(n, s) for n in RULEBOOKS for s in EMITTERS if ".en." not in n or "prompt" in s]


@pytest.mark.parametrize(("name", "stage"), STAGES)
def test_stages_are_as_they_were_read_by_a_person(name: str, stage: str, golden: Golden) -> None:
    ran = qc("compile", TESTS / "cases" / name, "--emit", stage)
    assert (ran.code, ran.err) == (0, "")
    golden(TESTS / "golden" / "emit" / f"{Path(name).stem}.{SUFFIX[stage]}", ran.out)


def test_what_is_emitted_does_not_depend_on_the_language_of_messages(
    lang: str, golden: Golden
) -> None:
    ran = qc("compile", TESTS / "cases" / "everything.yaml")
    golden(TESTS / "golden" / "emit" / "everything.json", ran.out)


_EMIT_ALL = """
import sys
from pathlib import Path
from qc_compiler.emit import EMITTERS
from qc_compiler.pipeline import compile_file
programs = [compile_file(Path(path)) for path in sys.argv[1:]]
out = "".join(emit(program) for program in programs for emit in EMITTERS.values())
sys.stdout.buffer.write(out.encode())
"""


def test_another_process_with_another_hash_seed_emits_the_same_bytes() -> None:
    """This process has a random seed of its own."""
    paths = [TESTS / "cases" / name for name in RULEBOOKS]
    here = "".join(emit(compile_file(path)) for path in paths for emit in EMITTERS.values())
    environment = os.environ | {"PYTHONHASHSEED": "4242"}
    command = [sys.executable, "-c", _EMIT_ALL, *map(str, paths)]
    there = subprocess.check_output(command, env=environment, timeout=60)
    assert there.decode() == here


def test_where_a_rulebook_lies_is_no_part_of_what_it_means(tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.yaml"
    original = TESTS / "cases" / "surgery_rules.yaml"
    elsewhere.write_bytes(original.read_bytes())
    for emit in EMITTERS.values():
        assert emit(compile_file(elsewhere)) == emit(compile_file(original))


def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    original = TESTS / "cases" / "everything.yaml"
    other = tmp_path / "windows.yaml"
    text = original.read_text("utf-8").replace("\n", "\r\n")
    other.write_bytes(b"\xef\xbb\xbf" + text.encode("utf-8"))
    assert EMITTERS["json"](compile_file(other)) == EMITTERS["json"](compile_file(original))


def test_the_full_prompt_holds_every_rule_and_verdict() -> None:
    program = compile_file(TESTS / "cases" / "everything.yaml")
    prompt = EMITTERS["full-prompt"](program)
    from qc_dsl.printer import print_sentence

    for rule in program.rules:
        assert print_sentence(rule.sentence, "zh") in prompt
    for word in ("摔伤", "车祸伤", "日间手术中心", "年龄 小于 18"):
        assert word in prompt, "self-contained: what a name stands for is written out"
    for verdict in program.verdicts:
        assert verdict.name in prompt


def test_json_stages_are_json() -> None:
    program = compile_file(TESTS / "cases" / "everything.yaml")
    for stage in ("ast", "ir", "json"):
        assert json.loads(EMITTERS[stage](program))
