"""What a bulk run was about, for its reports: of one part, and of the whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from qc_compiler.program import Program
from qc_runtime.bulk.load import Read
from qc_runtime.bulk.places import Place
from qc_runtime.bulk.plan import Plan
from qc_runtime.bulk.sources import BulkSources
from qc_runtime.judging.judge import Judged
from qc_runtime.report.summary import RunInfo, TableInfo

PLAN = "plan.json"


def run_info(
    program: Program,
    sources: BulkSources,
    read: Read,
    judged: Judged,
    started: datetime,
    finished: datetime,
) -> RunInfo:
    """About one part."""
    records = read.records
    named = program.department if records else None
    return replace(
        _info(program, sources, started, finished),
        records=len(records) if records else 0,
        usage=judged.usage,
        problems=read.unreadable,
        accounts=judged.accounts,
        departments=records.display.get(named) if records and named else None,
        tables=tuple(
            TableInfo(name, str(one.source), one.rows, one.orphans, one.keyless, one.unreadable)
            for name, one in read.tables.items()
        ),
    )


def _info(program: Program, sources: BulkSources, started: datetime, finished: datetime) -> RunInfo:
    given = {name: TableInfo(name, _shown(one), 0, 0, 0, 0) for name, one in sources.tables.items()}
    return RunInfo(
        title=program.title,
        id=program.id,
        version=program.version,
        basis=program.basis,
        data=str(sources),
        records=0,
        verdicts=tuple((verdict.name, verdict.kind.value) for verdict in program.verdicts),
        rules=tuple(rule.id for rule in program.rules),
        started=started,
        finished=finished,
        tables=tuple(given.values()),
        absent=tuple(one.name for one in program.tables if one.name not in given),
        has_findings=bool(program.obligations),
        has_score=program.score is not None,
    )


def _shown(source: object) -> str:
    return str(Place(getattr(source, "address", str(source))))


@dataclass(frozen=True)
class About:
    """What is known of a whole run before it begins: enough to merge its results anywhere."""

    plan: str
    modified: str
    parts: int
    rows: int
    info: RunInfo

    @classmethod
    def of(cls, program: Program, sources: BulkSources, plan: Plan, model: str | None) -> About:
        now = datetime.now().astimezone()
        info = replace(_info(program, sources, now, now), model=model)
        return cls(plan.digest, plan.modified, len(plan.parts), plan.rows, info)

    def write(self, out: Place) -> None:
        said = {
            "plan": self.plan,
            "modified": self.modified,
            "parts": self.parts,
            "rows": self.rows,
            "info": asdict(self.info)
            | {name: getattr(self.info, name).isoformat() for name in ("started", "finished")},
        }
        text = json.dumps(said, ensure_ascii=False, indent=1) + "\n"
        out.child(PLAN).write(text.encode())

    @classmethod
    def read(cls, out: Place) -> About | None:
        """What a folder of results says; `None` where nothing can be read."""
        try:
            said = json.loads(out.child(PLAN).read() or b"null")
            return None if said is None else cls(**said | {"info": _info_from(said["info"])})
        except (ValueError, TypeError, KeyError):
            return None


def _info_from(said: Mapping[str, Any]) -> RunInfo:
    tuples: dict[str, Sequence[Any]] = {
        "verdicts": tuple(map(tuple, said["verdicts"])),
        "rules": tuple(said["rules"]),
        "absent": tuple(said["absent"]),
        "plans": (),
        "tables": tuple(TableInfo(**one) for one in said["tables"]),
    }
    times = {name: datetime.fromisoformat(said[name]) for name in ("started", "finished")}
    return RunInfo(**{**said, **tuples, **times})
