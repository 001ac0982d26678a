"""The summary sheet, made to be printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qc_dsl.lang import tr
from qc_runtime.outcome import Status
from qc_runtime.report.labels import (
    DECIDER,
    FINDINGS_COUNT,
    STATUS,
    account_name,
    accounts_note,
    open_statuses,
    orphans_note,
    rate_name,
)
from qc_runtime.report.styles import Styles, cell_text
from qc_runtime.report.summary import RunInfo

Line = tuple[tuple[str | float, str], ...]  # cells with their styles, from the left
_BLANK: Line = ()


def write_overview(
    book: Any, name: str, summary: Mapping[str, Any], info: RunInfo, styles: Styles
) -> None:
    """Title, what was judged, the indicator, and all counts with their shares."""
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 40)
    sheet.set_column(2, 2, 12)
    for row, line in enumerate(_lines(summary, info)):
        for at, (value, style) in enumerate(line):
            if isinstance(value, str):
                sheet.write_string(row, at, cell_text(value), styles.get(style))
            else:
                sheet.write_number(row, at, value, styles.get(style))
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 1)
    sheet.set_footer(f"&L{_footer(info.title)}&R&P / &N")


def _footer(title: str) -> str:
    return title.replace("&", "&&")[:120]


def _lines(summary: Mapping[str, Any], info: RunInfo) -> Iterable[Line]:
    yield ((info.title, "title"),)
    yield _BLANK
    yield from _identity(info)
    yield _BLANK
    yield from _indicator(summary["rate"], info)
    records = summary["records"]
    statuses = {str(STATUS[Status(name)]): n for name, n in summary["by_status"].items()}
    deciders = {str(DECIDER[name]): n for name, n in summary["by_decider"].items()}
    yield from _counts(tr("结论", "Verdict"), summary["by_verdict"], records)
    yield from _counts(tr("状态", "Status"), statuses, records, total=True)
    yield from _counts(tr("由谁判定", "Decided by"), deciders, records)
    if info.has_findings:
        yield from _accounts(summary["by_rule_status"])
    else:
        yield from _counts(tr("规则（涉及例数）", "Rule (records)"), summary["by_rule"], records)
    if summary["by_department"]:
        yield from _departments(summary["by_department"], info)
    if info.usage:
        yield from _model(summary["model"])


def _identity(info: RunInfo) -> Iterable[Line]:
    period = f"{info.started:%Y-%m-%d %H:%M:%S} – {info.finished:%H:%M:%S}"
    for label, value in (
        (tr("规则集", "Rulebook"), f"{info.id} {info.version}"),
        (tr("依据", "Basis"), info.basis),
        (tr("数据文件", "Data file"), info.data),
        (tr("运行时间", "Run"), period),
        (tr("模型", "Model"), info.model or tr("未使用", "none")),
    ):
        yield ((label, "plain"), (value, "text"))
    for label, count in (
        (tr("病例数", "Records"), info.records),
        (tr("读不出的单元格", "Unreadable cells"), info.problems),
    ):
        yield ((label, "plain"), (count, "count"))
    for one in info.tables:
        if note := orphans_note(one.name, one.orphans, one.keyless):
            yield ((tr("没有计入的行", "Rows left out"), "plain"), (note, "text"))


def _indicator(rate: Mapping[str, Any], info: RunInfo) -> Iterable[Line]:
    """The rate with its numerator and denominator, and how many records are not in it yet."""
    value = rate["value"]
    shown = (value, "big") if value is not None else (tr("无", "none"), "text")
    yield ((tr("指标", "Indicator"), "section"), (str(rate_name(info)), "section"))
    yield ((tr("比率", "Rate"), "plain"), shown)
    yield ((tr("分子", "Numerator"), "plain"), (rate["passed"], "count"))
    yield ((tr("分母", "Denominator"), "plain"), (rate["judged"], "count"))
    yield ((tr("尚未计入（无结论）", "Not in it yet"), "plain"), (rate["open"], "count"))


def _counts(
    heading: str, counts: Mapping[str, int], records: int, total: bool = False
) -> Iterable[Line]:
    yield _BLANK
    yield (
        (heading, "section"),
        (tr("例数", "Records"), "section"),
        (tr("占比", "Share"), "section"),
    )
    for name, count in counts.items():
        yield ((name, "text"), (count, "count"), (count / records if records else 0, "share"))
    if total:
        yield ((tr("合计", "Total"), "plain"), (sum(counts.values()), "count"))


def _accounts(by_rule: Mapping[str, Mapping[str, int]]) -> Iterable[Line]:
    """What every rule came to; each line adds up to the records, findings not counted."""
    yield _BLANK
    names = list(next(iter(by_rule.values()), {}))
    yield (
        (tr("规则", "Rule"), "section"),
        *((account_name(name), "section") for name in names),
    )
    for rule, row in by_rule.items():
        yield ((rule, "text"), *((row[name], "count") for name in names))
    yield ((accounts_note(), "plain"),)


def _departments(by_department: Mapping[str, Mapping[str, Any]], info: RunInfo) -> Iterable[Line]:
    yield _BLANK
    heads = [tr("科室", "Department"), tr("例数", "Records"), *(name for name, _ in info.verdicts)]
    left = open_statuses(by_department)
    heads += [str(STATUS[status]) for status in left]
    heads += [str(FINDINGS_COUNT)] if info.has_findings else []
    heads += [tr("平均分", "Mean score")] if info.has_score else []
    yield tuple((head, "section") for head in heads)
    for name, row in by_department.items():
        counts = [row["records"], *row["by_verdict"].values()]
        counts += [row["by_status"][status.value] for status in left]
        counts += [row["findings"]] if info.has_findings else []
        cells: list[tuple[str | float, str]] = [(name, "text"), *((n, "count") for n in counts)]
        if info.has_score and row["score"]["mean"] is not None:
            cells.append((row["score"]["mean"], "decimal"))
        yield tuple(cells)


def _model(model: Mapping[str, Any]) -> Iterable[Line]:
    yield _BLANK
    yield ((tr("模型用量", "Model usage"), "section"), ("", "section"))
    for label, key, style in (
        (tr("需要模型的病例", "Records asked about"), "requests", "count"),
        (tr("其中不同的问题", "Different questions"), "unique_requests", "count"),
        (tr("其中以前答过的", "Answered before"), "stored", "count"),
        (tr("提示词元（计算）", "Prompt tokens computed"), "prompt_tokens", "count"),
        (tr("提示词元（共用）", "Prompt tokens reused"), "reused_prompt_tokens", "count"),
        (tr("生成词元", "Tokens generated"), "generated_tokens", "count"),
        (tr("回答用时（秒）", "Answering, seconds"), "seconds", "decimal"),
        (tr("载入用时（秒）", "Loading, seconds"), "load_seconds", "decimal"),
        (tr("正在线上、重算的", "Close calls, looked at again"), "second_looks", "count"),
        (tr("重算后不同、交人工的", "Of those, turned: for a person"), "flickers", "count"),
    ):
        yield ((label, "plain"), (model[key], style))
