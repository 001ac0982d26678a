"""What ``--data`` gives in bulk: Parquet datasets, or ordinary files, for cases and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qc_compiler.program import Program
from qc_dsl.errors import Diagnostic, Errors, QcError
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.bulk.dataset import SUFFIXES, Dataset, is_dataset, open_dataset
from qc_runtime.bulk.places import Place
from qc_runtime.models.cache import hash_file
from qc_runtime.records.files import is_data_file, kind_of, read_bytes
from qc_runtime.tables.sources import CASES, Source, given_twice, source_names, sources_of

DataSource = Dataset | Source


@dataclass(frozen=True)
class BulkSources:
    """Where the cases and the tables come from. A table that is not in ``tables`` is absent."""

    cases: DataSource
    tables: Mapping[str, DataSource]
    given: tuple[str, ...]

    def __str__(self) -> str:
        return "、".join(str(Place(one)) for one in self.given)

    @property
    def is_flat(self) -> bool:
        """Whether the cases can be cut into parts where they lie."""
        return isinstance(self.cases, Dataset) and not self.tables

    def named(self) -> Iterator[tuple[str, DataSource]]:
        yield CASES, self.cases
        yield from self.tables.items()

    def fingerprints(self) -> list[object]:
        """What tells this data from other data, wherever it lies."""
        return [[name, *_fingerprint(one)] for name, one in self.named()]

    def modified(self) -> list[str]:
        """When each file was last changed."""
        return [stamp for _, one in self.named() for stamp in _modified(one)]


def _fingerprint(one: DataSource) -> list[str]:
    if isinstance(one, Dataset):
        return one.fingerprint()
    return [f"{one.path.name}[{one.sheet or ''}] {hash_file(one.path)}"]


def _modified(one: DataSource) -> list[str]:
    return one.modified() if isinstance(one, Dataset) else [str(one.path.stat().st_mtime_ns)]


def wants_bulk(given: Sequence[str], program: Program) -> bool:
    """Whether some value of ``--data`` is a dataset: a folder or pattern of Parquet files."""
    names = source_names(program)
    return any(is_dataset(text) for one in given for name, text in _named(one, names) if name)


def find_bulk_sources(given: Sequence[str], program: Program) -> BulkSources:
    """Sort out the values of ``--data``. Raises `QcError`; see `tables.sources`, and QC642."""
    names = source_names(program)
    errors = Errors()
    found: dict[str, list[DataSource]] = {}
    for one in given:
        for name, text in _named(one, names):
            if name:
                found.setdefault(name, []).extend(errors.attempt(_opened, name, text, names) or ())
    errors.found += [given_twice(name, some) for name, some in found.items() if len(some) > 1]
    errors.raise_any()
    if not found.get(CASES):  # nothing that is for them, or a folder that has no data
        raise QcError(_no_cases(given))
    sources = {name: some[0] for name, some in found.items()}
    cases = sources.pop(CASES)
    if isinstance(cases, Source) and kind_of(cases.path, read_bytes(cases.path, 8)) != "delimited":
        raise QcError(_not_for_bulk(cases))
    return BulkSources(cases, sources, tuple(given))


def _named(given: str, names: Mapping[str, str]) -> Iterable[tuple[str | None, str]]:
    """The table (or `CASES`) that each of an argument's sources is for; `None`: for nothing."""
    name, equals, rest = given.partition("=")
    if equals and fold(name) in names and not Path(given).exists():
        return [(names[fold(name)], rest)]
    folder = Place(given).local
    if folder is not None and folder.is_dir():
        children = sorted(child for child in folder.iterdir() if _is_source(child))
        if any(fold(child.stem) in names for child in children):
            return [(names.get(fold(child.stem)), str(child)) for child in children]
    return [(CASES, given)]


def _is_source(path: Path) -> bool:
    return is_data_file(path) or (path.is_dir() and not path.name.startswith((".", "_")))


def _opened(name: str, text: str, names: Mapping[str, str]) -> list[DataSource]:
    if is_dataset(text) or text.lower().endswith(SUFFIXES):
        return [open_dataset(text)]
    if name != CASES:
        return [Source(Path(text))]
    return [source for table, source in sources_of(text, names) if table == CASES]


def _no_cases(given: Sequence[str]) -> Diagnostic:
    listed = "、".join(given)
    message = Text(
        f"没有病例的数据，不能分批判断：{listed}",
        f"There are no cases to judge part by part: {listed}",
    )
    help_ = Text(
        "请用 --data 给出病例的 Parquet 文件夹或 CSV 文件。",
        "Name a folder of Parquet files, or a CSV file, that holds the cases.",
    )
    return Diagnostic("QC642", message, help=help_)


def _not_for_bulk(source: Source) -> Diagnostic:
    message = Text(
        "分批判断时，病例只能是 Parquet 或 CSV",
        "Cases that are judged part by part must be Parquet or CSV",
    )
    help_ = Text(
        "请另存为 Parquet 或 CSV；或去掉 --bulk 等选项，一次读入全部病例。",
        "Save them as Parquet or CSV, or do without --bulk, --shard and --ray.",
    )
    return Diagnostic("QC642", message, help=help_, place=Text(str(source), str(source)))
