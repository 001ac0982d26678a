"""The other commands from outside: check, test, eval, explain, compile, version, help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.chat_server import chat_server
from support.qc import Ran, at_home, environment, qc, qc_process

TESTS = Path(__file__).parents[1]
CASES = TESTS / "cases"
RULEBOOK = CASES / "surgery_rules.yaml"
PERFORMED = "手术记录: 经肛门内痔套扎术+外痔切除术"
Golden = Callable[[Path, str], None]
DATA = """住院号,住院科室,术前术式,手术记录,期望
1,肛肠外科,痔切除术,经肛门内痔套扎术+外痔 切除术,匹配
2,日间病房,痔切除术,痔切除术,不适用
3,泌尿外科,碎石术,支架置入术,不匹配
4,肛肠外科,痔切除术,,匹配
5,,宫腔镜检查,宫腔镜下诊刮术,匹配
6,普外科,腹腔镜胆囊切除术,开腹胆囊切除术,
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(tmp_path, monkeypatch)
    Path("data.csv").write_text(DATA, "utf-8")


# check


@pytest.mark.parametrize("name", ["surgery_rules", "everything", "everything.en"])
def test_a_good_rulebook_has_no_mistakes(name: str) -> None:
    ran = qc("check", CASES / f"{name}.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.rstrip().endswith("没有错误")


def test_warnings_do_not_fail_a_check() -> None:
    text = RULEBOOK.read_text("utf-8").split("其余:")[0]
    Path("gap.yaml").write_text(text, "utf-8")
    ran = qc("check", "gap.yaml")
    assert ran.code == 0
    assert "警告[QC302]" in ran.out


def test_check_in_json_is_for_machines() -> None:
    bad = CASES / "bad" / "misspelt_field.yaml"
    ran = qc("check", bad, RULEBOOK, "--format", "json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert (found["rulebooks"], found["errors"]) == (2, 2)
    first = found["diagnostics"][0]
    assert first == {
        "code": "QC101",
        "severity": "error",
        "message": "没有字段“术前术试”",
        "help": "您是否想写“术前术式”？",
        "file": str(bad),
        "rulebook": str(bad),
        "line": 12,
        "column": 10,
        "end_line": 12,
        "end_column": 14,
    }


def test_a_clean_check_in_json() -> None:
    ran = qc("check", RULEBOOK, "--format", "json")
    assert ran.code == 0
    nothing = {"errors": 0, "warnings": 0, "diagnostics": [], "allowed": []}
    assert json.loads(ran.out) == {"rulebooks": 1, **nothing}


# test


def test_a_rulebooks_own_tests_pass() -> None:
    ran = qc("test", RULEBOOK, "--no-model")
    assert ran.code == 0
    assert "通过 2，失败 0，未运行 0" in ran.out


@pytest.mark.parametrize(
    ("change", "wanted", "code"),
    [
        (("应为: 匹配", "应为: 不匹配"), "应为 不匹配，实为 匹配", 1),
        (("依: 痔}", "依: 胆囊}"), "应由规则 胆囊 判定，实由 痔", 1),
        (("术前术式: 痔切除术", "术前术式: 肛裂切除术"), "未运行（需要模型）", 0),
        (
            (PERFORMED + ", 应为: 匹配, 依: 痔", "应为: 资料缺失"),
            "通过 2",
            0,
        ),
    ],
)
def test_what_a_test_expects_is_compared(change: tuple[str, str], wanted: str, code: int) -> None:
    Path("changed.yaml").write_text(RULEBOOK.read_text("utf-8").replace(*change), "utf-8")
    ran = qc("test", "changed.yaml", "--no-model")
    assert ran.code == code
    assert wanted in ran.out
    assert "changed.yaml:" in ran.out or code == 0


def test_a_failed_test_says_where_it_stands() -> None:
    text = RULEBOOK.read_text("utf-8").replace("应为: 匹配", "应为: 不匹配")
    Path("changed.yaml").write_text(text, "utf-8")
    ran = qc("test", "changed.yaml", "--no-model")
    assert re.search(r"changed\.yaml:\d+:\d+", ran.out)


def test_a_rulebook_without_tests_is_not_called_tested() -> None:
    Path("none.yaml").write_text(RULEBOOK.read_text("utf-8").split("测试:")[0], "utf-8")
    assert qc("test", "none.yaml", "--no-model").code == 1


def test_a_test_may_need_the_model() -> None:
    text = RULEBOOK.read_text("utf-8").replace("术前术式: 痔切除术", "术前术式: 肛裂切除术")
    Path("changed.yaml").write_text(text.replace(", 依: 痔", ""), "utf-8")
    with chat_server(lambda user: {"A": 0.9, "B": 0.1}) as server:
        ran = qc("test", "changed.yaml", "--endpoint", server.url, "--endpoint-model", "m")
    assert ran.code == 0
    assert "通过 2" in ran.out


# eval


def test_eval_in_json() -> None:
    with chat_server(lambda user: {"A": 0.1, "B": 0.9}) as server:
        endpoint = ("--endpoint", server.url, "--endpoint-model", "m")
        ran = qc("eval", RULEBOOK, "--data", "data.csv", "--label", "期望", "--json", *endpoint)
    assert ran.code == 0
    found = json.loads(ran.out)
    assert found["n"] == 5
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["coverage"] == pytest.approx(3 / 5)
    assert found["decided_accuracy"] == 1.0
    assert {o["key"] for o in found["disagreements"]} == {"4", "5"}
    assert set(found) >= {"accuracy_interval", "per_verdict", "confusion", "decided_by"}


def test_eval_without_a_model_counts_pending_as_wrong() -> None:
    ran = qc("eval", RULEBOOK, "--data", "data.csv", "--label", "期望", "--no-model")
    assert ran.code == 0
    assert "准确率 40.0%" in ran.out
    assert "n=5" in ran.out


@pytest.mark.parametrize(
    ("label", "named"), [("期忘", "期望"), ("手术记录", "手术记录"), ("住院科室", "结论")]
)
def test_eval_with_a_wrong_label_column_is_refused(label: str, named: str) -> None:
    ran = qc("eval", RULEBOOK, "--data", "data.csv", "--label", label, "--no-model")
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err or "结论" in ran.err


# explain


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6"])
def test_explain_answers_in_the_authors_language(key: str, lang: str, golden: Golden) -> None:
    ran = qc("explain", RULEBOOK, "--data", "data.csv", "--case", key)
    assert (ran.code, ran.err) == (0, "")
    golden(TESTS / "golden" / "explain" / f"{key}.{lang}.txt", ran.out)


EVERYTHING = """住院号,科室,入院诊断,术式,医保,年龄,天数,入院,出院,手术时间
1,骨科,摔伤致 左侧骨折,左侧探查；引流,职工,70,40,2025-01-01,2025-02-10,2025-01-03 08:00
2,骨科,,探查,居民,七十,40,不详,2025-02-10,
"""


@pytest.mark.parametrize("key", ["1", "2"])
def test_explain_walks_into_conditions(key: str, golden: Golden) -> None:
    Path("all.csv").write_text(EVERYTHING, "utf-8")
    ran = qc("explain", CASES / "everything.yaml", "--data", "all.csv", "--case", key)
    assert ran.code == 0
    golden(TESTS / "golden" / "explain" / f"everything.{key}.txt", ran.out)


def test_explain_of_a_key_that_is_not_there() -> None:
    ran = qc("explain", RULEBOOK, "--data", "data.csv", "--case", "99")
    assert (ran.code, ran.out) == (2, "")
    assert "[QC6" in ran.err
    assert "99" in ran.err


def test_a_plan_says_what_would_be_asked_and_asks_nothing(lang: str, golden: Golden) -> None:
    ran = qc("explain", RULEBOOK, "--data", "data.csv", "--plan")
    assert (ran.code, ran.err) == (0, "")
    golden(TESTS / "golden" / "explain" / f"plan.{lang}.txt", ran.out)
    assert not list(Path().glob("**/*.sqlite"))


def test_a_plan_stands_beside_what_a_run_took() -> None:
    Path("done").mkdir()
    usage = {"unique_requests": 2, "prompt_tokens": 300, "reused_prompt_tokens": 120}
    Path("done/summary.json").write_text(json.dumps({"model": usage}), "utf-8")
    ran = qc("explain", RULEBOOK, "--data", "data.csv", "--plan", "--out", "done")
    assert ran.out.splitlines()[-1] == (
        "done 那次运行：问 2 次，读了 300 个词元，另有 120 个因共用而免读"
    )
    usage |= {"stored": 1, "prompt_tokens": 150}
    Path("done/summary.json").write_text(json.dumps({"model": usage}), "utf-8")
    ran = qc("explain", RULEBOOK, "--data", "data.csv", "--plan", "--out", "done")
    assert "问 2 次（其中 1 次以前答过，不再问），读了 150 个词元" in ran.out


def test_a_plan_of_records_that_rules_decide_is_empty() -> None:
    Path("two.csv").write_text("".join(DATA.splitlines(keepends=True)[:3]), "utf-8")
    ran = qc("explain", RULEBOOK, "--data", "two.csv", "--plan")
    assert ran.out == "2 例都由规则判定，不问模型\n"


@pytest.mark.parametrize("options", [[], ["--plan", "--case", "1"]])
def test_explain_wants_a_case_or_a_plan(options: list[str]) -> None:
    ran = qc("explain", RULEBOOK, "--data", "data.csv", *options)
    assert (ran.code, ran.out) == (2, "")
    assert "--plan" in ran.err


# the command itself


def test_no_command_and_unknown_commands_are_usage() -> None:
    assert qc("nonsense").code == 2
    assert qc("run").code == 2
    assert qc("compile", RULEBOOK, "--emit", "nonsense").code == 2


def test_compile_refuses_a_bad_rulebook() -> None:
    ran = qc("compile", CASES / "bad" / "misspelt_field.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "QC101" in ran.err


def test_version_names_its_parts() -> None:
    ran = qc("version")
    assert ran.code == 0
    assert re.match(r"qc \d+\.\d+", ran.out)
    assert "duckdb" in ran.out


HEAVY = ("duckdb", "pyarrow", "llama_cpp", "httpx", "pydantic", "sqlglot", "xlsxwriter", "lark",
         "numpy", "python_calamine", "yaml", "re2", "jinja2")  # fmt: skip


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    """So that ``--help`` is quick."""
    code = f"import sys, qc_runtime.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.check_output([sys.executable, "-c", code], env=environment(), text=True)
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    ("chosen", "wanted"), [("zh", "检查规则集有无错误"), ("en", "Check rulebooks for mistakes")]
)
def test_help_speaks_the_readers_language(chosen: str, wanted: str) -> None:
    ran = qc_process("--help", QC_LANG=chosen)
    assert ran.code == 0
    assert wanted in ran.out


def test_the_installed_command_is_the_same() -> None:
    command = Path(sys.executable).with_name("qc")
    done = subprocess.run([command, "check", RULEBOOK], env=environment(), check=False)
    assert done.returncode == 0


# a plain environment, without llama.cpp

_ABSENT = 'raise ModuleNotFoundError("No module named \'llama_cpp\'", name="llama_cpp")\n'


def plain(*args: object) -> Ran:
    """The command where llama.cpp is not installed, for its worker's process too."""
    Path("absent").mkdir(exist_ok=True)
    Path("absent/llama_cpp.py").write_text(_ABSENT, "utf-8")
    shadow = str(Path("absent").absolute())
    return qc_process(*args, QC_LANG="zh", QC_CACHE=os.environ["QC_CACHE"], PYTHONPATH=shadow)


def test_a_plain_installation_checks_and_runs_rules() -> None:
    assert plain("check", RULEBOOK).code == 0
    ran = plain("run", RULEBOOK, "--data", "data.csv", "--out", "out", "--no-model")
    assert (ran.code, ran.err) == (0, "")


def test_a_plain_installation_says_how_to_get_a_model() -> None:
    Path("model.gguf").write_bytes(b"GGUF" + bytes(100))
    for model in ([], ["--model", "model.gguf"]):
        ran = plain("run", RULEBOOK, "--data", "data.csv", "--out", "out", *model)
        assert (ran.code, ran.out) == (2, "")
        assert "Traceback" not in ran.err
        assert "[QC5" in ran.err
        assert "  = " in ran.err
        assert not Path("out").exists()
    assert "llama" in ran.err
