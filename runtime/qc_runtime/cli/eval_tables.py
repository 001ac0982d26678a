"""What ``qc eval`` prints for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qc_dsl.lang import tr

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 20  # of the cases that differ


def print_verdicts(console: Console, result: dict[str, Any]) -> None:
    """Accuracy of verdicts, its tables, and what differs."""
    from rich.table import Table

    low, high = result["accuracy_interval"]
    console.print(
        tr(
            f"准确率 {result['accuracy']:.1%}（95% 区间 {low:.1%}–{high:.1%}，n={result['n']}）",
            f"Accuracy {result['accuracy']:.1%} (95% {low:.1%}–{high:.1%}, n={result['n']})",
        )
    )
    shown = _share(result["decided_accuracy"])
    console.print(
        tr(
            f"无需人工的比例 {result['coverage']:.1%}，其中准确率 {shown}",
            f"Decided without a person {result['coverage']:.1%}, accuracy there {shown}",
        )
    )
    console.print(_verdict_table(Table(), result))
    console.print(_confusion_table(Table(), result))
    for who, counts in result["decided_by"].items():
        console.print(f"{_who(who)} {counts['correct']}/{counts['n']}")
    lines = [
        f"{item['key']}: {tr('标注', 'label')} {item['expected']}, {tr('判为', 'got')} "
        f"{item['got'] or _word(item['status'])} {'、'.join(item['rules'])}"
        for item in result["disagreements"]
    ]
    _print_some(console, lines)


def print_rules(console: Console, result: dict[str, Any]) -> None:
    """Precision, recall and F1 of every rule and of all, and the cases that differ."""
    from rich.table import Table

    table = Table()
    for heading in (
        *(tr("规则", "rule"), tr("查准", "precision"), tr("查全", "recall"), "F1"),
        *(tr("标注", "support"), tr("判出", "found")),
    ):
        table.add_column(heading)
    for name, row in result["per_rule"].items():
        table.add_row(name, *_scores(row), str(row["support"]), str(row["predicted"]))
    table.add_section()
    for name in ("micro", "macro"):
        row = result[name]
        counts = (str(row.get("support", "")), str(row.get("predicted", "")))
        table.add_row(name, *_scores(row), *counts)
    console.print(table)
    n, right = result["n"], result["exact"]
    console.print(tr(f"{n} 例，{right} 例与标注一致", f"{n} records, {right} of them as labelled"))
    if left := result["unsettled"]:
        console.print(
            tr(
                f"其中 {left} 例尚无结论（资料缺失、待问模型或执行错误），按没有缺陷计算",
                f"{left} of them have no verdict yet and count as free of findings",
            )
        )
    _print_some(console, [_difference(item) for item in result["disagreements"]])


def _scores(row: dict[str, Any]) -> tuple[str, str, str]:
    return _decimal(row["precision"]), _decimal(row["recall"]), _decimal(row["f1"])


def _decimal(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _difference(item: dict[str, Any]) -> str:
    parts = [
        f"{word} {'、'.join(item[what])}"
        for what, word in (("missed", tr("漏", "missed")), ("extra", tr("多", "extra")))
        if item[what]
    ]
    return f"{item['key']}: {'；'.join(parts)}"


def _print_some(console: Console, lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        console.print(f"  {line}", highlight=False, markup=False)
    if (rest := len(lines) - _SHOWN) > 0:
        console.print(
            tr(f"  …另有 {rest} 处不一致（--json 看全部）", f"  … and {rest} more (--json)")
        )


def _who(decider: str) -> str:
    """Who decided, in words; what neither rules nor the model decided is a person's."""
    names = {"rule": tr("规则判对", "rules"), "model": tr("模型判对", "model")}
    return names.get(decider, tr("待人工（按倾向计）", "for a person (by leaning)")) + ":"


def _word(got: str) -> str:
    """A verdict as it is; a status in words."""
    from qc_runtime.outcome import Status
    from qc_runtime.report.labels import STATUS

    return str(STATUS[Status(got)]) if got in set(Status) else got


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def _verdict_table(table: Any, result: dict[str, Any]) -> Any:
    for heading in (tr("结论", "verdict"), tr("查准", "precision"), tr("查全", "recall"), "n"):
        table.add_column(heading)
    for name, row in result["per_verdict"].items():
        table.add_row(name, _share(row["precision"]), _share(row["recall"]), str(row["n"]))
    return table


def _confusion_table(table: Any, result: dict[str, Any]) -> Any:
    columns = sorted({got for row in result["confusion"].values() for got in row})
    table.add_column(tr("标注＼判为", "label \\ got"))
    for got in columns:
        table.add_column(_word(got))
    for expected, row in result["confusion"].items():
        table.add_row(expected, *(str(row.get(got, 0)) for got in columns))
    return table
