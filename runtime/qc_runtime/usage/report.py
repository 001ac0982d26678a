"""What a plain loop would have asked and computed, hour by hour, and what was really computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from qc_runtime.usage.log import Line

_MONTH = 30.0  # days


@dataclass(frozen=True)
class Hour:
    """Requests and tokens (read and written) of one hour of the day, before and after."""

    requests_before: float = 0.0
    requests_after: int = 0
    tokens_before: float = 0.0
    tokens_after: int = 0

    def plus(self, other: Hour) -> Hour:
        return Hour(
            self.requests_before + other.requests_before,
            self.requests_after + other.requests_after,
            self.tokens_before + other.tokens_before,
            self.tokens_after + other.tokens_after,
        )


@dataclass(frozen=True)
class UsageReport:
    """24 hours of the day, their sum, and the records a month at this pace."""

    hours: tuple[Hour, ...]
    total: Hour
    runs: int
    records: int
    seconds: float
    days: float

    @property
    def records_per_month(self) -> float:
        return self.records / max(self.days, 1.0) * _MONTH


def usage_report(lines: Iterable[Line], now: datetime) -> UsageReport:
    """Put lines together. ``now`` ends the time they cover."""
    runs: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        runs[line.run].append(line)
    hours = [Hour() for _ in range(24)]
    sizes: dict[str, float] = {}
    for run in runs.values():
        size = _tokens_a_question(run) or sizes.get(run[0].rulebook, 0.0)
        sizes[run[0].rulebook] = size
        for line, share in zip(run, _shares(run), strict=True):
            hours[line.at.hour] = hours[line.at.hour].plus(_hour(line, run, share, size))
    every = [line for run in runs.values() for line in run]
    first = min((line.at for line in every), default=now)
    return UsageReport(
        hours=tuple(hours),
        total=_total(hours),
        runs=len(runs),
        records=sum(line.records or 0 for line in every),
        seconds=sum(line.seconds for line in every),
        days=(now - first).total_seconds() / 86400,
    )


def _hour(line: Line, run: Sequence[Line], share: float, size: float) -> Hour:
    """A plain loop asks every record, its whole prompt each time, in the hours of the run.

    A run that was stopped has no number of records: they count with the run that ends the work.
    """
    records = sum(one.records or 0 for one in run) * share
    spent = line.prompt_tokens + line.generated_tokens
    return Hour(records, line.computed, records * size, spent)


def _shares(run: Sequence[Line]) -> list[float]:
    """How much of the run each line is: by what was computed, else all at the end."""
    computed = sum(line.computed for line in run)
    if not computed:
        return [0.0] * (len(run) - 1) + [1.0]
    return [line.computed / computed for line in run]


def _tokens_a_question(run: Sequence[Line]) -> float:
    """A whole prompt and its answer, on average, prefixes shared or not; 0 if none was asked."""
    computed = sum(line.computed for line in run)
    needed = sum(
        line.prompt_tokens + line.reused_prompt_tokens + line.generated_tokens for line in run
    )
    return needed / computed if computed else 0.0


def _total(hours: Iterable[Hour]) -> Hour:
    total = Hour()
    for hour in hours:
        total = total.plus(hour)
    return total
