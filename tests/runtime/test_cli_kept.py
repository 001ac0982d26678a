"""What runs leave behind: answers for the next run, and a line in the audit log."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qc_runtime.cache import cache_path
from qc_runtime.locks import try_lock
from support.chat_server import ChatServer, chat_server
from support.qc import Ran, qc
from support.tables import write_folder

TESTS = Path(__file__).parents[1]
RULEBOOK = TESTS / "cases" / "surgery_rules.yaml"
DATA = "住院号,住院科室,术前术式,手术记录,期望\n" + "".join(
    f"{n},外科,术式{n},记录{n},匹配\n" for n in range(20)
)
SECRET = "sk-very-secret"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_AUDIT", str(tmp_path / "log" / "audit.jsonl"))
    monkeypatch.setenv("QC_ENDPOINT_KEY", SECRET)
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(DATA, "utf-8")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda user: {"A": 0.9, "B": 0.1}) as running:
        yield running


def asking(server: ChatServer, command: str, *more: object, rulebook: Path = RULEBOOK) -> Ran:
    endpoint = ("--endpoint", server.url, "--endpoint-model", "counted")
    return qc(command, rulebook, "--data", "data.csv", *endpoint, *more)


def run(server: ChatServer, out: str, *more: object, rulebook: Path = RULEBOOK) -> Ran:
    return asking(server, "run", "--out", out, *more, rulebook=rulebook)


def changed(old: str, new: str) -> Path:
    text = RULEBOOK.read_text("utf-8")
    assert old in text
    Path("changed.yaml").write_text(text.replace(old, new), "utf-8")
    return Path("changed.yaml")


def entries() -> list[dict[str, Any]]:
    lines = Path(os.environ["QC_AUDIT"]).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


# The shared cache


def test_another_folder_asks_nothing_again(server: ChatServer) -> None:
    assert run(server, "one").code == 0
    assert len(server.asked) == 20
    assert run(server, "two").code == 0
    assert len(server.asked) == 20
    one, two = (Path(out, "outcomes.jsonl").read_bytes() for out in ("one", "two"))
    assert one == two


def test_a_new_version_of_the_rulebook_asks_nothing_again(server: ChatServer) -> None:
    run(server, "one")
    run(server, "two", rulebook=changed("复核线: 0.75", "复核线: 0.7"))
    assert len(server.asked) == 20


def test_what_the_cache_answered_is_the_folders_own_from_then_on(server: ChatServer) -> None:
    run(server, "one")
    run(server, "two")
    cache_path().unlink()
    run(server, "two", "--no-cache")
    assert len(server.asked) == 20


def test_no_cache_neither_reads_nor_writes_it(server: ChatServer) -> None:
    run(server, "one", "--no-cache")
    assert not cache_path().exists()
    run(server, "two")
    run(server, "three", "--no-cache")
    assert len(server.asked) == 60


def test_fresh_asks_again_and_renews_the_cache(server: ChatServer) -> None:
    run(server, "one")
    run(server, "one", "--fresh")
    assert len(server.asked) == 40
    run(server, "two")
    assert len(server.asked) == 40


def test_eval_keeps_its_answers_there(server: ChatServer) -> None:
    assert asking(server, "eval", "--label", "期望").code == 0
    assert asking(server, "eval", "--label", "期望").code == 0
    assert len(server.asked) == 20
    assert asking(server, "eval", "--label", "期望", "--no-cache").code == 0
    assert len(server.asked) == 40


def test_a_rulebooks_own_tests_keep_theirs_there(server: ChatServer) -> None:
    path = changed("术前术式: 痔切除术", "术前术式: 肛裂切除术")
    path.write_text(path.read_text("utf-8").replace(", 依: 痔", ""), "utf-8")
    endpoint = ("--endpoint", server.url, "--endpoint-model", "m")
    for more, asked in (((), 1), ((), 1), (("--no-cache",), 2)):
        assert qc("test", path, *endpoint, *more).code == 0
        assert len(server.asked) == asked


def test_a_cache_that_cannot_be_used_stops_no_run_and_is_said_once(server: ChatServer) -> None:
    Path("cache").mkdir()
    Path("cache/answers").write_text("a file where the folder should be")
    ran = run(server, "one")
    assert ran.code == 0
    assert ran.err.count("QC621") == 1
    assert "不用它继续" in ran.err
    assert len(server.asked) == 20
    assert qc("cache", "show").code == 2


def test_rules_alone_open_no_cache() -> None:
    assert qc("run", RULEBOOK, "--data", "data.csv", "--out", "one", "--no-model").code == 0
    assert not cache_path().exists()


# qc cache


def test_the_cache_is_shown(server: ChatServer) -> None:
    assert "0 条回答" in qc("cache", "show").out
    run(server, "one")
    run(server, "two")
    shown = qc("cache", "show").out
    assert "20 条回答" in shown
    assert "命中 20 次" in shown
    found = json.loads(qc("cache", "show", "--json").out)
    assert (found["answers"], found["hits"]) == (20, 20)
    [model] = found["models"]
    assert "counted" in model["identity"]
    assert found["size"] > 20 * 100


def test_the_cache_is_pruned_by_age_size_and_model(server: ChatServer) -> None:
    run(server, "one")
    assert "会清理 20 条" in qc("cache", "prune", "--max-size", "1KB", "--dry-run").out
    assert "已清理 0 条" in qc("cache", "prune", "--older-than", "90d").out
    assert "已清理 0 条" in qc("cache", "prune", "--max-size", "1GB").out
    assert "已清理 0 条" in qc("cache", "prune", "--model", "other").out
    assert "已清理 20 条" in qc("cache", "prune", "--model", "Counted").out
    run(server, "two")
    assert len(server.asked) == 40


@pytest.mark.parametrize(
    "arguments",
    [(), ("--older-than", "old"), ("--older-than", "90"), ("--max-size", "big"),
     ("--max-size", "-1GB"), ("--older-than", "-3d")],
)  # fmt: skip
def test_what_cannot_be_pruned_is_usage(arguments: tuple[str, ...]) -> None:
    ran = qc("cache", "prune", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "QC611" in ran.err


def test_the_cache_is_carried_to_another_machine(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(server, "one")
    assert qc("cache", "export", "answers.jsonl").code == 0
    assert stat.S_IMODE(Path("answers.jsonl").stat().st_mode) == 0o600
    monkeypatch.setenv("QC_CACHE", "another")
    assert "加入 20 条" in qc("cache", "import", "answers.jsonl").out
    run(server, "two")
    assert len(server.asked) == 20


def test_a_file_that_cannot_be_imported_is_named() -> None:
    ran = qc("cache", "import", "none.jsonl")
    assert ran.code == 2
    assert "none.jsonl" in ran.err
    assert "QC622" in qc("cache", "import", "data.csv").err


# The audit log


def test_a_run_is_one_line_that_says_who_ran_what_on_what(server: ChatServer) -> None:
    run(server, "one")
    [entry] = entries()
    assert entry["command"] == "run"
    assert entry["rulebook"]["path"] == str(RULEBOOK)
    assert entry["rulebook"]["sha256"] == qc("compile", RULEBOOK, "--emit", "digest").out.strip()
    sha256 = hashlib.sha256(DATA.encode()).hexdigest()
    assert entry["data"] == [{"path": str(Path("data.csv").absolute()), "sha256": sha256}]
    assert "counted" in entry["model"][0]
    assert entry["status"] == {"decided": 20}
    assert entry["end"] == "done"
    assert entry["user"]
    assert entry["host"]
    assert qc("audit", "verify").code == 0


def test_there_is_no_records_text_and_no_key_in_it(server: ChatServer) -> None:
    run(server, "one")
    text = Path(os.environ["QC_AUDIT"]).read_text("utf-8")
    assert "术式" not in text
    assert "记录1" not in text
    assert SECRET not in text


def test_an_edited_rulebook_has_another_hash_and_a_moved_one_the_same(server: ChatServer) -> None:
    text = RULEBOOK.read_text("utf-8")
    for name, content in (
        ("a.yaml", text), ("b.yaml", text), ("c.yaml", text.replace("0.75", "0.7")),
    ):  # fmt: skip
        Path(name).write_text(content, "utf-8")
        run(server, "one", rulebook=Path(name))
    a, b, c = (entry["rulebook"]["sha256"] for entry in entries())
    assert a == b != c


def test_eval_and_a_run_by_rules_have_their_lines_too(server: ChatServer) -> None:
    qc("run", RULEBOOK, "--data", "data.csv", "--out", "one", "--no-model")
    asking(server, "eval", "--label", "期望")
    first, second = entries()
    assert (first["command"], first["model"], first["status"]) == ("run", [], {"pending": 20})
    assert (second["command"], second["status"]) == ("eval", {"decided": 20})
    assert qc("audit", "verify").code == 0


def test_tables_are_hashed_as_well() -> None:
    folder = write_folder(Path("data"))
    qc("run", TESTS / "cases" / "orders.yaml", "--data", folder, "--out", "one", "--no-model")
    [entry] = entries()
    wanted = {str(path.absolute()): path.read_bytes() for path in folder.iterdir()}
    assert {one["path"]: one["sha256"] for one in entry["data"]} == {
        path: hashlib.sha256(content).hexdigest() for path, content in wanted.items()
    }


def test_a_run_that_fails_has_its_line() -> None:
    ran = qc("run", RULEBOOK, "--data", "data.csv", "--out", "one", "--model", "none.gguf")
    assert ran.code == 2
    [entry] = entries()
    assert (entry["end"], entry["status"]) == ("failed", {})


def test_a_run_whose_line_cannot_be_written_says_so_and_ends_with_1(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_AUDIT", str(Path("data.csv") / "audit.jsonl"))
    ran = run(server, "one")
    assert ran.code == 1
    assert "[QC623]" in ran.err
    assert Path("one/outcomes.jsonl").exists()
    assert asking(server, "eval", "--label", "期望").code == 1


def test_a_changed_line_is_named(server: ChatServer) -> None:
    for _ in range(3):
        run(server, "one")
    path = Path(os.environ["QC_AUDIT"])
    path.write_text(path.read_text("utf-8").replace('"decided":20', '"decided":19', 1), "utf-8")
    ran = qc("audit", "verify")
    assert ran.code == 1
    assert f"{path}:1: 断开: 被改过" in ran.out
    assert qc("audit", "verify", path).code == 1


def test_a_hash_kept_elsewhere_is_asked_for(server: ChatServer) -> None:
    run(server, "one")
    kept = entries()[0]["sha256"]
    assert kept in qc("audit", "verify").out
    assert qc("audit", "verify", "--expect", kept).code == 0
    assert qc("audit", "verify", "--expect", "0" * 64).code == 1


def test_the_log_is_shown(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for _ in range(3):
        run(server, "one")
    shown = qc("audit", "show", "--last", "2").out
    assert "surgery-consistency" in shown
    assert shown.count("surgery-consistency") == 2
    Path(os.environ["QC_AUDIT"]).write_text('{"status": 3, "rulebook": [], "model": 7}\n\n[]\n')
    assert qc("audit", "show").code == 0


def test_no_log_is_said() -> None:
    for command in ("show", "verify"):
        ran = qc("audit", command)
        assert (ran.code, ran.out) == (2, "")
        assert "QC624" in ran.err


def test_two_evals_do_not_share_a_place_for_tables() -> None:
    folder = write_folder(Path("data"))
    Path("labels.jsonl").write_text('{"key": "1", "rules": []}\n', "utf-8")
    book = TESTS / "cases" / "orders.yaml"
    command = ("eval", book, "--data", folder, "--labels", "labels.jsonl", "--no-model")
    assert qc(*command).code == 0
    (lock,) = Path("cache/tables").glob("*.lock")
    with lock.open("ab") as file:
        assert try_lock(file)
        ran = qc(*command)
    assert (ran.code, ran.out) == (2, "")
    assert "QC601" in ran.err
    assert qc(*command).code == 0
