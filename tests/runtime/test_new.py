"""``qc new``: starter rulebooks that hold what they promise, and nothing of a patient."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qc_runtime.cli import app
from support.qc import qc, qc_process

SECRET = "张某某自诉三天前摔伤右腕"  # stands for a patient's text
HEAD = ("住院号", "住院科室", "入院途径", "主诉", "间隔", "1级护理", "入院时间", "手术时间", "年龄")


def _cases(path: Path, rows: int = 40) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for n in range(rows):
            way = ("急诊", "门诊")[n % 2]
            time = f"2025-01-{n % 28 + 1:02} 08:00"
            writer.writerow([f"Z{n:04}", "骨科", way, f"{SECRET}{n}", n, "是", time, time, 20 + n])
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return _cases(tmp_path / "出院病例.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    _cases(folder / "病例.csv")
    (folder / "医嘱.csv").write_text(
        "医嘱号,住院号,开始时间,药品\n1,Z0001,2025-01-03 08:00,甲\n2,Z0002,2025-01-04 09:00,乙\n",
        "utf-8",
    )
    (folder / "病程.csv").write_text("住院号,记录时间,主诉\nZ0001,2025-01-03 10:00,头痛\n", "utf-8")
    return folder


def _holds(path: Path) -> None:
    """The rulebook is free of mistakes and of warnings, and its three tests pass."""
    checked = qc("check", path, "--format", "json")
    assert (checked.code, json.loads(checked.out)["diagnostics"]) == (0, []), checked.out
    tested = qc("test", path, "--no-model")
    assert (tested.code, tested.err) == (0, ""), path.read_text("utf-8") + tested.out
    assert "3" in tested.out


_FLAGS: list[list[str]] = [
    [],
    ["--same", "主诉,住院科室"],
    ["--mentions", "主诉,时间|地点"],
    ["--written", "主诉", "--same", "主诉,住院科室", "--mentions", "主诉,时间"],
    ["--same", "年龄,间隔"],
    ["--same", "入院途径,住院科室", "--list-values"],
    ["--written", "1级护理", "--written", "间隔"],
    ["--within", "入院时间,手术时间,30 分钟", "--within", "手术时间,入院时间,2天"],
    ["--department", "入院途径", "--key", "住院号", "--title", "a: b # c", "--written", "主诉"],
]


@pytest.mark.parametrize("flags", _FLAGS, ids=" ".join)
def test_a_starter_passes_check_and_its_own_tests(
    chinese: None, data: Path, tmp_path: Path, flags: list[str]
) -> None:
    out = tmp_path / "new.yaml"
    ran = qc("new", "--data", data, "--out", out, "--yes", *flags)
    assert (ran.code, ran.err) == (0, "")
    _holds(out)
    assert "摔" not in out.read_text("utf-8")


def test_a_starter_in_english(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("QC_LANG", "en")
    out = tmp_path / "new.yaml"
    flags = ["--written", "主诉", "--within", "入院时间,手术时间,2 days", "--mentions", "主诉,a|b"]
    assert qc("new", "--data", data, "--out", out, "--yes", *flags).err == ""
    _holds(out)
    text = out.read_text("utf-8")
    assert "must 手术时间 within 2 days after 入院时间, else defect" in text


_TABLE_FLAGS: list[list[str]] = [
    ["--written", "医嘱.药品"],
    ["--within", "医嘱.开始时间,病程.记录时间,3天"],
    ["--within", "入院时间,病程.记录时间,8小时"],
    ["--within", "入院时间,手术时间,8小时", "--within", "手术时间,医嘱.开始时间,1周"],
    ["--mentions", "病程.主诉,发热|咳嗽", "--mentions", "主诉,摔伤"],
]


@pytest.mark.parametrize("flags", _TABLE_FLAGS, ids=" ".join)
def test_a_starter_about_related_tables(
    chinese: None, folder: Path, tmp_path: Path, flags: list[str]
) -> None:
    out = tmp_path / "new.yaml"
    assert qc("new", "--data", folder, "--out", out, "--yes", *flags).err == ""
    _holds(out)


def test_a_starter_judges_the_data_it_was_written_from(
    chinese: None, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new.yaml"
    flags = ["--within", "医嘱.开始时间,病程.记录时间,3天", "--written", "间隔"]
    assert qc("new", "--data", folder, "--out", out, "--yes", *flags).err == ""
    run = qc("run", out, "--data", folder, "--no-model", "--out", tmp_path / "out")
    assert (run.code, run.err) == (0, ""), run.out


def test_a_starter_without_data(lang: str, tmp_path: Path) -> None:
    out = tmp_path / "a" / "new.yaml"
    assert qc("new", "--yes", "--out", out).code == 0
    _holds(out)


def test_a_file_that_is_there_is_never_overwritten(chinese: None, data: Path) -> None:
    out = data.with_name("mine.yaml")
    out.write_text("我的", "utf-8")
    ran = qc("new", "--data", data, "--yes", "--out", out)
    assert ran.code == 2
    assert "不覆盖" in ran.err
    assert out.read_text("utf-8") == "我的"


def test_types_come_with_their_reasons(chinese: None, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.yaml"
    qc("new", "--data", data, "--yes", "--out", out, "--within", "入院时间,手术时间,48小时")
    lines = out.read_text("utf-8").splitlines()
    assert "  入院时间: {类型: 时间}  # 28 种值都是时间" in lines
    assert "  # 年龄: {类型: 数字}  # 40 种值都是数字" in lines
    assert any(line.startswith("  # 主诉: {}  # 40 种文字") for line in lines)


def test_values_of_categories_are_written_only_when_allowed(
    chinese: None, data: Path, tmp_path: Path
) -> None:
    for flags, listed in ([], False), (["--list-values"], True):
        out = tmp_path / f"{listed}.yaml"
        qc("new", "--data", data, "--yes", "--out", out, "--written", "入院途径", *flags)
        text = out.read_text("utf-8")
        assert ("急诊" in text) is listed
        assert ("值: [急诊, 门诊]" in text) is listed
        assert SECRET not in text
        assert "Z0001" not in text


_BAD = [
    (["--written", "主速"], "您是否想写“主诉”"),
    (["--same", "主诉"], "2 部分"),
    (["--same", "主诉,医嘱.药品"], "没有列"),
    (["--same", "主诉,主诉"], "不同的列"),
    (["--within", "入院时间,手术时间,很快"], "不是时限"),
    (["--mentions", "主诉,"], "2 部分"),
    (["--mentions", "主诉,“甲"], "用 | 隔开"),
    (["--key", "没有"], "没有列“没有”"),
]


@pytest.mark.parametrize(("flags", "said"), _BAD)
def test_options_that_do_not_fit_are_said(
    chinese: None, data: Path, tmp_path: Path, flags: list[str], said: str
) -> None:
    out = tmp_path / "new.yaml"
    ran = qc("new", "--data", data, "--yes", "--out", out, *flags)
    assert ran.code == 2
    assert said in ran.err
    assert not out.exists()


def test_a_file_without_a_header_is_refused_and_not_shown(chinese: None, tmp_path: Path) -> None:
    data = tmp_path / "a.csv"
    data.write_text("10001,2025-01-01,张三\n10002,2025-01-02,李四\n", "utf-8")
    ran = qc("new", "--data", data, "--yes", "--out", tmp_path / "new.yaml")
    assert ran.code == 2
    assert "列名" in ran.err
    assert "张三" not in ran.err + ran.out


def test_the_questions_in_chinese(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("QC_LANG", "zh")
    out = tmp_path / "new.yaml"
    answers = [
        "医嘱质控", "没有这列", "住院号", "住院科室",
        "1", "医嘱.药品", "3", "医嘱.开始时间", "病程.记录时间", "3天", "4", "主诉", "摔伤|跌倒",
        "2", "主诉", "入院途径", "0", "n",
    ]  # fmt: skip
    given = "\n".join(answers) + "\n"
    ran = CliRunner().invoke(app, ["new", "--data", str(folder), "--out", str(out)], input=given)
    assert ran.exit_code == 0, ran.output
    assert "没有这一列" in ran.output
    text = out.read_text("utf-8")
    assert "规则集: 医嘱质控" in text
    assert "急诊" not in text
    assert "在 医嘱.开始时间 后 3 天内" in text
    _holds(out)


def test_the_first_enters_take_the_defaults(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("QC_LANG", "en")
    out = tmp_path / "new.yaml"
    given = "\n\n\n1\n主诉\n\ny\n"
    ran = CliRunner().invoke(app, ["new", "--data", str(data), "--out", str(out)], input=given)
    assert ran.exit_code == 0, ran.output
    _holds(out)


def test_answers_that_end_early_write_nothing(chinese: None, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.yaml"
    ran = qc_process("new", "--data", data, "--out", out, cwd=tmp_path, QC_LANG="zh")
    assert ran.code == 2
    assert "没有回答完" in ran.err
    assert not out.exists()
