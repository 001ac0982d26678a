"""Parquet datasets: files of one kind, read a slice at a time.

The rows of a dataset are numbered on through its files, in the order of their names, as a
spreadsheet counts (the first is row 2): one file has the numbers that it has in a plain run.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.bulk.kinds import common_kind
from qc_runtime.bulk.places import Found, Place

SUFFIXES = (".parquet", ".pq")
ROWS_AT_ONCE = 16_384  # that are decoded together
_FOOTER = 8  # bytes at the end: the footer's length, and the magic word


@dataclass(frozen=True)
class DataFile:
    """A file of a dataset: ``groups`` are the rows of its row groups, ``names`` its columns.

    ``digest`` is that of its footer, in which its columns' sizes, places and bounds are;
    ``modified`` is when it was last changed.
    """

    place: Place
    name: str
    groups: tuple[int, ...]
    names: tuple[str, ...]
    digest: str
    modified: str

    @property
    def rows(self) -> int:
        return sum(self.groups)


@dataclass(frozen=True)
class Slice:
    """Rows ``start`` to ``stop`` of a row group; ``first`` is the row number of the first."""

    file: Place
    group: int
    start: int
    stop: int
    first: int


@dataclass(frozen=True)
class Dataset:
    """The files of a dataset in order; ``address`` is how it was named.

    ``kinds`` gives the Arrow type of each column, into which those of all files go.
    """

    address: str
    files: tuple[DataFile, ...]
    kinds: Mapping[str, Any]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    def fingerprint(self) -> list[str]:
        """What tells this data from other data, wherever it lies."""
        return [f"{file.name} {file.digest}" for file in self.files]

    def modified(self) -> list[str]:
        return [file.modified for file in self.files]

    def slices(self) -> Iterator[Slice]:
        """Every row group whole."""
        first = 2
        for file in self.files:
            for group, rows in enumerate(file.groups):
                if rows:
                    yield Slice(file.place, group, 0, rows, first)
                first += rows


def is_dataset(text: str) -> bool:
    """Whether what a user names is a dataset: object storage, a pattern, a folder of Parquet."""
    place = Place(text)
    if place.local is None:
        return True
    if place.local.exists():
        return place.local.is_dir() and any(_is_parquet(one.name) for one in place.files())
    return any(ch in text for ch in "*?[")


def open_dataset(text: str) -> Dataset:
    """The dataset of an address, a pattern, a folder or one file. Raises `QcError`."""
    found = list(_found(text))
    if not found:
        message = Text("这里没有 Parquet 文件", "There are no Parquet files here")
        raise QcError(Diagnostic("QC401", message, place=Text(text, text)))
    kinds: dict[str, Any] = {}
    return Dataset(text, tuple(_data_file(one, kinds) for one in found), kinds)


def _found(text: str) -> Iterable[Found]:
    place = Place(text)
    if place.local is not None and not place.local.exists():
        paths = sorted(path for path in glob.glob(text, recursive=True) if _is_parquet(path))
        infos = [Place(path).info() for path in paths]
        return [one for one in infos if one]
    if _is_parquet(str(place)):
        one = place.info()
        return [one] if one else []
    return [one for one in place.files() if _is_parquet(one.name)]


def _is_parquet(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _data_file(found: Found, kinds: dict[str, Any]) -> DataFile:
    """A file; the types of its columns go into ``kinds``."""
    import pyarrow.parquet as pq

    with found.place.open() as file, _sound(found.place):
        file.seek(found.size - _FOOTER)
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, found.size - _FOOTER - length))
        footer = file.read(length)
        meta = pq.read_metadata(file)
        groups = tuple(meta.row_group(at).num_rows for at in range(meta.num_row_groups))
        schema = meta.schema.to_arrow_schema()
    digest = hashlib.sha256(f"{found.size} ".encode() + footer).hexdigest()
    for column in schema:
        kinds[column.name] = common_kind(kinds.get(column.name), column, found.place)
    return DataFile(found.place, found.name, groups, tuple(schema.names), digest, found.modified)


class _sound:  # noqa: N801 (used as a function)
    """A file that is no Parquet, as a message for a person."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, pa.ArrowException | OSError | ValueError):
            zh, en = "Parquet 文件已损坏或不完整", "The Parquet file is damaged or incomplete"
            help_ = Text("请重新导出。", "Export it again.")
            place = Text(str(self.place), str(self.place))
            raise QcError(Diagnostic("QC406", Text(zh, en), help=help_, place=place)) from None


def cut(slices: Iterable[Slice], sizes: Iterable[int]) -> Iterator[tuple[Slice, ...]]:
    """Slices in parts of so many rows, in order, until there are no more rows or sizes."""
    rest = iter(slices)
    left = next(rest, None)
    for size in sizes:
        part: list[Slice] = []
        while left is not None and size:
            rows = min(size, left.stop - left.start)
            part.append(_from(left, 0, rows))
            size -= rows
            left = _from(left, rows, left.stop - left.start)
            if left.start == left.stop:
                left = next(rest, None)
        yield tuple(part)
        if left is None and size:
            return


def _from(one: Slice, start: int, stop: int) -> Slice:
    return Slice(one.file, one.group, one.start + start, one.start + stop, one.first + start)


def batches(slices: Sequence[Slice], columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """The rows of slices some at a time: the number of the first, and an Arrow record batch."""
    import pyarrow.parquet as pq

    place: Place | None = None
    reader: Any = None
    try:
        for one in slices:
            if one.file != place:
                if reader is not None:
                    reader.close()
                place, reader = one.file, pq.ParquetFile(one.file.open())
            with _sound(one.file):
                yield from _of_slice(reader, one, columns)
    finally:
        if reader is not None:
            reader.close()


def _of_slice(reader: Any, one: Slice, columns: Sequence[str]) -> Iterator[tuple[int, Any]]:
    at = 0
    for batch in reader.iter_batches(ROWS_AT_ONCE, row_groups=[one.group], columns=list(columns)):
        low, high = max(one.start - at, 0), min(one.stop - at, batch.num_rows)
        if low < high:
            yield one.first + at + low - one.start, batch.slice(low, high - low)
        at += batch.num_rows
        if at >= one.stop:
            return


def as_path(place: Place) -> Path:
    """For messages, which name files by path."""
    return place.local or Path(str(place))
