"""What ``--data`` gives, read: the cases, and a database for the tables while they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from qc_dsl.lang import tr

if TYPE_CHECKING:
    from qc_compiler.program import Program
    from qc_dsl.errors import Diagnostic
    from qc_runtime.prefilter import Database
    from qc_runtime.records import CellProblem, RecordSet
    from qc_runtime.tables.load import Loaded
    from qc_runtime.tables.sources import Sources

_SHOWN = 5  # unreadable cells of a file


@dataclass(frozen=True)
class Given:
    """The sources that ``--data`` names, and the cases if one of them holds those."""

    program: Program
    sources: Sources
    records: RecordSet | None
    limit: int | None


@dataclass(frozen=True)
class Data:
    """Everything that is read: the cases, the tables, and the database that holds those."""

    records: RecordSet
    database: Database
    tables: dict[str, Loaded]
    sources: Sources

    @property
    def unreadable(self) -> int:
        """Cells of the cases and the tables that cannot be read."""
        return len(self.records.problems) + sum(one.unreadable for one in self.tables.values())


def read_cases(
    program: Program, data: Sequence[str], limit: int | None = None, extra: Sequence[str] = ()
) -> Given:
    """Find the sources and read the cases: a bad file is said before anything is written."""
    from qc_runtime.tables.load import load_cases
    from qc_runtime.tables.sources import find_sources

    sources = find_sources(data, program)
    return Given(program, sources, load_cases(program, sources, limit=limit, extra=extra), limit)


@contextmanager
def read_tables(given: Given, folder: Path, name: str) -> Iterator[Data]:
    """Read the tables into a workspace in ``folder`` and say what is wrong with single cells."""
    from qc_runtime.prefilter import Database
    from qc_runtime.tables.load import load_tables
    from qc_runtime.tables.workspace import workspace

    with ExitStack() as stack:
        if given.sources.tables:
            work = stack.enter_context(workspace(folder, name))
            read = load_tables(work, given.program, given.sources, given.records, given.limit)
            database = Database(work.connection, tuple(read.tables))
            data = Data(read.records, database, dict(read.tables), given.sources)
        else:
            assert given.records is not None  # without tables there are cases
            data = Data(given.records, Database(), {}, given.sources)
        tell_problems(data)
        yield data


@contextmanager
def place_of_tables(given: Given) -> Iterator[tuple[Path, str]]:
    """A folder and a name for the tables of a command that has no folder of results.

    Raises `QcError` (QC601) while another command has the same rulebook's tables there.
    """
    from qc_dsl.errors import Diagnostic, QcError
    from qc_dsl.folders import cache_dir
    from qc_dsl.lang import Text
    from qc_runtime.cli.options import safe_name
    from qc_runtime.locks import try_lock
    from qc_runtime.report.atomic import unwritable

    folder, name = cache_dir() / "tables", safe_name(given.program.id)
    if not given.sources.tables:
        yield folder, name
        return
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / f"{name}.lock").open("ab")
    except OSError as error:
        raise QcError(unwritable(folder, error)) from error
    with lock:
        if not try_lock(lock):
            message = Text(
                "另一个命令正在用这个规则集的表", "Another command is using this rulebook's tables"
            )
            help_ = Text("请等它结束。", "Wait for it to end.")
            raise QcError(Diagnostic("QC601", message, help=help_))
        yield folder, name


def tell_problems(data: Data) -> None:
    """Cells that cannot be read are unknown from here on: say so, the first few by place."""
    records = data.records
    _tell_warnings((*data.sources.warnings, *records.warnings))
    _tell_cells(str(records.source), records.problems, len(records.problems))
    for one in data.tables.values():
        _tell_warnings(one.warnings)
        _tell_cells(str(one.source), one.problems, one.unreadable)


def _tell_warnings(warnings: Sequence[Diagnostic]) -> None:
    from qc_dsl.errors import render

    for warning in warnings:
        typer.echo(render(warning), err=True)


def _tell_cells(source: str, problems: Sequence[CellProblem], count: int) -> None:
    for problem in problems[:_SHOWN]:
        where = tr(f"第 {problem.row} 行“{problem.field}”", f"row {problem.row} “{problem.field}”")
        typer.echo(f"{source} {where}: {problem.message}", err=True)
    if (rest := count - min(count, _SHOWN, len(problems))) > 0:
        typer.echo(tr(f"另有 {rest} 格读不懂", f"and {rest} more unreadable cells"), err=True)
