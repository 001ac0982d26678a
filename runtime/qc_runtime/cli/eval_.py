"""``qc eval``: the rulebook against what a person found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli import options
from qc_runtime.cli.data import read_cases, read_tables
from qc_runtime.cli.eval_tables import print_rules, print_verdicts
from qc_runtime.cli.options import Connect, Limit, Rulebook, answers_path, safe_name, with_model
from qc_runtime.cli.progress import progress

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_runtime.judge import Judged
    from qc_runtime.records import RecordSet


@with_model
def evaluate(
    rulebook: Rulebook,
    data: options.Data,
    connect: Connect,
    label: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help=tr("标注结论所在的列", "column of the right verdicts")),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help=tr("标注规则的文件", 'lines like {"key": …, "rules": [ids]}'),
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help=tr("输出 JSON", "print JSON"))] = False,
    limit: Limit = None,
) -> None:
    from qc_compiler.pipeline import compile_file
    from qc_runtime.evaluation import evaluation
    from qc_runtime.rule_evaluation import read_labels, rule_evaluation

    if (label is None) == (labels is None):
        raise QcError(options.usage("--label 与 --labels 要给一个", "Give --label or --labels"))
    program = compile_file(rulebook)
    records, judged = _judged(program, data, connect, limit, [label] if label else [], labels)
    if label is not None:
        result = evaluation(program, judged.outcomes, records.display[label], records.source)
    elif labels is not None:
        result = rule_evaluation(program, judged.outcomes, read_labels(labels, program, records))
    if json_:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    (print_verdicts if label is not None else print_rules)(Console(), result)


def _judged(
    program: Program,
    data: list[str],
    connect: Connect,
    limit: int | None,
    extra: list[str],
    labels: Path | None,
) -> tuple[RecordSet, Judged]:
    """Judge the data, the answers being kept in the user's cache; bad labels are said first."""
    from qc_runtime.judge import judge
    from qc_runtime.rule_evaluation import read_labels
    from qc_runtime.store import AnswerStore

    given = read_cases(program, data, limit, extra)
    answers = answers_path(program.id)
    with (
        AnswerStore(answers) as store,
        read_tables(given, answers.parent, safe_name(program.id)) as read,
        progress() as tell,
    ):
        if labels is not None:
            read_labels(labels, program, read.records)
        judged = judge(
            program,
            read.records,
            connect,
            store,
            explain="none",
            progress=tell,
            database=read.database,
        )
    return read.records, judged
