"""A list of terms from a CSV file or a workbook: names, their synonyms and their groups.

A workbook's first sheet is read as the CSV that it would be saved as, so that every mistake
has a line to point at.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qc_dsl.errors import Diagnostic, Errors, QcError, Related, did_you_mean
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.names import NAME
from qc_dsl.shapes import TermFileShape
from qc_dsl.source import Source, Span

MAX_GROUPS = 300
SHEETS = (".xlsx", ".xlsm", ".xls")
TABLES = (".csv", ".txt", ".tsv")
_SPLIT = re.compile(r"[;；、|｜]")
_SYNONYMS, _GROUP = ("同义词", "synonyms"), ("分组", "group")


@dataclass(frozen=True)
class TermFile:
    """What a file of terms holds: all its words, and those of each group, synonyms after ``=``."""

    source: Source
    words: tuple[str, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class _Row:
    line: Span
    cells: list[str]


def read_terms(path: Path, data: bytes, shape: TermFileShape, errors: Errors) -> TermFile:
    """The terms of a file; what is wrong with its rows is collected.

    Raises `QcError` where the file is no table, or has not the columns that are named.
    """
    source = Source(str(path), _text(path, data))
    header, *rows = _rows(source) or [_Row(Span(source, 0, 1), [])]
    names = [fold(cell) for cell in header.cells]
    if not rows:
        message = Text("词表文件里没有内容", "The file of terms holds no rows")
        raise QcError(Diagnostic("QC023", message, header.line))
    columns = _columns(shape, names, header.line)
    sound = [row for row in rows if errors.attempt(_check, row, columns[0], header.cells)]
    _check_twice(sound, columns[0], errors)
    words = tuple(_word(row, columns) for row in sound)
    return TermFile(source, words, tuple(_groups(sound, columns, errors)))


def _text(path: Path, data: bytes) -> str:
    if path.suffix.lower() in SHEETS:
        return _sheet(path, data)
    line = 1
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            line = max(line, data[: error.start].count(b"\n") + 1)
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
        line = text[: text.index("\0")].count("\n") + 1
        break
    message = Text(
        f"第 {line} 行既不是 UTF-8 也不是 GB18030 文本", f"Line {line} is neither UTF-8 nor GB18030"
    )
    place = Text(f"{path}:{line}:1", f"{path}:{line}:1")
    raise QcError(Diagnostic("QC022", message, place=place))


def _sheet(path: Path, data: bytes) -> str:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        message = Text("工作簿打不开（损坏或有密码）", "The workbook cannot be opened")
        place = Text(f"{path}:1:1", f"{path}:1:1")
        raise QcError(Diagnostic("QC022", message, place=place)) from error
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())


def _rows(source: Source) -> list[_Row]:
    """The rows that hold anything, each with the line where it begins."""
    # The limit is the whole process's: it may be raised here, never lowered for others.
    csv.field_size_limit(max(csv.field_size_limit(), len(source.text)))
    text = io.StringIO(source.text, newline="")
    reader = csv.reader(text, delimiter=_delimiter(source), strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            start = source.starts[line - 1]
            if any(cell.strip() for cell in cells):
                end = max(start + 1, start + len(source.line(line)))
                rows.append(_Row(Span(source, start, end), [cell.strip() for cell in cells]))
            line = reader.line_num + 1
    except csv.Error:
        message = Text(
            "这一行读不成表格：引号没有成对", "This line is no row of a table: a quote never closes"
        )
        start = source.starts[min(line, len(source.starts)) - 1]
        raise QcError(Diagnostic("QC022", message, Span(source, start, start + 1))) from None
    return rows


def _delimiter(source: Source) -> str:
    first = source.text.partition("\n")[0]
    return "\t" if "\t" in first and "," not in first else ","


def _columns(
    shape: TermFileShape, names: list[str], header: Span
) -> tuple[int, int | None, int | None]:
    """Where names, synonyms and groups stand. Raises `QcError` for columns that are not there."""
    errors: list[Diagnostic] = []

    def find(name: str | None, default: Iterable[str]) -> int | None:
        if name is None:
            return next((names.index(known) for known in default if known in names), None)
        if fold(name) in names:
            return names.index(fold(name))
        message = Text(f"词表文件没有列“{name}”", f"The file of terms has no column “{name}”")
        errors.append(Diagnostic("QC023", message, header, did_you_mean(name, names)))
        return None

    found = find(shape.name, ()), find(shape.synonyms, _SYNONYMS), find(shape.group, _GROUP)
    if errors:
        raise QcError(*errors)
    return found[0] or 0, found[1], found[2]


def _check(row: _Row, name: int, header: list[str]) -> bool:
    """Whether a row is one: as long as the header, with a name."""
    cells, line = row.cells, row.line.source.position(row.line.start)[0]
    extra = [cell for cell in cells[len(header) :] if cell]
    if extra or len(cells) < len(header):
        message = Text(
            f"第 {line} 行有 {len(cells)} 格，表头有 {len(header)} 格",
            f"Line {line} has {len(cells)} cells, the header {len(header)}",
        )
        help_ = Text("格内有逗号时请加英文双引号", 'A cell with a comma in it needs "quotes"')
        raise QcError(Diagnostic("QC024", message, row.line, help_))
    if not fold(cells[name]):
        message = Text(f"第 {line} 行没有名称", f"Line {line} has no name")
        help_ = Text(f"名称在“{header[name]}”列", f"Names are in the column “{header[name]}”")
        raise QcError(Diagnostic("QC024", message, row.line, help_))
    if any("\n" in cell or "\r" in cell for cell in cells):
        message = Text(f"第 {line} 行的格里有换行", f"A cell of line {line} holds a line break")
        help_ = Text("多半是少了一个引号", "A quote is probably missing")
        raise QcError(Diagnostic("QC024", message, row.line, help_))
    if any("=" in cell for cell in cells):
        message = Text(f"第 {line} 行有“=”", f"Line {line} holds a “=”")
        help_ = Text("同义词请用分号隔开，不要用等号", "Part synonyms by semicolons")
        raise QcError(Diagnostic("QC024", message, row.line, help_))
    return True


def _check_twice(rows: list[_Row], name: int, errors: Errors) -> None:
    seen: dict[str, _Row] = {}
    for row in rows:
        word = fold(row.cells[name])
        if (first := seen.setdefault(word, row)) is not row:
            line = row.line.source.position(row.line.start)[0]
            message = Text(
                f"第 {line} 行的“{row.cells[name]}”前面已经有了",
                f"Line {line}: “{row.cells[name]}” stands above already",
            )
            there = Related(first.line, Text("第一次在这里", "first given here"))
            errors.found.append(Diagnostic("QC024", message, row.line, related=(there,)))


def _split(cell: str) -> Iterator[str]:
    return (part.strip() for part in _SPLIT.split(cell) if fold(part))


def _word(row: _Row, columns: tuple[int, int | None, int | None]) -> str:
    name, synonyms, _ = columns
    others = _split(row.cells[synonyms]) if synonyms is not None else ()
    return "=".join(dict.fromkeys((row.cells[name], *others)))


def _groups(
    rows: list[_Row], columns: tuple[int, int | None, int | None], errors: Errors
) -> Iterator[tuple[str, tuple[str, ...]]]:
    at = columns[2]
    if at is None:
        return
    groups: dict[str, list[str]] = {}
    for row in rows:
        for group in _split(row.cells[at]):
            groups.setdefault(group, []).append(_word(row, columns))
    if len(groups) > MAX_GROUPS:
        message = Text(
            f"有 {len(groups)} 个分组，太多了；是不是选错了列？",
            f"{len(groups)} groups are too many: is this the right column?",
        )
        errors.found.append(Diagnostic("QC024", message, rows[0].line))
        return
    for name, words in groups.items():
        if NAME.fullmatch(name):
            yield name, tuple(words)
        else:
            errors.found.append(_bad_group(name, next(r for r in rows if name in r.cells[at])))


def _bad_group(name: str, row: _Row) -> Diagnostic:
    line = row.line.source.position(row.line.start)[0]
    message = Text(
        f"第 {line} 行的分组“{name}”不能用作名称",
        f"Line {line}: the group “{name}” cannot be a name",
    )
    help_ = Text("分组名由汉字、字母、数字组成", "The name of a group is letters and digits")
    return Diagnostic("QC024", message, row.line, help_)
