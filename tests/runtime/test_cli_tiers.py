"""``qc run`` with tiers: what is sent where, what comes back, and what it is said to have cost."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.chat_server import ChatServer, chat_server
from support.qc import Ran, qc
from support.unruly_server import Answer, Server, logprobs, says

RULEBOOK = """规则集: 知情同意记录
编号: consent
版本: 1.0.0
结论: {通过: 已记录, 不通过: 未记录}
病例: {主键: 住院号}
字段:
  住院号: {类型: 文本}
  病程: {标签: 病程记录}
规则:
  门诊: 当病程包含“门诊手术” → 病程包含“知情同意书”即视为已记录
其余:
  问: 病程里记录了知情同意吗？
  答: {是: 已记录, 否: 未记录}
  复核线: 0.9
"""
NOTE = (
    "姓名：张{0}三　病案号：0012{0:04d}　电话：1381234{0:04d}。患者张{0}三，男，"
    "45岁，2024年3月5日10:30入院，拟行腹腔镜胆囊切除术，家属李小红电话010-6512{0:04d}，现住址：杭州市西湖区文三路{0}号。"
    "王建国主任医师查房：术前已谈话。"
)
NUMERALS = "零一二三四五六七八九"
SECRETS = re.compile("张.三|李小红|王建国|0012|1381234|6512|文三路|2024年3月5日")


def note(number: int) -> str:
    return NOTE.format(number).replace(f"张{number}三", f"张{NUMERALS[number]}三")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("QC_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "consent.yaml").write_text(RULEBOOK, "utf-8")
    rows = "".join(f"{n},{note(n)}\n" for n in range(10))
    (tmp_path / "data.csv").write_text(f"住院号,病程\n{rows}", "utf-8")
    return tmp_path


def unsure_of_few(user: str) -> dict[str, float]:
    """Sure of all but the third, fifth and seventh record, least of the fifth."""
    for number, share in ((2, 0.7), (4, 0.55), (6, 0.8)):
        if f"0012{number:04d}" in user:
            return {"A": share, "B": 1 - share}
    return {"A": 0.95, "B": 0.05}


@pytest.fixture
def routine() -> Iterator[ChatServer]:
    with chat_server(unsure_of_few) as running:
        yield running


@pytest.fixture
def heavy() -> Iterator[Server]:
    made = Server()
    made.script = answering
    yield made
    made.close()


def answering(body: dict[str, Any], n: int) -> Answer:
    """“No”, and its reason, quoting what it was sent."""
    if body.get("max_tokens") == 1:
        return logprobs(A=0.02, B=0.98)
    sent = body["messages"][1]["content"]
    quote = re.search(r"患者【姓名1】.*?入院", sent)
    who = "【姓名1】"
    if quote is None:
        quote, who = re.search(r"患者张.三.*?入院", sent), "他"
    assert quote is not None
    reason = f"{who}只有“{quote[0][-16:]}”等，没有同意书。"
    return says(json.dumps({"quote": quote[0], "reason": reason}))


def run(routine: ChatServer, *more: object) -> Ran:
    endpoint = ("--endpoint", routine.url, "--endpoint-model", "small")
    return qc("run", "consent.yaml", "--data", "data.csv", "--out", "out", *endpoint, *more)


def better(heavy: Server, share: float = 0.2) -> tuple[object, ...]:
    return "--heavy", heavy.url, "--heavy-model", "large", "--heavy-share", share


def outcomes() -> dict[str, dict[str, Any]]:
    lines = Path("out/outcomes.jsonl").read_text("utf-8").splitlines()
    return {found["key"]: found for found in map(json.loads, lines)}


def tiers() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path("out/summary.json").read_text("utf-8"))["tiers"]
    return found


def test_what_the_heavy_tier_is_sent_names_nobody_and_its_answer_quotes_the_record(
    routine: ChatServer, heavy: Server
) -> None:
    ran = run(routine, *better(heavy))
    assert ran.code == 0, ran.err
    sent = json.dumps(heavy.seen, ensure_ascii=False)
    assert not SECRETS.search(sent)
    assert "拟行腹腔镜胆囊切除术" in sent
    assert all(SECRETS.search(asked) for asked in routine.asked)  # this machine sees all
    found = outcomes()
    assert [found[key]["verdict"] for key in ("2", "4")] == ["未记录", "未记录"]
    [evidence] = found["4"]["evidence"]
    assert evidence["quote"] in note(4)
    assert evidence["quote"].startswith("患者张四三，男，45岁，2024年3月5日")
    assert "张四三只有" in found["4"]["explanation"]
    assert "3月5日" in found["4"]["explanation"]
    assert found["6"]["status"] == "needs_review"  # the share was used up by less sure ones
    assert "【" not in Path("out/outcomes.jsonl").read_text("utf-8")


def test_shares_and_costs_of_the_tiers_are_told(routine: ChatServer, heavy: Server) -> None:
    ran = run(routine, *better(heavy))
    quick, large, person = tiers()
    assert (quick["name"], quick["asked"], quick["settled"]) == ("routine", 10, 7)
    assert (large["name"], large["model"], large["asked"], large["settled"]) == (
        "heavy", "large", 2, 2,
    )  # fmt: skip
    assert large["share"] == 0.2
    assert large["seconds"] > 0
    assert large["prompt_tokens"] > 0
    assert (person["name"], person["asked"]) == ("person", 1)
    assert "大模型：2 问（20.0%），large，有把握 2" in ran.out
    assert "人工：1 问" in ran.out


def test_the_same_command_asks_no_tier_again(routine: ChatServer, heavy: Server) -> None:
    run(routine, *better(heavy))
    before, asked, sent = outcomes(), len(routine.asked), len(heavy.seen)
    ran = run(routine, *better(heavy))
    assert ran.code == 0
    assert [tier["stored"] for tier in tiers()[:2]] == [10, 2]
    assert "，以前答过 2，" in ran.out
    assert (len(routine.asked), len(heavy.seen)) == (asked, sent)
    assert outcomes() == before
    run(routine, *better(heavy, 0.3))  # one more may go
    assert {body["messages"][1]["content"] for body in heavy.seen[sent:]} != set()
    assert len(routine.asked) == asked
    assert outcomes()["6"]["verdict"] == "未记录"


def test_an_evaluation_takes_the_same_tiers(routine: ChatServer, heavy: Server) -> None:
    rows = "".join(f"{n},{note(n)},已记录\n" for n in range(10))
    Path("data.csv").write_text(f"住院号,病程,标注\n{rows}", "utf-8")
    run_eval = ["eval", "consent.yaml", "--data", "data.csv", "--label", "标注", "--json"]
    run_eval += ["--endpoint", routine.url, "--endpoint-model", "small"]
    ran = qc(*run_eval, *better(heavy))
    assert ran.code == 0, ran.err
    wrong = {one["key"] for one in json.loads(ran.out)["disagreements"]}
    assert wrong >= {"2", "4"}  # where the larger model was asked: it says no
    assert len(heavy.seen) >= 2
    assert not SECRETS.search(json.dumps(heavy.seen, ensure_ascii=False))
    assert "QC611" in qc(*run_eval, "--heavy", heavy.url).err


def test_the_secret_of_the_dates_is_kept_private(routine: ChatServer, heavy: Server) -> None:
    run(routine, *better(heavy))
    [path] = Path("out").glob(".deidentify*")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_a_flag_sends_the_heavy_tier_what_is_written(
    routine: ChatServer, heavy: Server
) -> None:
    assert run(routine, *better(heavy), "--no-deidentify").code == 0
    assert SECRETS.search(json.dumps(heavy.seen, ensure_ascii=False))


def test_the_main_service_is_de_identified_when_that_is_required(routine: ChatServer) -> None:
    assert run(routine, "--deidentify").code == 0
    assert len(routine.asked) == 10
    assert not any(SECRETS.search(asked) for asked in routine.asked)


def test_the_heavy_tier_never_gets_the_other_services_key(
    routine: ChatServer, heavy: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_ENDPOINT_KEY", "sk-small")
    run(routine, *better(heavy))
    assert set(heavy.keys) == {None}
    monkeypatch.setenv("QC_HEAVY_KEY", "sk-large")
    run(routine, *better(heavy, 0.3))
    assert heavy.keys[-1] == "Bearer sk-large"


def test_thinking_comes_before_the_heavy_tier(routine: ChatServer, heavy: Server) -> None:
    ran = run(
        routine, "--think", "auto", "--think-budget", 64, "--think-share", 0.3, *better(heavy)
    )
    assert ran.code == 0
    quick, thinking, large, _ = tiers()
    assert (quick["asked"], thinking["asked"], large["asked"]) == (10, 3, 2)
    assert "思考：3 问（30.0%）" in ran.out


def test_a_heavy_tier_that_is_down_leaves_its_questions_to_a_person(
    routine: ChatServer, heavy: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    heavy.script = lambda body, n: Answer(status=400)
    ran = run(routine, *better(heavy))
    assert ran.code == 0
    assert [outcomes()[key]["status"] for key in ("2", "4", "6")] == ["needs_review"] * 3
    assert tiers()[1]["failed"] == 2


def test_a_heavy_tier_that_refuses_the_key_is_said_and_costs_no_answer(
    routine: ChatServer, heavy: Server
) -> None:
    heavy.script = lambda body, n: Answer(status=401)
    refused = run(routine, *better(heavy))
    assert refused.code == 2
    assert "QC512" in refused.err
    assert "QC_HEAVY_KEY" in refused.err
    assert run(routine).code == 0
    assert len(routine.asked) == 10
    assert outcomes()["4"]["status"] == "needs_review"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--heavy", "http://llm.example.com/v1", "--heavy-model", "m"), "QC513"),
        (("--endpoint", "http://llm.example.com/v1", "--endpoint-model", "m"), "QC513"),
        (("--heavy", "nowhere", "--heavy-model", "m"), "QC510"),
        (("--heavy", "http://127.0.0.1:9/v1"), "QC611"),
        (("--heavy-model", "m"), "QC611"),
        (("--no-model", "--think", "all"), "QC611"),
        (("--no-model", "--heavy", "http://127.0.0.1:9/v1", "--heavy-model", "m"), "QC611"),
        (("--deidentify",), "QC611"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read(
    options: tuple[str, ...], code: str
) -> None:
    ran = qc("run", "consent.yaml", "--data", "none.csv", "--out", "out", *options)
    assert ran.code == 2
    assert code in ran.err
    assert not Path("out").exists()


def test_one_model_alone_has_no_table_of_tiers(routine: ChatServer) -> None:
    ran = run(routine)
    assert [tier["name"] for tier in tiers()] == ["routine", "person"]
    assert "快答" not in ran.out
