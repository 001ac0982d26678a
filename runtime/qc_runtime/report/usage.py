"""Usage for people: hours of the day before and after as bars, and what it costs.

The picture is the same page as SVG, drawn by rich; it names no font or file of another place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qc_dsl.lang import tr

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from qc_runtime.usage.costs import Cost, Range
    from qc_runtime.usage.report import UsageReport

_BAR = 22  # columns
_WIDTH = 100  # columns of the picture
_BEFORE, _AFTER = "yellow", "green"
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: "Sarasa Mono SC", "Noto Sans Mono CJK SC", Consolas,
"Microsoft YaHei", monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def print_usage(
    console: Console, report: UsageReport, costs: Sequence[Cost], currency: str
) -> None:
    """The page on a terminal."""
    for part in _page(report, costs, currency):
        console.print(part)


def usage_svg(report: UsageReport, costs: Sequence[Cost], currency: str) -> str:
    """The page as a picture."""
    import io

    from rich.console import Console
    from rich.terminal_theme import DIMMED_MONOKAI

    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    print_usage(console, report, costs, currency)
    title = tr("用量：逐小时的前后对比", "Usage by hour, before and after")
    return console.export_svg(title=title, theme=DIMMED_MONOKAI, code_format=_SVG, unique_id="qc")


def _page(report: UsageReport, costs: Sequence[Cost], currency: str) -> list[RenderableType]:
    hours: list[RenderableType] = [
        _summary(report),
        _hours(report, tokens=False),
        _hours(report, tokens=True),
    ]
    return [*hours, _costs(costs, currency)] if costs else hours


def _summary(report: UsageReport) -> str:
    total, hours = report.total, report.seconds / 3600
    fewer = _ratio(total.requests_before, total.requests_after)
    less = _ratio(total.tokens_before, total.tokens_after)
    return tr(
        f"{report.runs} 次运行，{report.records:,} 份病历，模型工作 {hours:.1f} 小时。"
        f"逐份询问要 {total.requests_before:,.0f} 次，实际 {total.requests_after:,} 次{fewer}；"
        f"词元 {total.tokens_before:,.0f} → {total.tokens_after:,}{less}",
        f"{report.runs} runs, {report.records:,} records, {hours:.1f} hours of the model. "
        f"A plain loop: {total.requests_before:,.0f} requests, really {total.requests_after:,}"
        f"{fewer}; tokens {total.tokens_before:,.0f} → {total.tokens_after:,}{less}",
    )


def _ratio(before: float, after: float) -> str:
    if not before or not after:
        return ""
    times = f"{before / after:.1f}"
    return tr(f"（{times} 倍）", f" ({times} times)")


def _hours(report: UsageReport, *, tokens: bool) -> Table:
    """A row for every hour of the day that has something, with two bars."""
    from rich.table import Table

    title = tr("词元（读和写）", "tokens, read and written") if tokens else tr("请求", "requests")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(tr("时", "hour"), justify="right")
    for name in (tr("逐份询问", "plain loop"), tr("实际", "really")):
        table.add_column(name)
        table.add_column("", justify="right")
    pairs = [
        (hour.tokens_before, hour.tokens_after)
        if tokens
        else (hour.requests_before, hour.requests_after)
        for hour in report.hours
    ]
    most = max((max(pair) for pair in pairs), default=0.0)
    for number, pair in enumerate(pairs):
        if any(pair):
            cells = zip(pair, (_BEFORE, _AFTER), strict=True)
            bars = [part for count, colour in cells for part in _bar(count, most, colour)]
            table.add_row(f"{number:02}", *bars)
    return table


def _bar(count: float, most: float, colour: str) -> tuple[RenderableType, str]:
    from rich.bar import Bar

    return Bar(max(most, 1.0), 0, count, width=_BAR, color=colour), f"{count:,.0f}"


def _costs(costs: Sequence[Cost], currency: str) -> Table:
    from rich.table import Table

    title = tr("成本", "cost")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(tr("方案", "option"))
    for name in (
        tr(f"每月（{currency}）", f"a month ({currency})"),
        tr("每千份病历", "per 1,000 records"),
        tr("几个月回本", "months to break even"),
    ):
        table.add_column(name, justify="right")
    for cost in costs:
        even = _range(cost.break_even, 1) if cost.break_even else "—"
        table.add_row(cost.name, _range(cost.per_month, 0), _range(cost.per_thousand, 2), even)
    return table


def _range(pair: Range, digits: int) -> str:
    low, high = (f"{n:,.{digits}f}" for n in pair)
    return low if low == high else f"{low} – {high}"
