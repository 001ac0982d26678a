"""How much of a rulebook its own tests hold fast: change it in one place, see who notices.

Every constant, negation and comparison of every sentence, exception and phrase is changed, one
at a time, on the tree and through the printer. A mutant is *refused* when it no longer compiles,
*noticed* when a test that passed fails, *equal* when no compiled byte differs. Left alone are
messages, points and the texts of questions: no test without a model could tell.

    python tools/mutate.py [--limit SECONDS] [--list] [RULEBOOK …]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mutants import Mutant, Mutants
from qc_compiler.pipeline import compile_rulebook
from qc_compiler.program import Program
from qc_dsl.errors import QcError
from qc_dsl.reader import parse_rulebook, read_source
from qc_runtime.cli.cases import mismatch
from qc_runtime.outcome import Status
from qc_runtime.workbench.interpreted import Ends, ends_of, outcome_of, record_of
from qc_runtime.workbench.testing import Posed, Tested, posed

ROOT = Path(__file__).parents[1]


class Tests:
    """A rulebook's tests, judged again for every mutant, as little as that takes."""

    def __init__(self, program: Program, path: Path) -> None:
        self.program, self.path = program, str(path)
        self.posed = posed(program, self.path)
        self.records = [record_of(one) for one in self.posed]
        self.ends = [[ends_of(duty, r) for duty in program.obligations] for r in self.records]
        self.order = [
            at for at in range(len(self.posed)) if self._passes(at, program, self.ends[at])
        ]

    def _passes(self, at: int, program: Program, ends: Sequence[Ends]) -> bool:
        one: Posed = self.posed[at]
        outcome = outcome_of(program, self.records[at], one.given, ends)
        tested = Tested(outcome, outcome.status is Status.PENDING)
        return mismatch(one.test, tested) is None

    def notice(self, mutant: Program) -> bool:
        """Whether a test that passed fails; the one that noticed last is asked first."""
        if mutant.fields != self.program.fields or mutant.tables != self.program.tables:
            return Tests(mutant, Path(self.path)).order != sorted(self.order)
        changed = {
            at
            for at, pair in enumerate(
                zip(mutant.obligations, self.program.obligations, strict=True)
            )
            if pair[0] != pair[1]
        }
        for place, at in enumerate(self.order):
            ends = [
                ends_of(duty, self.records[at]) if number in changed else self.ends[at][number]
                for number, duty in enumerate(mutant.obligations)
            ]
            if not self._passes(at, mutant, ends):
                self.order.insert(0, self.order.pop(place))
                return True
        return False


@dataclass
class Figures:
    """What became of a rulebook's mutants, by kind."""

    noticed: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    equal: list[Mutant] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    tests: int = 0
    seconds: float = 0.0
    complete: bool = True

    @property
    def share(self) -> float:
        total = self.noticed.total() + self.missed.total()
        return self.noticed.total() / total if total else 1.0


def compiled(program: Program) -> object:
    """All of a program that a run can tell apart, places left out."""
    return program.levels, program.obligations, program.questions, program.fields, program.tables


def measure(path: Path, limit: float) -> Figures:
    """Try every mutant of a rulebook, until the time is up."""
    rulebook = parse_rulebook(read_source(path))
    program = compile_rulebook(rulebook)
    start, tests = time.perf_counter(), Tests(program, path)
    figures = Figures(tests=len(tests.order))  # those that hold without a model
    for mutant in Mutants(rulebook, program.lang):
        if time.perf_counter() - start > limit:
            figures.complete = False
            break
        _try(mutant, program, tests, figures)
    figures.seconds = time.perf_counter() - start
    return figures


def _try(mutant: Mutant, program: Program, tests: Tests, figures: Figures) -> None:
    try:
        changed = compile_rulebook(mutant.rulebook)
    except QcError:
        figures.refused += 1
        return
    if compiled(changed) == compiled(program):
        figures.equal.append(mutant)
    elif tests.notice(changed):
        figures.noticed[mutant.kind] += 1
    else:
        figures.missed[mutant.kind] += 1
        figures.survivors.append(mutant)


def _report(path: Path, found: Figures, listed: bool) -> None:
    kinds = "  ".join(
        f"{kind} {found.noticed[kind]}/{found.noticed[kind] + found.missed[kind]}"
        for kind in ("constant", "negation", "comparison")
    )
    rest = "" if found.complete else "  (time is up: not all tried)"
    print(
        f"{path.stem:26} {found.share:6.1%}  {kinds}  refused {found.refused}"
        f"  equal {len(found.equal)}  tests {found.tests}  {found.seconds:.0f} s{rest}",
        flush=True,
    )
    for head, mutants in (("equal", found.equal), ("missed", found.survivors)):
        for one in mutants if listed else ():
            print(f"    {head}  {one.where}  [{one.kind}]  {one.text}")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rulebooks", nargs="*", type=Path)
    parser.add_argument("--limit", type=float, default=120, help="seconds for each rulebook")
    parser.add_argument("--list", action="store_true", help="name those missed, and those equal")
    given = parser.parse_args(arguments)
    paths = given.rulebooks or sorted((ROOT / "rulebooks").glob("*.yaml"))
    noticed = total = equal = 0
    for path in paths:
        found = measure(path, given.limit)
        _report(path, found, given.list)
        noticed += found.noticed.total()
        total += found.noticed.total() + found.missed.total()
        equal += len(found.equal)
    print(f"{'all':26} {noticed / max(1, total):6.1%}  of {total}; compiled the same: {equal}")


if __name__ == "__main__":
    main(sys.argv[1:])
