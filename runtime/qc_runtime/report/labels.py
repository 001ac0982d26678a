"""The words for statuses and deciders that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qc_dsl.lang import Text, tr
from qc_runtime.outcome import Outcome, Status
from qc_runtime.report.summary import RunInfo

STATUS = {
    Status.DECIDED: Text("已判定", "Decided"),
    Status.DATA_MISSING: Text("资料缺失", "Data missing"),
    Status.NEEDS_REVIEW: Text("待人工", "Needs review"),
    Status.PENDING: Text("待问模型", "Pending (model)"),
    Status.ERROR: Text("执行错误", "Error"),
}
EXEMPT = Text("不涉及", "Exempt")
FINDINGS = Text("缺陷", "Findings")
FINDINGS_COUNT = Text("缺陷处数", "Findings")
WITH_FINDINGS = Text("缺陷例数", "With findings")
DECIDER = {"rule": Text("规则", "Rule"), "model": Text("模型", "Model")}


_COLUMNS = {
    "exempt": EXEMPT,
    "findings": FINDINGS,
    "records_with_findings": WITH_FINDINGS,
}


def account_name(name: str) -> str:
    """The word for what a rule came to, or for its findings."""
    return str(_COLUMNS[name] if name in _COLUMNS else STATUS[Status(name)])


def accounts_note() -> str:
    """How the figures of rules hang together."""
    return tr(
        "每条规则：缺陷（处）、缺陷例数以外各列之和＝病例数；一例有几行的，按最没有定的一行算。",
        "For each rule the columns but those of findings add up to the records;"
        " of a record's rows the least settled one counts.",
    )


def open_statuses(by_department: Mapping[str, Mapping[str, Any]]) -> list[Status]:
    """The ways to have no verdict that occur in some department."""
    return [
        status
        for status in Status
        if status is not Status.DECIDED
        and any(row["by_status"][status.value] for row in by_department.values())
    ]


def orphans_note(name: str, orphans: int, keyless: int) -> str | None:
    """Rows of a table that were left out, by the reason; `None` without any."""
    zh, en = [], []
    if orphans:
        zh.append(f"{orphans:,} 行的主键不是任何病例的")
        en.append(f"{orphans:,} with a key that is no case's")
    if keyless:
        zh.append(f"{keyless:,} 行没有主键")
        en.append(f"{keyless:,} without a key")
    if not zh:
        return None
    return tr(
        f"表“{name}”有 {'，'.join(zh)}，没有计入",
        f"Rows of table “{name}” that are left out: {', '.join(en)}",
    )


def tone_of(outcome: Outcome, info: RunInfo) -> str:
    """What an outcome is coloured by: its verdict's kind, or why it has none."""
    if outcome.status is Status.DECIDED:
        return dict(info.verdicts).get(outcome.verdict or "", "other")
    return outcome.status.value


def rate_name(info: RunInfo) -> Text:
    """The indicator as a fraction of the rulebook's own verdicts: 匹配 ÷（匹配＋不匹配）."""
    passed = [name for name, kind in info.verdicts if kind == "pass"]
    judged = passed + [name for name, kind in info.verdicts if kind == "fail"]
    zh = f"{'＋'.join(passed)} ÷（{'＋'.join(judged)}）"
    return Text(zh, f"{' + '.join(passed)} ÷ ({' + '.join(judged)})")
