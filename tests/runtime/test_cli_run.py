"""``qc run`` from outside: files, counts, exit codes, and what a stopped run leaves."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qc_runtime.endpoint.http import Patience
from qc_runtime.store import FILE_NAME, AnswerStore
from support.chat_server import ChatServer, chat_server
from support.qc import Ran, at_home, environment, qc, qc_process

TESTS = Path(__file__).parents[1]
RULEBOOK = TESTS / "cases" / "surgery_rules.yaml"
HEAD = "住院号,住院科室,术前术式,手术记录\n"
RULES_ONLY = HEAD + "1,外科,痔切除术,外痔切除术\n2,日间病房,甲,乙\n3,外科,,乙\n4,外科,甲,乙\n"
KEYS = {
    "key", "verdict", "leaning", "status", "decided_by", "rules", "confidence", "explanation",
    "evidence", "findings", "score", "grade",
}  # fmt: skip
MODEL_KEYS = {
    "requests", "unique_requests", "prompt_tokens", "reused_prompt_tokens", "generated_tokens",
    "seconds", "load_seconds",
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for every test, nobody's settings and nobody's models."""
    return at_home(tmp_path, monkeypatch)


def data(text: str, name: str = "data.csv", encoding: str = "utf-8") -> Path:
    path = Path(name)
    path.write_bytes(text.encode(encoding))
    return path


def outcomes(folder: str = "out") -> list[dict[str, Any]]:
    lines = (Path(folder) / "outcomes.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def summary(folder: str = "out") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "summary.json").read_text("utf-8"))
    return found


def rules_only(*more: object) -> Ran:
    return qc("run", RULEBOOK, "--data", data(RULES_ONLY), "--out", "out", "--no-model", *more)


# What is written


def test_a_run_without_a_model_leaves_what_needs_it_pending() -> None:
    ran = rules_only()
    assert ran.code == 0
    found = outcomes()
    assert [o["key"] for o in found] == ["1", "2", "3", "4"]
    assert [o["status"] for o in found] == ["decided", "decided", "data_missing", "pending"]
    assert [o["verdict"] for o in found] == ["匹配", "不适用", None, None]
    assert all(set(o) == KEYS for o in found)
    assert found[0]["rules"] == ["痔"]
    assert {"field": "手术记录", "quote": "痔切除术"} in found[0]["evidence"]
    assert "4 例" in ran.out


def test_the_summary_adds_up() -> None:
    rules_only()
    found = summary()
    assert found["records"] == 4
    assert sum(found["by_status"].values()) == 4
    assert sum(found["by_verdict"].values()) == found["by_status"]["decided"]
    assert found["by_verdict"] == {"匹配": 1, "不匹配": 0, "不适用": 1}
    assert found["by_rule"]["痔"] == 1
    assert set(found["by_status"]) == {
        "decided", "data_missing", "needs_review", "pending", "error"
    }  # fmt: skip
    assert set(found["model"]) >= MODEL_KEYS
    assert found["model"]["requests"] == 0


def test_results_are_for_their_owner_only() -> None:
    rules_only()
    for path in Path("out").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    names = {path.name for path in Path("out").iterdir()}
    assert names >= {"outcomes.jsonl", "outcomes.xlsx", "summary.json"}
    assert not {name for name in names if "part" in name or name.startswith(".")}


def test_limit_takes_the_first_records() -> None:
    assert rules_only("--limit", "2").code == 0
    assert [o["key"] for o in outcomes()] == ["1", "2"]
    assert summary()["records"] == 2


def test_the_default_folder_is_named_after_the_rulebook() -> None:
    assert qc("run", RULEBOOK, "--data", data(RULES_ONLY), "--no-model").code == 0
    assert Path("out/surgery-consistency/summary.json").exists()


def test_text_in_a_date_column_is_missing_data_and_said() -> None:
    rulebook = RULEBOOK.read_text("utf-8").replace(
        "  住院科室: {", "  入院: {类型: 日期}\n  住院科室: {"
    )
    rulebook = rulebook.replace("规则:\n", "规则:\n  早: 如果 入院 早于 “2020-01-01” 则 不适用\n")
    path = data(rulebook.split("测试:")[0], "dates.yaml")
    table = data(
        "住院号,住院科室,术前术式,手术记录,入院\n1,外科,痔切除术,痔切除术,上周三\n2,外科,痔切除术,痔切除术,2025-01-03\n"
    )
    ran = qc("run", path, "--data", table, "--out", "out", "--no-model")
    assert ran.code == 0
    assert [o["status"] for o in outcomes()] == ["data_missing", "decided"]
    assert "上周三" in ran.err
    assert summary()["unreadable_cells"] == 1


# Bad data and bad usage: exit code 2 and nothing written

BAD_DATA = {
    "missing column": ("住院号,住院科室,术前术试,手术记录\n1,外科,甲,乙\n", "术前术试"),
    "duplicate key": (HEAD + "1,外科,甲,乙\n1,外科,丙,丁\n", "1"),
    "blank key": (HEAD + ",外科,甲,乙\n", "主键"),
    "zero rows": (HEAD, "病例"),
    "empty": ("", ""),
    "NUL": (HEAD + "1,外科,甲\x00,乙\n", ""),
}


@pytest.mark.parametrize("bad", BAD_DATA)
def test_bad_data_is_refused_with_a_reason_and_nothing_is_written(bad: str) -> None:
    text, named = BAD_DATA[bad]
    ran = qc("run", RULEBOOK, "--data", data(text), "--out", "deep/out", "--no-model")
    assert (ran.code, ran.out) == (2, "")
    assert "[QC4" in ran.err
    assert named in ran.err
    assert not Path("deep").exists()


def test_bytes_in_no_encoding_are_refused() -> None:
    Path("data.csv").write_bytes(HEAD.encode() + b"1,\xff\xfe\x81\x20,\xff,\x81\n")
    ran = qc("run", RULEBOOK, "--data", "data.csv", "--out", "out", "--no-model")
    assert (ran.code, ran.out) == (2, "")
    assert "[QC4" in ran.err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-model", "--model", "x.gguf"),
        ("--no-model", "--endpoint", "http://127.0.0.1:1", "--endpoint-model", "m"),
        ("--endpoint", "http://127.0.0.1:1"),
        ("--endpoint-model", "m"),
        ("--model", "x.gguf", "--endpoint", "http://127.0.0.1:1", "--endpoint-model", "m"),
        ("--limit", "0"),
        ("--limit", "many"),
        ("--explain", "some"),
        ("--nonsense",),
        ("--model", "no_such_file.gguf"),
        ("--endpoint", "not a url", "--endpoint-model", "m"),
        ("--data", "no_such_file.csv", "--no-model"),
    ],
)
def test_bad_usage_ends_with_2_and_writes_nothing(arguments: tuple[str, ...]) -> None:
    ran = qc("run", RULEBOOK, "--data", data(RULES_ONLY), "--out", "deep/out", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.strip()
    assert not Path("deep").exists()


def test_a_folder_that_was_there_is_left_alone_when_a_run_cannot_begin() -> None:
    rules_only()
    before = {path: path.read_bytes() for path in Path("out").glob("*.json*")}
    ran = qc("run", RULEBOOK, "--data", data(RULES_ONLY), "--out", "out", "--model", "none.gguf")
    assert ran.code == 2
    assert {path: path.read_bytes() for path in Path("out").glob("*.json*")} == before


# A model behind a service

MANY = HEAD + "".join(f"{n},外科,术式{n},记录{n}\n" for n in range(40))


def by_number(user: str) -> dict[str, float]:
    return {"A": 0.9, "B": 0.1} if "记录1" in user else {"A": 0.05, "B": 0.95}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(by_number) as running:
        yield running


def through(server: ChatServer, *more: object, rulebook: Path = RULEBOOK) -> list[object]:
    endpoint = ["--endpoint", server.url, "--endpoint-model", "counted"]
    return ["run", rulebook, "--data", "data.csv", "--out", "out", *endpoint, *more]


def test_a_model_decides_what_the_rules_leave(server: ChatServer) -> None:
    data(RULES_ONLY + "5,内科,甲,乙\n6,外科,甲,记录1\n")
    assert qc(*through(server)).code == 0
    found = {o["key"]: o for o in outcomes()}
    assert found["4"]["verdict"] == found["5"]["verdict"] == "不匹配"
    assert found["6"]["verdict"] == "匹配"
    assert found["4"]["decided_by"] == "model"
    assert found["4"]["explanation"] == "因为名称所指不同。"
    assert found["6"]["explanation"] is None
    assert found["4"]["confidence"] == pytest.approx(0.95, abs=1e-3)
    model = summary()["model"]
    assert (model["requests"], model["unique_requests"]) == (3, 2)
    assert len(server.asked) == 2
    assert summary()["by_decider"] == {"rule": 2, "model": 3}


def test_the_same_command_asks_nothing_again_and_fresh_asks_all(server: ChatServer) -> None:
    data(MANY)
    assert qc(*through(server)).code == 0
    first = outcomes()
    assert len(server.asked) == 40
    assert summary()["model"]["stored"] == 0
    ran = qc(*through(server))
    assert ran.code == 0
    assert len(server.asked) == 40
    assert outcomes() == first
    assert (summary()["model"]["unique_requests"], summary()["model"]["stored"]) == (40, 40)
    assert "40 例（40 问，其中 40 以前答过）\n" in ran.out
    assert qc(*through(server, "--fresh")).code == 0
    assert len(server.asked) == 80


def test_a_rulebook_with_other_lines_asks_nothing_again(server: ChatServer) -> None:
    data(MANY)
    qc(*through(server))
    text = RULEBOOK.read_text("utf-8").replace("复核线: 0.75", "复核线: 0.99\n  判定线: 0.3")
    stricter = data(text, "stricter.yaml")
    assert qc(*through(server, rulebook=stricter)).code == 0
    assert len(server.asked) == 40
    assert {o["status"] for o in outcomes()} == {"needs_review"}
    assert {o["verdict"] for o in outcomes()} == {None}


def test_one_record_that_fails_ends_with_1_and_the_others_are_judged() -> None:
    def shares(user: str) -> dict[str, float]:
        return {"Z": 1.0} if "记录7" in user else {"A": 1.0, "B": 1e-9}

    with chat_server(shares) as server:
        data(MANY)
        ran = qc(*through(server))
    assert ran.code == 1
    found = {o["key"]: o for o in outcomes()}
    assert (found["7"]["status"], found["7"]["verdict"]) == ("error", None)
    assert found["7"]["explanation"]
    assert sum(o["status"] == "decided" for o in found.values()) == 39


def test_no_server_is_exit_2_with_nothing_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc_runtime.endpoint.backend.Patience", lambda: Patience(tries=1))
    data(RULES_ONLY)
    endpoint = ("--endpoint", "http://127.0.0.1:9/v1", "--endpoint-model", "m")
    ran = qc("run", RULEBOOK, "--data", "data.csv", "--out", "out", *endpoint)
    assert ran.code == 2
    assert "QC511" in ran.err
    assert not Path("out").exists()


def started(server: ChatServer, least: int = 12) -> subprocess.Popen[bytes]:
    """``qc run`` in a process of its own, which has had this many answers."""
    code = "from qc_runtime.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, through(server))]
    process = subprocess.Popen(command, env=environment(QC_LANG="zh"), stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(server.answered) < least:
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_a_run_that_is_killed_goes_on_and_asks_nothing_finished_twice() -> None:
    data(MANY)
    with chat_server(by_number, delay=0.1) as server:
        process = started(server)
        process.kill()
        process.communicate()
        assert not Path("out/outcomes.jsonl").exists()
        with AnswerStore(Path("out") / FILE_NAME) as store:
            finished = len(store)
        assert 0 < finished < 40
        time.sleep(0.3)  # let the server finish what the dead process has asked
        before = len(server.asked)
        assert qc(*through(server)).code == 0
        assert len(server.asked) - before == 40 - finished
        assert len(set(server.asked)) == 40
    assert [o["status"] for o in outcomes()] == ["decided"] * 40


def test_ctrl_c_ends_with_130_and_says_how_to_go_on() -> None:
    data(MANY)
    with chat_server(by_number, delay=0.1) as server:
        process = started(server)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    said = err.decode()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "同一命令" in said
    assert "out" in said
    assert not Path("out/outcomes.jsonl").exists()


def test_two_runs_do_not_share_a_folder() -> None:
    data(MANY)
    with chat_server(by_number, delay=1) as server:
        process = started(server, least=1)
        ran = qc("run", RULEBOOK, "--data", "data.csv", "--out", "out", "--no-model")
        process.kill()
        process.communicate()
    assert ran.code == 2
    assert "[QC6" in ran.err


# From outside


def test_a_user_runs_it_as_a_command() -> None:
    table = data(RULES_ONLY)
    ran = qc_process("run", RULEBOOK, "--data", table, "--out", "out", "--no-model", QC_LANG="en")
    assert (ran.code, ran.err) == (0, "")
    assert len(outcomes()) == 4
