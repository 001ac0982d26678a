"""Invented cases for the examples, written the way a hospital exports them.

A deck is a folder with ``tables/`` (病例.csv and one CSV file a related table) and 期望.jsonl, in
which each line names a case and the rules that it breaks, by how the case was made up. Every
name, number and text is invented. The same program writes the same bytes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

Row = Mapping[str, object]

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜谢邹苏潘葛范彭"
GIVEN = "伟芳娜敏静磊洋艳勇军杰娟涛超霞平刚桂英华玉兰飞鹏宇晨欣怡晴岚川远洁婷"


@dataclass(frozen=True)
class Case:
    """One case: its own row, the rows of its tables, and the rules it breaks."""

    fields: Row
    tables: Mapping[str, Sequence[Row]]
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deck:
    """Cases that share a case key and tables; ``tables`` gives each table's own key."""

    key: str
    prefix: str
    tables: Mapping[str, str]
    cases: list[Case] = field(default_factory=list)

    def add(self, fields: Row, tables: Mapping[str, Sequence[Row]], *rules: str) -> None:
        self.cases.append(Case(fields, tables, rules))

    def key_of(self, number: int) -> str:
        return f"{self.prefix}{number + 1:04d}"

    def write(self, folder: Path) -> None:
        """Write ``tables/`` and 期望.jsonl into a folder."""
        tables = folder / "tables"
        tables.mkdir(exist_ok=True)
        own = ({self.key: self.key_of(i), **case.fields} for i, case in enumerate(self.cases))
        write_csv(tables / "病例.csv", own)
        for table, key in self.tables.items():
            write_csv(tables / f"{table}.csv", self._rows(table, key))
        lines = (
            {"key": self.key_of(i), "rules": sorted(set(case.rules))}
            for i, case in enumerate(self.cases)
        )
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / "期望.jsonl").write_text(text, "utf-8")

    def _rows(self, table: str, key: str) -> Iterable[Row]:
        rows = ((i, row) for i, case in enumerate(self.cases) for row in case.tables[table])
        for number, (i, row) in enumerate(rows, 1):
            yield {key: f"{table}{number:05d}", self.key: self.key_of(i), **row}


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """A CSV file as Excel opens it: UTF-8 with a mark, a column for every name that a row has."""
    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)


def person(number: int) -> str:
    """An invented name, a different one for each of the first thousand numbers."""
    return SURNAMES[number % len(SURNAMES)] + GIVEN[number * 7 % len(GIVEN)]


@dataclass(frozen=True)
class Clock:
    """Times counted from one moment, in the form in which they are exported."""

    start: datetime

    def at(self, **after: float) -> str:
        """``start`` plus days, hours, minutes: 2025-03-03 09:00."""
        return f"{self.start + timedelta(**after):%Y-%m-%d %H:%M}"

    def day(self, **after: float) -> str:
        """The date alone, as an export without times has it."""
        return self.at(**after)[:10]
