"""The compiled pre-filter of rulebooks with related tables, on invented cases.

Cases and tables are written by DuckDB itself, with the words and values that the rulebook's
own rules look for, so that every branch is taken by some rows. Each size runs in a process of
its own: what is reported is that process's wall time and peak memory, generating left out.

    python bench/tables.py [--cases N …] [--rulebook FILE …]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from qc_compiler import ir
from qc_compiler.lines import LINES
from qc_compiler.pipeline import compile_file
from qc_compiler.program import Program
from qc_compiler.values import CASE, ROW, Field, FieldType
from qc_runtime.judging.accounts import Accounts
from qc_runtime.judging.duties import Flagged
from qc_runtime.judging.levels import levels_of
from qc_runtime.prefilter import TABLE, decide_all
from qc_runtime.tables.columns import stored
from qc_runtime.tables.workspace import LIMITS, literal, open_database, quoted

ROOT = Path(__file__).parents[1]
SIZES = (10_000, 100_000, 1_000_000)
ROWS_A_CASE = 30
_BLANK = 97  # one cell in so many is blank
_FILLER = "患者神志清,精神可,继续观察生命体征,复查血常规,注意病情变化."
_STAY = 14 * 24 * 60  # minutes within which everything happens


@dataclass(frozen=True)
class Measured:
    """One run: cases and rows judged, seconds, and the process's peak memory in bytes."""

    cases: int
    rows: int
    seconds: float
    peak: int

    @property
    def microseconds_a_row(self) -> float:
        return self.seconds / self.rows * 1e6


def rulebooks() -> list[Path]:
    """The shipped rulebooks that have tables."""
    found = []
    for path in sorted((ROOT / "rulebooks").glob("*.yaml")):
        program = compile_file(path)
        if program.tables and program.obligations:
            found.append(path)
    return found


def measure(rulebook: Path, cases: int) -> Measured:
    """Generate in one process, judge in another."""
    with tempfile.TemporaryDirectory(prefix="qc-bench-") as folder:
        database = Path(folder) / "cases.duckdb"
        _child("generate", rulebook, database, cases)
        return Measured(**json.loads(_child("judge", rulebook, database, cases)))


def _child(what: str, rulebook: Path, database: Path, cases: int) -> str:
    command = [sys.executable, __file__, what, str(rulebook), str(database), str(cases)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def generate(rulebook: Path, database: Path, cases: int) -> None:
    """Write the cases and `ROWS_A_CASE` rows for each, spread evenly over the tables."""
    program = compile_file(rulebook)
    words = _words(program)
    with open_database(str(database), database.parent) as connection:
        columns = ", ".join(_columns(program.fields, words, "range", program.key))
        connection.execute(
            f"""CREATE TABLE {quoted(TABLE)} AS SELECT {columns},
            CAST(range AS INTEGER) AS {quoted(CASE)} FROM range({cases})"""
        )
        each = max(1, ROWS_A_CASE // len(program.tables))
        for table in program.tables:
            columns = ", ".join(_columns(table.columns, words, f"range // {each}", None))
            connection.execute(
                f"""CREATE TABLE {quoted(table.name)} AS SELECT {columns},
                CAST(range // {each} AS INTEGER) AS {quoted(CASE)}, range + 2 AS {quoted(ROW)}
                FROM range({cases * each})"""
            )


def _words(program: Program) -> dict[str, list[str]]:
    """The values that rules compare each column with, by its name; under "" those of all."""
    exprs = [arm.expr for level in program.levels for arm in level.arms]
    for duty in program.obligations:
        exprs += [duty.scope, duty.must, *(expr for _, expr in duty.exceptions)]
    found: dict[str, set[str]] = {"": set()}
    for part in (part for expr in exprs for part in ir.walk(expr)):
        if isinstance(part, ir.Among):
            found.setdefault(part.column.name, set()).update(part.values)
        elif isinstance(part, ir.Contains):
            found.setdefault(part.column.name, set()).add(part.text)
        elif isinstance(part, ir.Affirms):
            found.setdefault(part.column.name, set()).update(part.terms.words[:40])
        elif isinstance(part, ir.AffirmsTermsOf) and part.terms:
            for column in (part.column, part.other):
                found.setdefault(column.name, set()).update(part.terms.words[:40])
    found[""] = {word for words in found.values() for word in words}
    return {name: sorted(words) for name, words in found.items()}


def _columns(
    fields: Sequence[Field], words: dict[str, list[str]], case: str, key: str | None
) -> Iterator[str]:
    """The SQL of every column, by the table convention; about one cell in a hundred is blank."""
    for number, field in enumerate(fields):
        draw = f"hash(range, {number})"
        blank = f"CASE WHEN {draw} % {_BLANK} <> 0 THEN"
        name = quoted(field.name)
        if field.name == key:
            yield f"CAST(range AS VARCHAR) AS {name}"
        elif field.type.is_temporal:
            at = f"TIMESTAMP '2025-01-01' + to_minutes(CAST(hash({case}) % 500000 AS BIGINT))"
            at = f"{at} + to_minutes(CAST({draw} % {_STAY} AS BIGINT))"
            for end in ("lo", "hi"):
                yield f"{blank} {at} END AS {quoted(f'{field.name}.{end}')}"
        elif field.type in (FieldType.NUMBER, FieldType.DURATION):
            top = 864_000 if field.type is FieldType.DURATION else 300
            yield f"{blank} CAST({draw} % {top} AS DOUBLE) END AS {name}"
        else:
            texts = _texts(field, words)
            listed = ", ".join(map(literal, texts))
            one = f"([{listed}])[1 + CAST({draw} % {len(texts)} AS INT)]"
            yield f"{blank} {one} END AS {name}"
            if field.lined:
                yield f"CAST(NULL AS VARCHAR) AS {quoted(field.name + LINES)}"


def _texts(field: Field, words: dict[str, list[str]]) -> list[str]:
    """What a textual column may hold: its values, or sentences around the words looked for."""
    own = words.get(field.name, [])
    if field.type is FieldType.CATEGORY:
        return list(field.values or own or ["其他"])
    if field.type is FieldType.LIST:
        return [str(stored((word, "其他"))) for word in own or words[""] or ["其他"]]
    if not own:
        return [f"{_FILLER}{word}" for word in words[""][:50]] + [_FILLER]
    return [*own, *(f"{_FILLER}{word},{_FILLER}" for word in own), _FILLER]


def judge(rulebook: Path, database: Path, cases: int) -> Measured:
    """Run the pre-filter as a run does, on what `generate` wrote."""
    program = compile_file(rulebook)
    with duckdb.connect(str(database), config={"memory_limit": LIMITS.memory}) as connection:
        rows = cases + sum(_count(connection, table.name) for table in program.tables)
        started = time.perf_counter()
        decide_all(levels_of(program), connection, cases)
        accounts = Accounts([rule.id for rule in program.rules], cases)
        Flagged(program, connection).judge((), accounts, bytearray(b"\1") * cases)
        seconds = time.perf_counter() - started
    return Measured(cases, rows, seconds, _peak())


def _peak() -> int:
    """The most memory this program has had, in bytes.

    Not what ``getrusage`` says: that counts the parent's pages from before the program began.
    """
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.sql(f"SELECT count(*) FROM {quoted(table)}").fetchall()[0][0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="*", default=SIZES)
    parser.add_argument("--rulebook", type=Path, nargs="*", default=None)
    asked = parser.parse_args()
    for rulebook in asked.rulebook or rulebooks():
        for cases in asked.cases:
            found = measure(rulebook, cases)
            print(
                f"{rulebook.stem:28} {found.cases:>9,} cases {found.rows:>11,} rows"
                f" {found.seconds:8.2f} s {found.rows / found.seconds:>12,.0f} rows/s"
                f" {found.microseconds_a_row:7.3f} µs/row {found.peak / 1e9:6.2f} GB peak",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] in ("generate", "judge"):
        book, place, size = Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
        if sys.argv[1] == "generate":
            generate(book, place, size)
        else:
            print(json.dumps(judge(book, place, size).__dict__))
    else:
        main()
