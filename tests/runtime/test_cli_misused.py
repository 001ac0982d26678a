"""A command that is written wrongly is answered in the user's language, with what to write."""

from __future__ import annotations

import sys

import pytest

from qc_runtime.cli import main

WRONG = [
    (["rnu"], "没有命令 rnu", "您是否想写“run”", "There is no command rnu"),
    (["model", "pul"], "没有命令 pul", "“pull”", "There is no command pul"),
    (["run", "--limti", "3"], "没有选项 --limti", "“--limit”", "There is no option --limti"),
    (["run"], "缺少 RULEBOOK", "规则集文件", "RULEBOOK is missing"),
    (["run", "甲.yaml"], "缺少 --data", "病例文件", "--data is missing"),
    (
        ["run", "甲.yaml", "--data", "乙.csv", "--explain", "少"],
        "--explain 的值不对",
        "<all|fail|none>：给哪些结论写说明",
        "The value of --explain is wrong: '少' is not one of 'all', 'fail', 'none'",
    ),
    (
        ["run", "甲.yaml", "--data", "乙.csv", "--limit", "0"],
        "--limit 的值不对",
        "[x>=1]",
        "The value of --limit is wrong",
    ),
    (["run", "甲.yaml", "--data"], "选项 --data 后面要写值", "--help", "requires an argument"),
    (["run", "--fresh=1"], "选项 --fresh 不带值", "--help", "does not take a value"),
    (["run", "甲", "乙", "--data", "丙"], "多余的或写错的", "qc run --help", "乙"),
]


def said(arguments: list[str], monkeypatch: pytest.MonkeyPatch, lang: str) -> int:
    monkeypatch.setenv("QC_LANG", lang)
    monkeypatch.setattr(sys, "argv", ["qc", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(("arguments", "zh", "help_", "en"), WRONG)
def test_a_wrong_command_is_named_in_both_languages(
    arguments: list[str],
    zh: str,
    help_: str,
    en: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said(arguments, monkeypatch, "zh") == 2
    shown = capsys.readouterr().err
    assert "错误[QC611]" in shown
    assert zh in shown
    assert help_ in shown
    assert said(arguments, monkeypatch, "en") == 2
    assert en in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["model"], ["cache"], ["audit"]])
def test_without_a_command_the_commands_are_listed(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(arguments, monkeypatch, "zh") == 2
    shown = capsys.readouterr().err
    assert "Commands:" in shown
    assert "QC611" not in shown
