"""``qc eval``: the rulebook against labels a person gave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.lang import tr
from qc_runtime.cli.options import (
    Data,
    Endpoint,
    EndpointModel,
    Limit,
    Model,
    NoModel,
    Rulebook,
    answers_path,
    connector,
)
from qc_runtime.cli.progress import progress

if TYPE_CHECKING:
    from rich.console import Console


def evaluate(
    rulebook: Rulebook,
    data: Data,
    label: Annotated[str, typer.Option(metavar="COLUMN", help=tr("标注所在的列", "label column"))],
    json_: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
    no_model: NoModel = False,
    model: Model = None,
    endpoint: Endpoint = None,
    endpoint_model: EndpointModel = None,
    limit: Limit = None,
) -> None:
    from qc_compiler.pipeline import compile_file
    from qc_runtime.evaluation import evaluation
    from qc_runtime.judge import judge
    from qc_runtime.records import load_records
    from qc_runtime.store import AnswerStore

    connect = connector(model, no_model, endpoint, endpoint_model)
    program = compile_file(rulebook)
    records = load_records(data, program.fields, program.key, extra=[label], limit=limit)
    with AnswerStore(answers_path(program.id)) as store, progress() as tell:
        judged = judge(program, records, connect, store, explain="none", progress=tell)
    result = evaluation(program, judged.outcomes, records.display[label], records.source)
    if json_:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    _print(Console(), result)


def _print(console: Console, result: dict[str, Any]) -> None:
    from rich.table import Table

    low, high = result["accuracy_interval"]
    console.print(
        tr(
            f"准确率 {result['accuracy']:.1%}（95% 区间 {low:.1%}–{high:.1%}，n={result['n']}）",
            f"Accuracy {result['accuracy']:.1%} (95% {low:.1%}–{high:.1%}, n={result['n']})",
        )
    )
    decided = result["decided_accuracy"]
    shown = "—" if decided is None else f"{decided:.1%}"
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
    for item in result["disagreements"][:20]:
        console.print(
            f"  {item['key']}: {tr('标注', 'label')} {item['expected']}, {tr('判为', 'got')} "
            f"{item['got'] or _word(item['status'])} {'、'.join(item['rules'])}",
            highlight=False,
            markup=False,
        )
    if (rest := len(result["disagreements"]) - 20) > 0:
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
