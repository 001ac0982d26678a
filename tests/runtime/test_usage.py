"""The usage log, what it adds up to, and what that costs."""

from __future__ import annotations

import json
import re
import stat
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from qc_dsl.errors import QcError
from qc_runtime.scripted import ScriptedBackend
from qc_runtime.usage.costs import Costs, Option, cost_of, read_costs
from qc_runtime.usage.log import Line, Meter, append, read, usage_path
from qc_runtime.usage.report import usage_report
from support.qc import qc

NOW = datetime.fromisoformat("2026-03-03T08:00:00+08:00")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QC_LANG", "zh")
    monkeypatch.setenv("QC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("QC_AUDIT", str(tmp_path / "data" / "audit.jsonl"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Hours:
    def __init__(self, start: str) -> None:
        self.time = datetime.fromisoformat(start)

    def __call__(self) -> datetime:
        return self.time


def test_an_hour_has_its_line_when_it_is_over_and_the_last_one_at_the_end() -> None:
    now, path = Hours("2026-03-02T22:50:00+08:00"), usage_path()
    backend = ScriptedBackend(lambda request: "A")
    with Meter("rb", path, pytest.fail, now) as meter:
        connect = meter.watching(lambda: backend)
        assert connect
        assert connect() is backend
        for _ in range(3):
            meter.tick()
            backend.counters.prompt_tokens += 10
        now.time += timedelta(minutes=15)
        meter.tick()
        assert [line.computed for line in read(path)] == [3]
        backend.counters.prompt_tokens += 5
        meter.ended(100, 7)
    first, last = read(path)
    assert (first.hour, first.prompt_tokens) == ("2026-03-02T22:00:00+08:00", 30)
    assert (last.hour, last.prompt_tokens) == ("2026-03-02T23:00:00+08:00", 5)
    assert (first.records, last.records, last.needed) == (None, 100, 7)
    assert first.run == last.run
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_run_that_is_stopped_has_its_line_too() -> None:
    def stopped() -> None:
        with Meter("rb", usage_path(), pytest.fail) as meter:
            meter.tick()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    (line,) = read(usage_path())
    assert (line.computed, line.records) == (1, None)


def test_a_log_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    said: list[OSError] = []
    with Meter("rb", usage_path(), said.append) as meter:
        meter.tick()
    assert len(said) == 1


def test_torn_and_foreign_lines_are_left_out() -> None:
    path = usage_path()
    append(path, Line("2026-03-02T22:00:00+08:00", "r1", "rb", 1))
    with path.open("a") as file:
        file.write('[1]\n{"hour": "soon"}\n{"hour": "2026-03-02T22:00:00+08:00", "run": "r')
    append(path, Line("2026-03-02T23:00:00+08:00", "r1", "rb", 2))
    assert [line.computed for line in read(path)] == [1, 2]
    later = datetime.fromisoformat("2026-03-02T22:30:00+08:00")
    assert [line.computed for line in read(path, later)] == [2]


def night() -> list[Line]:
    """A run over two hours: 1,000 records, 40 questions of 100 tokens, most of them shared."""
    return [
        Line("2026-03-02T22:00:00+08:00", "r1", "rb", 10, 200, 700, 100, 60.0),
        Line("2026-03-02T23:00:00+08:00", "r1", "rb", 30, 600, 2100, 300, 180.0, 1000, 50),
    ]


def test_before_is_every_record_with_its_whole_prompt() -> None:
    report = usage_report(night(), NOW)
    assert report.total.requests_before == pytest.approx(1000)
    assert report.total.requests_after == 40
    assert report.total.tokens_before == pytest.approx(1000 * 100)
    assert report.total.tokens_after == 1200
    assert report.hours[22].requests_before == pytest.approx(250)  # by what each hour computed
    assert report.hours[23].requests_before == pytest.approx(750)
    assert report.hours[8].requests_before == 0
    assert (report.runs, report.records, report.seconds) == (1, 1000, 240.0)


def test_a_run_from_stored_answers_counts_at_the_size_last_seen() -> None:
    again = Line("2026-03-03T01:00:00+08:00", "r2", "rb", 0, 0, 0, 0, 0.0, 1000, 50)
    report = usage_report([*night(), again], NOW)
    assert report.hours[1].tokens_before == pytest.approx(1000 * 100)
    assert report.hours[1].tokens_after == 0


def test_records_of_a_stopped_run_count_with_the_run_that_ends_the_work() -> None:
    stopped = Line("2026-03-02T21:00:00+08:00", "r0", "rb", 5, 100, 350, 50, 30.0)
    report = usage_report([stopped, *night()], NOW)
    assert report.total.requests_before == pytest.approx(1000)
    assert report.total.requests_after == 45


# Costs


def test_the_hospitals_figures_are_the_built_in_ones() -> None:
    costs = read_costs(None)
    small, large = costs.options
    assert (small.deploy, small.power_per_month) == ((220_000, 220_000), (280, 280))
    assert (large.deploy, large.power_per_month) == ((3_500_000, 7_000_000), (4_480, 8_960))


def test_costs_by_the_thousand_and_months_to_break_even() -> None:
    option = Option("x", (60_000, 60_000), (1_000, 1_000))
    costs = Costs("元", 60, (option,), manual_per_record=2.0)
    cost = cost_of(option, costs, 2_000)
    assert cost.per_month == (2_000, 2_000)
    assert cost.per_thousand == (1_000, 1_000)
    assert cost.break_even == (20, 20)  # 60,000 / (4,000 - 1,000)
    assert cost_of(option, costs, 500).break_even is None  # people are as cheap as the power
    assert cost_of(option, Costs("元", 60, (option,)), 2_000).break_even is None


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "options: []", "options: [{name: a, deploy: -1, power_per_month: 1}]", "a: [",
     "options: [{name: a, deploy: 1, power_per_month: 1, typo: 2}]",
     "options: [{name: a, deploy: [1, 2, 3], power_per_month: 1}]",
     "options: [{name: a, deploy: [1, x], power_per_month: 1}]"],
)  # fmt: skip
def test_a_cost_file_that_is_none_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "cost.yaml").write_text(text)
    with pytest.raises(QcError) as error:
        read_costs(tmp_path / "cost.yaml")
    [said] = error.value.diagnostics
    assert said.code == "QC631"
    assert re.search("[一-鿿]", said.message.zh.removeprefix("成本文件不能用")) or text == "a: ["


# The command


def recent() -> None:
    hour = datetime.now().astimezone().replace(minute=0, second=0, microsecond=0)
    for line, ago in zip(night(), (3, 2), strict=True):
        said = {**vars(line), "hour": (hour - timedelta(hours=ago)).isoformat()}
        append(usage_path(), Line(**said))


def test_usage_in_the_terminal_and_as_a_picture_that_fetches_nothing(tmp_path: Path) -> None:
    recent()
    (tmp_path / "cost.yaml").write_text(
        "options: [{name: 本院, deploy: 60000, power_per_month: 100}]\nmanual_per_record: 3\n"
    )
    ran = qc("usage", "--svg", "u.svg", "--cost", "cost.yaml")
    assert ran.code == 0
    assert "1,000" in ran.out
    assert "本院" in ran.out
    picture = (tmp_path / "u.svg").read_text("utf-8")
    ElementTree.fromstring(picture)
    assert "本院" in picture
    assert picture.replace("http://www.w3.org/2000/svg", "").count("http") == 0


def test_usage_as_json_and_of_a_time_without_any() -> None:
    recent()
    said = json.loads(qc("usage", "--json").out)
    assert said["total"]["requests_after"] == 40
    assert len(said["hours"]) == 24
    assert "QC632" in qc("usage", "--since", "1h").err
    assert "QC611" in qc("usage", "--since", "neulich").err


def test_a_run_leaves_its_line_and_no_record_text(tmp_path: Path) -> None:
    rules = Path(__file__).parents[1] / "cases" / "surgery_rules.yaml"
    text = "住院号,住院科室,术前术式,手术记录\n1,外科,痔切除术,外痔切除术\n2,外科,甲,乙\n"
    (tmp_path / "d.csv").write_text(text, "utf-8")
    assert qc("run", rules, "--data", "d.csv", "--no-model", "--window", "1:00-1:00").code == 0
    (line,) = read(usage_path())
    assert (line.computed, line.records, line.needed) == (0, 2, 0)
    assert "痔" not in usage_path().read_text("utf-8")
    assert "QC611" in qc("run", rules, "--data", "d.csv", "--window", "nachts").err
