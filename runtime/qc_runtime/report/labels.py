"""The words for statuses and deciders that a person reads."""

from __future__ import annotations

from qc_dsl.lang import Text
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
DECIDER = {"rule": Text("规则", "Rule"), "model": Text("模型", "Model")}


def account_name(name: str) -> str:
    """The word for what a rule came to, or for its findings."""
    if name in ("exempt", "findings"):
        return str(EXEMPT if name == "exempt" else FINDINGS)
    return str(STATUS[Status(name)])


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
