"""``qc usage``: what the model was asked hour by hour, what that saved, what it costs."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text, tr
from qc_runtime.cli import options

if TYPE_CHECKING:
    from qc_runtime.usage.costs import Cost
    from qc_runtime.usage.report import UsageReport

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def usage(
    since: Annotated[
        str,
        typer.Option(
            metavar="30d", help=tr("多久以来：24h、30d、8w，或日期", "24h, 30d, 8w, or a date")
        ),
    ] = "30d",
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help=tr("另存为图片", "also as a picture"))
    ] = None,
    cost: Annotated[
        Path | None, typer.Option(metavar="FILE", help=tr("成本模型（YAML）", "the cost model"))
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
) -> None:
    from qc_runtime.usage.costs import cost_of, read_costs
    from qc_runtime.usage.log import read, usage_path
    from qc_runtime.usage.report import usage_report

    now = datetime.now().astimezone()
    costs = read_costs(cost)
    report = usage_report(read(usage_path(), _since(since, now)), now)
    if not report.runs:
        raise QcError(_nothing(usage_path()))
    pace = costs.records_per_month or report.records_per_month
    priced = [cost_of(option, costs, pace) for option in costs.options] if pace else []
    if json_:
        typer.echo(json.dumps(_as_json(report, priced, pace), ensure_ascii=False, indent=2))
    else:
        _print(report, priced, costs.currency, pace)
    if svg is not None:
        _draw(svg, report, priced, costs.currency)


def _print(report: UsageReport, priced: list[Cost], currency: str, pace: float) -> None:
    from rich.console import Console

    from qc_runtime.report.usage import print_usage

    print_usage(Console(), report, priced, currency)
    note = tr(
        f"成本按每月 {pace:,.0f} 份病历计；没有写 manual_per_record 时不算回本",
        f"At {pace:,.0f} records a month; breaking even needs manual_per_record",
    )
    if priced:
        typer.echo(note)


def _draw(path: Path, report: UsageReport, priced: list[Cost], currency: str) -> None:
    from qc_runtime.report.atomic import atomic_path
    from qc_runtime.report.usage import usage_svg

    picture = usage_svg(report, priced, currency)
    with atomic_path(path) as temporary:
        temporary.write_text(picture, "utf-8")


def _as_json(report: UsageReport, priced: list[Cost], pace: float) -> dict[str, Any]:
    return {**asdict(report), "records_per_month": pace, "costs": [asdict(one) for one in priced]}


def _since(text: str, now: datetime) -> datetime:
    """The time that is meant, or QC611."""
    if found := re.fullmatch(r"(\d{1,5})([hdw])", text.strip()):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        zh = f"看不懂 --since {text[:40]}，例如 30d、24h、2026-01-31"
        en = f"--since {text[:40]} cannot be read; such as 30d, 24h, 2026-01-31"
        raise QcError(options.usage(zh, en)) from error


def _nothing(path: Path) -> Diagnostic:
    return Diagnostic(
        "QC632",
        Text("这段时间没有用量记录", "There is no usage in this time"),
        place=Text(str(path), str(path)),
        help=Text(
            "qc run 会自动记录用量；也可以用 --since 看更早的",
            "qc run keeps it by itself; --since shows earlier times",
        ),
    )
