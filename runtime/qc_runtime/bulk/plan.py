"""Which parts there are: only this list of a bulk run is in memory."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from qc_compiler.emit import digest
from qc_compiler.program import Program
from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.dataset import Dataset, cut
from qc_runtime.bulk.distinct import check_keys
from qc_runtime.bulk.matching import Names, given_fields, names_of
from qc_runtime.bulk.parts import Part
from qc_runtime.bulk.sources import BulkSources
from qc_runtime.bulk.spread import spread
from qc_runtime.tables.sources import CASES

_FORMAT = 1  # of the parts and their reports
_WORK = ".bulk-"


@dataclass(frozen=True)
class Plan:
    """All parts of a run, in order.

    ``digest`` stands for the rulebook, the data, how it is judged and how it is cut, wherever
    the data lies; ``modified`` for when the data was last changed here. ``names`` gives for
    each source the column of each field; in data that was spread the rows carry their numbers.
    """

    digest: str
    modified: str
    parts: tuple[Part, ...]
    names: Mapping[str, Names]
    is_spread: bool

    @property
    def rows(self) -> int:
        return sum(part.cases for part in self.parts)

    def shard(self, number: int, of: int) -> tuple[Part, ...]:
        """Every ``of``-th part, from the ``number``-th (1-based)."""
        return self.parts[number - 1 :: of]


def make_plan(
    program: Program, sources: BulkSources, how: Sequence[object], rows: int, work: Path
) -> Plan:
    """The parts of so many cases. ``how`` is whatever else outcomes depend on.

    What has to be kept until the run is over is in a private folder in ``work``. Raises
    `QcError`: among others QC412 where two cases of the whole have the same key.
    """
    said = [_FORMAT, digest(program), list(how), rows, sources.fingerprints()]
    plan = _sha256(said)
    modified = _sha256(sources.modified())
    folder = work / f"{_WORK}{plan[:12]}-{modified[:8]}"
    if not sources.is_flat:
        parts, names = spread(program, sources, rows, folder)
        return Plan(plan, modified, parts, names, True)
    assert isinstance(sources.cases, Dataset)
    matched = names_of(sources.cases, given_fields(program))
    cases = cut(sources.cases.slices(), repeat(rows))
    parts = tuple(Part(number, {CASES: some}) for number, some in enumerate(filter(None, cases), 1))
    if not parts:
        raise QcError(_no_records(sources))
    check_keys(program, sources.cases, folder)
    return Plan(plan, modified, parts, {CASES: matched}, False)


def forget_work(work: Path, but: Plan | None = None) -> None:
    """Remove what plans have kept there, all but this one's."""
    kept = f"{_WORK}{but.digest[:12]}-{but.modified[:8]}" if but else None
    for folder in work.glob(f"{_WORK}*"):
        if folder.name != kept:
            shutil.rmtree(folder, ignore_errors=True)


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()


def _no_records(sources: BulkSources) -> Diagnostic:
    message = Text("数据里没有病例", "The data holds no records")
    return Diagnostic("QC408", message, place=Text(str(sources), str(sources)))
