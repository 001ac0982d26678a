"""A private place on disk for the related tables of one run, gone when the run ends."""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qc_dsl.errors import QcError
from qc_runtime.report.atomic import unwritable

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Limits:
    """What DuckDB may use: more than ``memory`` goes to disk. ``threads`` 0: all processors."""

    memory: str = "1GB"
    threads: int = 0


LIMITS = Limits()
_PREFIX = ".tables-"


@dataclass(frozen=True, eq=False)
class Workspace:
    """An open database and the folder (mode 0700) for it and whatever else is transient."""

    folder: Path
    connection: duckdb.DuckDBPyConnection

    def run(self, statement: str) -> None:
        """Execute a statement that gives no rows."""
        self.connection.execute(statement)

    def rows(self, query: str) -> list[Any]:
        """All rows of a query."""
        return self.connection.sql(query).fetchall()

    def number(self, query: str) -> int:
        """The one whole number that a query gives; none counts as 0."""
        found = self.rows(query)
        return int(found[0][0] or 0) if found else 0

    def keep(self, name: str, table: Any) -> None:
        """Copy an Arrow table into the database."""
        self.connection.register("#arrow", table)
        self.run(f'CREATE OR REPLACE TABLE {quoted(name)} AS FROM "#arrow"')
        self.connection.unregister("#arrow")


@contextmanager
def workspace(parent: Path, name: str, limits: Limits = LIMITS) -> Iterator[Workspace]:
    """A workspace in ``parent``; whoever calls holds the lock of this name (an `AnswerStore`).

    What a killed run of the same name left there is removed first. Raises `QcError` (QC605)
    when the disk refuses.
    """
    prefix = f"{_PREFIX}{name}-"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for stale in parent.glob(f"{glob.escape(prefix)}*"):
            shutil.rmtree(stale, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        raise QcError(unwritable(parent, error)) from error
    try:
        with open_database(str(folder / "tables.duckdb"), folder, limits) as connection:
            yield Workspace(folder, connection)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def workspace_in_memory(limits: Limits = LIMITS) -> Iterator[Workspace]:
    """A workspace for a few rows, with no folder of its own."""
    with open_database(":memory:", limits=limits) as connection:
        yield Workspace(Path(tempfile.gettempdir()), connection)


def open_database(
    path: str, spill: Path | None = None, limits: Limits = LIMITS
) -> duckdb.DuckDBPyConnection:
    """A DuckDB database within the limits; ``spill`` is where it puts what memory cannot hold."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "autoinstall_known_extensions": False,  # nothing is fetched that was not asked for
    }
    if limits.threads:
        config["threads"] = limits.threads
    if spill is not None:
        config["temp_directory"] = str(spill / "spill")
    return duckdb.connect(path, config=config)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
