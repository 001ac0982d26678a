"""Every figure the project promises, measured side by side in one run, against its promise.

Timings on a shared machine are noisy: the ratios are what counts. A figure whose data is not
there is left out and said so.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import engine as engine_bench
from bench import lsp as lsp_bench
from bench import memory as memory_bench
from bench import model as model_bench
from bench import prefilter as prefilter_bench
from bench import server as server_bench
from bench import tables as tables_bench
from bench import workbench

from qc_runtime.models import locate

ROOT = Path(__file__).parents[1]
QC = Path(sys.executable).with_name("qc")
DEV_DATA = Path(os.environ.get("QC_DEV_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True)
class Figure:
    """One measured figure; ``bound`` is what was promised, if anything."""

    name: str
    value: float
    unit: str = ""
    bound: float | None = None
    at_most: bool = False

    def __str__(self) -> str:
        promised = ""
        if self.bound is not None:
            met = self.value <= self.bound if self.at_most else self.value >= self.bound
            sign = "≤" if self.at_most else "≥"
            promised = f"  ({sign} {self.bound:g}: {'met' if met else 'MISSED'})"
        return f"{self.name:58} {self.value:12,.3f} {self.unit}{promised}"


def prefilter_figures() -> Iterator[Figure]:
    found = prefilter_bench.measure()
    yield Figure("pre-filter, 1 M records, compiled", found["compiled_rows_per_second"], "rows/s")
    yield Figure("pre-filter, 1 M records, by hand", found["by_hand_rows_per_second"], "rows/s")
    yield Figure("pre-filter: compiled / by hand", found["ratio"], "×", 0.8)


def model_figures() -> Iterator[Figure]:
    if not server_bench.binary():
        print("LEFT OUT: llama-server, because QC_LLAMA_SERVER does not name one", flush=True)
    bounds = {
        "verdict_over_loop": ("verdict only / plain loop", 12.0),
        "verdict_over_prompt_speed": ("verdict only / prompt speed", 0.95),
        "verdict_once_over_server": ("verdict only, answered once / best llama-server", 1.3),
        "verdict_over_server": ("verdict only, close calls twice / best llama-server", None),
        "explained_over_loop": ("with explanations / plain loop", 3.5),
        "explained_over_server": ("with explanations / best llama-server", 2.0),
    }
    found = {}
    for name, value in model_bench.measure(locate(None)):
        found[name] = value
        label, bound = bounds.get(name, (name.replace("_", " "), None))
        yield Figure(f"model: {label}", value, "", bound)
    month = engine_bench.month(1 / found["verdict_records_per_second"])
    yield Figure("a month of 20,000 operations: questions", month.questions)
    yield Figure("  without the model's time", month.own_seconds, "s")
    speedup = month.records / found["loop_records_per_second"] / month.seconds
    yield Figure("  plain loop / ours, extrapolated", speedup, "×", 50.0)


def engine_figures() -> Iterator[Figure]:
    once, looked = engine_bench.read_over_least(locate(None))
    yield Figure("19 questions on a long note: read / least", once, "×", 1.05, at_most=True)
    yield Figure("  with second looks at close calls", looked, "×")
    overhead = engine_bench.overhead()
    yield Figure("our Python for one request", overhead * 1000, "ms", 0.3, at_most=True)
    without, with_it, marked = engine_bench.flips(locate(None))
    yield Figure("answers that hang on their batch, all on the line", without)
    yield Figure("  with a second look at close calls", with_it, "", 0.0, at_most=True)
    yield Figure("  marked as flicker", marked)


def tables_figures() -> Iterator[Figure]:
    """The rulebooks with related tables: memory, speed, and cost that grows with the rows only."""
    small, *_, large = tables_bench.SIZES
    for rulebook in tables_bench.rulebooks():
        found = {cases: tables_bench.measure(rulebook, cases) for cases in tables_bench.SIZES}
        for cases, one in found.items():
            name = f"{rulebook.stem}, {cases:,} cases, {one.rows:,} rows"
            yield Figure(name, one.seconds, "s")
            yield Figure("  rows a second", one.rows / one.seconds, "rows/s")
            yield Figure("  peak memory", one.peak / 1e9, "GB", 2.0, at_most=True)
        growth = found[large].microseconds_a_row / found[small].microseconds_a_row
        yield Figure("  cost of a row, largest / smallest", growth, "×", 1.5, at_most=True)


def memory_figures(records: int = 1_000_000) -> Iterator[Figure]:
    """A whole ``qc run`` of flat records without a model, by the system's account of it."""
    found = memory_bench.measure(records)
    for name, one in found.items():
        bound = 300.0 if name.endswith("in parts") else None
        yield Figure(f"{records:,} records, {name}: peak memory", one.peak / 1e6, "MB", bound, True)
        yield Figure("  processor time", one.seconds, "s")


def start_figures(runs: int = 5) -> Iterator[Figure]:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([QC, "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    yield Figure("qc --help, median", statistics.median(times), "s", 0.3, at_most=True)


def lsp_figures() -> Iterator[Figure]:
    found = lsp_bench.measure()
    name = f"qc lsp, {lsp_bench.RULES} rules: keystroke to diagnostics"
    yield Figure(f"{name}, median", found.median * 1000, "ms", 200.0, at_most=True)
    yield Figure("  worst", found.worst * 1000, "ms")
    yield Figure("  from opening, parser not built yet", found.first * 1000, "ms")


def workbench_figures() -> Iterator[Figure]:
    for kind in workbench.KINDS:
        name = f"qc check, {workbench.RULES:,} rules: {kind}"
        yield Figure(name, workbench.check_1000(kind), "s", 2.0, at_most=True)
    name = f"qc diff, {workbench.RECORDS:,} records, one sentence edited"
    yield Figure(name, workbench.diff_100k(), "s", 3.0, at_most=True)


def accuracy_figures() -> Iterator[Figure]:
    data = DEV_DATA / "surgery_dev.csv"
    if not data.exists():
        print(f"LEFT OUT: accuracy, because {data} is not there (set QC_DEV_DATA)", flush=True)
        return
    rulebook = ROOT / "rulebooks" / "surgery_consistency.yaml"
    command = [QC, "eval", rulebook, "--data", data, "--label", "期望", "--json"]
    command.append("--no-cache")  # what this engine answers now
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    low, high = found["accuracy_interval"]
    yield Figure(f"accuracy on {found['n']} surgery pairs", found["accuracy"], "", 0.85)
    yield Figure("  lower end of its 95 % interval", low)
    yield Figure("  upper end", high)
    yield Figure("  decided without a person", found["coverage"])
    yield Figure("  accuracy of those", found["decided_accuracy"] or 0.0)


def main() -> None:
    parts = (
        start_figures,
        lsp_figures,
        workbench_figures,
        prefilter_figures,
        engine_figures,
        model_figures,
        accuracy_figures,
        memory_figures,
        tables_figures,
    )
    for part in parts:
        for figure in part():
            print(figure, flush=True)


if __name__ == "__main__":
    main()
