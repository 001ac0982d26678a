"""The table at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qc_dsl.lang import tr
from qc_runtime.outcome import Status
from qc_runtime.report.labels import (
    FINDINGS_COUNT,
    STATUS,
    account_name,
    accounts_note,
    open_statuses,
    orphans_note,
    rate_name,
)
from qc_runtime.report.summary import RunInfo
from qc_runtime.report.tiers import tier_lines

_NAME, _COUNT = 6, 5  # columns on a narrow screen, where headings fold: names, numbers
_DEPARTMENTS = 20  # those shown; summary.json has all
_BAR = 24  # columns of a full bar
_COLOURS = {"pass": "green", "fail": "red", "exclude": "bright_black"} | {
    "needs_review": "yellow",
    "data_missing": "blue",
    "pending": "magenta",
    "error": "bold red",
}


def print_summary(
    console: Console, summary: Mapping[str, Any], info: RunInfo, files: Sequence[object] = ()
) -> None:
    """Print what came out: counts, the indicator, rules, the model's work, and the files."""
    console.print(Text(f"{info.title} {info.version}", style="bold"))
    console.print(Text(_about(summary, info)))
    console.print(_verdicts(console, summary, info))
    console.print(Text(_rate(summary["rate"], info), style="bold"))
    if info.has_findings:
        console.print(_accounts(summary["by_rule_status"]))
        console.print(Text(accounts_note(), style="dim"))
    elif summary["by_rule"]:
        console.print(_rules(summary["by_rule"]))
    if summary["by_department"]:
        console.print(_departments(summary["by_department"], info))
    for line in _notes(summary, info):
        console.print(Text(line))
    for path in files:
        console.print(Text(f"→ {path}"), soft_wrap=True)


def _about(summary: Mapping[str, Any], info: RunInfo) -> str:
    by = summary["by_decider"]
    return tr(
        f"{info.data}：{info.records:,} 例，规则判定 {by['rule']:,}，模型判定 {by['model']:,}",
        f"{info.data}: {info.records:,} records, {by['rule']:,} decided by rules,"
        f" {by['model']:,} by the model",
    )


def _bar(share: float, full: str) -> str:
    return full * (max(1, round(share * _BAR)) if share else 0)


def _verdicts(console: Console, summary: Mapping[str, Any], info: RunInfo) -> Table:
    """Verdicts, then the ways to have none that occurred: together all records."""
    records = summary["records"]
    full = "#" if console.options.ascii_only else "█"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(tr("结论", "Outcome"), overflow="fold")
    table.add_column(tr("例数", "Records"), justify="right", no_wrap=True)
    table.add_column(tr("占比", "Share"), justify="right", no_wrap=True)
    table.add_column("", min_width=_BAR, no_wrap=True)
    for name, tone, count in _outcomes(summary, info):
        share, style = count / records if records else 0.0, _COLOURS.get(tone, "")
        table.add_row(
            Text(name, style), f"{count:,}", f"{share:.1%}", Text(_bar(share, full), style)
        )
    table.add_section()
    table.add_row(tr("合计", "Total"), f"{records:,}", "", "")
    return table


def _outcomes(summary: Mapping[str, Any], info: RunInfo) -> Iterable[tuple[str, str, int]]:
    for name, kind in info.verdicts:
        yield name, kind, summary["by_verdict"][name]
    for status in Status:
        if status is not Status.DECIDED and (count := summary["by_status"][status.value]):
            yield str(STATUS[status]), status.value, count


def _rate(rate: Mapping[str, Any], info: RunInfo) -> str:
    if rate["value"] is None:
        value = tr("尚无可算的病例", "nothing to count yet")
    else:
        value = f"{rate['passed']:,} / {rate['judged']:,} = {rate['value']:.1%}"
    left = rate["open"]
    open_ = tr(f"（{left:,} 例尚未计入）", f" ({left:,} records not in it yet)") if left else ""
    return f"{rate_name(info)}{tr('：', ': ')}{value}{open_}"


def _rules(by_rule: Mapping[str, int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(tr("规则", "Rule"), overflow="fold")
    table.add_column(tr("涉及例数", "Records named"), justify="right", no_wrap=True)
    for rule, count in by_rule.items():
        shown = f"{count:,}" if count else tr("从未用到", "never used")
        table.add_row(Text(rule), Text(shown, "" if count else "dim"))
    return table


_FIRST = ("findings", "records_with_findings")


def _accounts(by_rule: Mapping[str, Mapping[str, int]]) -> Table:
    """What every rule came to; kinds that never occurred are left out."""
    names = dict.fromkeys((*_FIRST, *next(iter(by_rule.values()))))
    shown = [name for name in names if any(row[name] for row in by_rule.values())]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(tr("规则", "Rule"), overflow="fold", min_width=_NAME)
    for name in shown:
        table.add_column(account_name(name), justify="right", overflow="fold", min_width=_COUNT)
    for rule, row in by_rule.items():
        table.add_row(Text(rule), *(f"{row[name]:,}" if row[name] else "" for name in shown))
    return table


def _departments(by_department: Mapping[str, Mapping[str, Any]], info: RunInfo) -> Table:
    """The departments with most records: their verdicts, findings and mean score."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column(tr("科室", "Department"), overflow="fold", min_width=_NAME)
    headings = [tr("例数", "Records"), *(name for name, _ in info.verdicts)]
    left = open_statuses(by_department)
    headings += [str(STATUS[status]) for status in left]
    headings += [str(FINDINGS_COUNT)] if info.has_findings else []
    headings += [tr("平均分", "Mean score")] if info.has_score else []
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold", min_width=_COUNT)
    for name, row in islice(by_department.items(), _DEPARTMENTS):
        table.add_row(Text(name), *_department(row, left, info))
    if (rest := len(by_department) - _DEPARTMENTS) > 0:
        table.add_row(tr(f"另有 {rest} 个科室", f"and {rest} more"))
    return table


def _department(row: Mapping[str, Any], left: Sequence[Status], info: RunInfo) -> list[str]:
    cells = [row["records"], *row["by_verdict"].values()]
    cells += [row["by_status"][status.value] for status in left]
    cells += [row["findings"]] if info.has_findings else []
    shown = [f"{cell:,}" for cell in cells]
    if info.has_score:
        mean = row["score"]["mean"]
        shown.append("—" if mean is None else f"{mean:.1f}")
    return shown


def _notes(summary: Mapping[str, Any], info: RunInfo) -> Iterable[str]:
    if info.problems:
        yield tr(
            f"有 {info.problems:,} 个单元格读不出，按未知处理",
            f"Cells that could not be read, and count as unknown: {info.problems:,}",
        )
    for one in info.tables:
        if note := orphans_note(one.name, one.orphans, one.keyless):
            yield note
    if info.absent:
        listed = "、".join(info.absent)
        yield tr(f"没有给出表：{listed}", f"Tables that were not given: {listed}")
    if info.has_score and (mean := summary["score"]["mean"]) is not None:
        yield tr(f"平均得分 {mean:.1f}", f"Mean score {mean:.1f}")
    if summary["model"]["requests"]:
        yield _model(summary["model"], info)
        yield from tier_lines(summary["tiers"])


def _model(model: Mapping[str, Any], info: RunInfo) -> str:
    """What was asked, and what that took, unless everything had been answered before."""
    asked, stored = model["unique_requests"], model["stored"]
    before = tr(f"，其中 {stored:,} 以前答过", f", {stored:,} answered before") if stored else ""
    about = tr(
        f"模型 {info.model}：{model['requests']:,} 例（{asked:,} 问{before}）",
        f"Model {info.model}: {model['requests']:,} records ({asked:,} asked{before})",
    )
    needed = model["prompt_tokens"] + model["reused_prompt_tokens"]
    tokens = needed + model["generated_tokens"]
    if stored >= asked and not tokens:
        return about
    reused = model["reused_prompt_tokens"] / needed if needed else 0.0
    asked_now = model["requests"] * (asked - stored) / max(asked, 1)
    speed = asked_now / model["seconds"] if model["seconds"] else 0.0
    return about + tr(
        f"，{model['seconds']:.1f} 秒，{speed:.2f} 例/秒，"
        f"{tokens:,} 词元（提示 {reused:.0%} 共用）",
        f", {model['seconds']:.1f} s, {speed:.2f}/s, {tokens:,} tokens ({reused:.0%} reused)",
    )
