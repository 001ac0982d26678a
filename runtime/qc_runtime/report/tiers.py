"""Who was asked how much: the tiers of a run, for the summary and for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from qc_dsl.lang import Text, tr
from qc_runtime.outcome import Usage

PERSON = "person"
_NAMES = {
    "routine": Text("快答", "quick"),
    "thinking": Text("思考", "thinking"),
    "heavy": Text("大模型", "heavy"),
    PERSON: Text("人工", "person"),
}


def tiers_of(usage: Usage | None) -> list[dict[str, Any]]:
    """Each tier with its share of the unique questions; at the end what is left to a person."""
    if usage is None or not usage.tiers:
        return []
    first = usage.tiers[0]
    rows = [asdict(tier) for tier in usage.tiers]
    left = first.asked - first.failed - sum(tier.settled for tier in usage.tiers)
    rows.append({"name": PERSON, "asked": left})
    whole = usage.unique_requests or 1
    return [row | {"share": round(row["asked"] / whole, 4)} for row in rows]


def tier_lines(tiers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each tier, where there is more than one besides a person."""
    if len(tiers) > 2:
        yield from map(_line, tiers)


def _line(tier: Mapping[str, Any]) -> str:
    name = str(_NAMES[tier["name"]])
    start = tr(
        f"　{name}：{tier['asked']:,} 问（{tier['share']:.1%}）",
        f"  {name}: {tier['asked']:,} questions ({tier['share']:.1%})",
    )
    if tier["name"] == PERSON:
        return start
    tokens = tier["prompt_tokens"] + tier["reused_prompt_tokens"] + tier["generated_tokens"]
    model = f"{tier['model']}，" if tier["model"] else ""
    failed = tr(f"，失败 {tier['failed']:,}", f", {tier['failed']:,} failed")
    stored = tr(f"，以前答过 {tier['stored']:,}", f", {tier['stored']:,} answered before")
    more = (failed if tier["failed"] else "") + (stored if tier["stored"] else "")
    return start + tr(
        f"，{model}有把握 {tier['settled']:,}{more}，{tier['seconds']:.1f} 秒，{tokens:,} 词元",
        f", {model}{tier['settled']:,} sure{more}, {tier['seconds']:.1f} s, {tokens:,} tokens",
    )
