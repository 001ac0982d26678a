"""What a part came to, as a JSON file beside its outcomes; it is written last, and so says done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qc_runtime.bulk.parts import part_name
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.plan import Plan

FOLDER = "outcomes"


@dataclass(frozen=True)
class PartReport:
    """``rows`` were read, ``blank`` of them no records; the rest have outcomes.

    ``size`` and ``sha256`` are of the file of outcomes; ``counts`` is a `tally`. ``models`` are
    the identities of the back ends that were asked, ``tiers`` the names of tiers' own models,
    ``engines`` the settings in which models ran.
    """

    plan: str
    modified: str
    part: int
    rows: int
    blank: int
    size: int
    sha256: str
    started: str
    finished: str
    counts: Mapping[str, Any]
    models: tuple[str, ...] = ()
    tiers: Mapping[str, str] | None = None
    engines: tuple[Mapping[str, Any], ...] = ()

    @property
    def errors(self) -> int:
        """Records that ended with an error."""
        return int(self.counts["by_status"]["error"])


def outcomes_place(out: Place, part: int) -> Place:
    return out.child(FOLDER).child(f"{part_name(part)}.parquet")


def report_place(out: Place, part: int) -> Place:
    return out.child(FOLDER).child(f"{part_name(part)}.json")


def write_report(out: Place, report: PartReport) -> None:
    text = json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n"
    report_place(out, report.part).write(text.encode())


def read_report(place: Place) -> PartReport | None:
    """A report; `None` where there is none that can be read."""
    try:
        said = json.loads(place.read() or b"null")
        return None if said is None else PartReport(**said | _tuples(said))
    except (ValueError, TypeError, KeyError):
        return None


def _tuples(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(said.get(name, ())) for name in ("models", "engines")}


def finished(out: Place, plan: Plan, part: int) -> PartReport | None:
    """The report of a part that is done: of this plan and data, its outcomes whole."""
    report = read_report(report_place(out, part))
    if report is None or (report.plan, report.modified) != (plan.digest, plan.modified):
        return None
    return report if is_whole(out, report) else None


def is_whole(out: Place, report: PartReport) -> bool:
    """Whether the outcomes that a report speaks of are there."""
    found = outcomes_place(out, report.part).info()
    return found is not None and found.size == report.size


def reports_in(out: Place) -> Iterator[PartReport]:
    """The reports of a folder of results, by part."""
    for found in out.child(FOLDER).files():
        if found.name.endswith(".json") and (report := read_report(found.place)):
            yield report
