"""``qc eval``: the rulebook against what a person found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qc_dsl.errors import QcError
from qc_dsl.lang import tr
from qc_runtime.cli import options
from qc_runtime.cli.data import place_of_tables, read_cases, read_tables
from qc_runtime.cli.engine import Engine
from qc_runtime.cli.eval_tables import print_rules, print_verdicts
from qc_runtime.cli.kept import audited, shared_cache
from qc_runtime.cli.options import (
    Endpoint,
    EndpointModel,
    Limit,
    Model,
    NoCache,
    NoModel,
    Rulebook,
    connector,
)
from qc_runtime.cli.progress import progress
from qc_runtime.cli.tiers import NO_TIERS, TierOptions, with_tiers

if TYPE_CHECKING:
    from rich.console import Console

    from qc_runtime.cache import AnswerBook
    from qc_runtime.cli.data import Given
    from qc_runtime.cli.options import Connect
    from qc_runtime.judging.judge import Judged
    from qc_runtime.judging.tiers import Tiers
    from qc_runtime.records import RecordSet


@with_tiers
def evaluate(
    rulebook: Rulebook,
    data: options.Data,
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
    no_cache: NoCache = False,
    model: Model = None,
    no_model: NoModel = False,
    endpoint: Endpoint = None,
    endpoint_model: EndpointModel = None,
    engine: Engine = None,
    better: TierOptions = NO_TIERS,
) -> None:
    from qc_compiler.pipeline import compile_file
    from qc_dsl.folders import cache_dir
    from qc_runtime.cache import Layered, Remembered
    from qc_runtime.offpeak.interactive import interactive
    from qc_runtime.workbench.evaluation import evaluation
    from qc_runtime.workbench.rule_evaluation import read_labels, rule_evaluation

    if (label is None) == (labels is None):
        raise QcError(options.usage("--label 与 --labels 要给一个", "Give --label or --labels"))
    connect = connector(model, no_model, endpoint, endpoint_model, engine)
    better.check(no_model=no_model, endpoint=endpoint)
    program = compile_file(rulebook)
    secrets = cache_dir() / "eval"  # what de-identification needs to be the same each time
    connect = better.routine(connect, endpoint, secrets)
    given = read_cases(program, data, limit, [label] if label else [])
    with (
        interactive(limit is not None),
        audited("eval", rulebook, program, given) as audit,
        shared_cache(no_cache) as cache,
    ):
        book = Layered(Remembered(), cache)
        tiers = better.tiers(secrets, bool(endpoint), audit.watching)
        records, judged = _judged(given, audit.watching(connect), book, labels, tiers)
        audit.judged(judged.outcomes)
    if label is not None:
        result = evaluation(program, judged.outcomes, records.display[label], records.source)
    elif labels is not None:
        result = rule_evaluation(program, judged.outcomes, read_labels(labels, program, records))
    _print(result, json_, print_verdicts if label is not None else print_rules)
    raise typer.Exit(0 if audit.written else 1)


def _print(
    result: dict[str, Any], as_json: bool, table: Callable[[Console, dict[str, Any]], None]
) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    table(Console(), result)


def _judged(
    given: Given, connect: Connect, book: AnswerBook, labels: Path | None, tiers: Tiers
) -> tuple[RecordSet, Judged]:
    """Judge the data; bad labels are said first."""
    from qc_runtime.judging.judge import judge
    from qc_runtime.workbench.rule_evaluation import read_labels

    program = given.program
    with place_of_tables(given) as place, read_tables(given, *place) as read, progress() as tell:
        if labels is not None:
            read_labels(labels, program, read.records)
        judged = judge(
            program,
            read.records,
            connect,
            book,
            explain="none",
            progress=tell,
            database=read.database,
            tiers=tiers,
        )
    return read.records, judged
