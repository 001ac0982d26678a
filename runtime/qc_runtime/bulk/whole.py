"""The results of all parts together: every record accounted for, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.about import About
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.reports import PartReport, is_whole, outcomes_place, report_place, reports_in
from qc_runtime.bulk.tally import Tally, merged, summary_of, usage_from
from qc_runtime.judging.accounts import AccountingError
from qc_runtime.records.faults import listed
from qc_runtime.report.summary import RunInfo


@dataclass(frozen=True)
class Whole:
    """The summary of some parts, and what it is about.

    ``models`` are the identities of all back ends that were asked, ``asked`` those of each part.
    """

    summary: dict[str, Any]
    info: RunInfo
    counts: Tally
    models: tuple[str, ...]
    asked: tuple[tuple[str, ...], ...]


def whole(about: About, reports: Sequence[PartReport]) -> Whole:
    """These parts' results as one. Raises `AccountingError` where they do not add up."""
    counts = merged(one.counts for one in reports)
    rows, blank = sum(one.rows for one in reports), sum(one.blank for one in reports)
    if counts["records"] + blank != rows:
        raise AccountingError(f"{counts['records']} outcomes and {blank} blank rows of {rows}")
    tiers = {name: model for one in reports for name, model in (one.tiers or {}).items()}
    engines = dict.fromkeys(tuple(some.items()) for one in reports for some in one.engines)
    usage = usage_from(counts["model"], tiers, list(map(dict, engines)))
    info = replace(
        about.info,
        records=counts["records"],
        started=min(datetime.fromisoformat(one.started) for one in reports),
        finished=max(datetime.fromisoformat(one.finished) for one in reports),
        model=about.info.model if usage else None,
        usage=usage,
        problems=counts["unreadable_cells"],
        tables=tuple(replace(one, **counts["tables"][one.name]) for one in about.info.tables),
    )
    asked = tuple(dict.fromkeys(one.models for one in reports))
    models = tuple(dict.fromkeys(model for some in asked for model in some))
    return Whole(summary_of(counts, info), info, counts, models, asked)


def check_all(about: About, reports: Sequence[PartReport]) -> None:
    """Every part once, and as many rows as there are. Raises `QcError` (QC641)."""
    missing = sorted(set(range(1, about.parts + 1)) - {one.part for one in reports})
    if missing:
        raise QcError(_missing(missing, about.parts))
    rows = sum(one.rows for one in reports)
    if len(reports) != about.parts or rows != about.rows:
        raise AccountingError(f"{len(reports)} parts with {rows} rows, not {about.rows}")


def gathered(outs: Sequence[Place]) -> tuple[About, dict[int, tuple[Place, PartReport]]]:
    """What these folders of results hold: one run's parts, each once. Raises `QcError` (QC641)."""
    abouts = [(out, _about(out)) for out in outs]
    about = abouts[0][1]
    found: dict[int, tuple[Place, PartReport]] = {}
    for out, other in abouts:
        if other.plan != about.plan:
            raise QcError(_another(outs[0], out))
        for report in reports_in(out):
            if report.plan != about.plan or not is_whole(out, report):
                continue
            first = found.setdefault(report.part, (out, report))
            if first[1].sha256 != report.sha256:
                raise QcError(_differs(report.part, first[0], out))
    return about, found


def _about(out: Place) -> About:
    about = About.read(out)
    if about is None:
        message = Text("这不是分批运行的结果文件夹", "This is no folder of results of a bulk run")
        raise QcError(_fault(message, out))
    return about


def put_together(found: dict[int, tuple[Place, PartReport]], out: Place) -> None:
    """Copy the parts that are elsewhere, each one's outcomes before its report."""
    for number, (place, _) in sorted(found.items()):
        if place == out:
            continue
        for name in (outcomes_place, report_place):
            name(out, number).write(name(place, number).read())


def _missing(numbers: Sequence[int], parts: int) -> Diagnostic:
    shown = listed([str(number) for number in numbers])
    message = Text(
        f"{parts} 批里还缺 {len(numbers)} 批：第 {shown.zh} 批",
        f"{len(numbers)} of {parts} parts are missing: {shown.en}",
    )
    help_ = Text(
        "请把没有做完的那一份（--shard）用同一命令再运行一次，再合并。",
        "Run the same command again for the shard that is not done, then merge.",
    )
    return Diagnostic("QC641", message, help=help_)


def _another(one: Place, two: Place) -> Diagnostic:
    message = Text(
        f"与 {one} 不是同一次任务：规则集、数据或选项不同",
        f"This is not the same job as {one}: another rulebook, other data or options",
    )
    return _fault(message, two)


def _differs(part: int, one: Place, two: Place) -> Diagnostic:
    message = Text(
        f"第 {part} 批在 {one} 里也有，结果不同",
        f"Part {part} is in {one} too, with other outcomes",
    )
    help_ = Text("请只合并其中一个。", "Merge only one of them.")
    return replace(_fault(message, two), help=help_)


def _fault(message: Text, place: Place) -> Diagnostic:
    return Diagnostic("QC641", message, place=Text(str(place), str(place)))
