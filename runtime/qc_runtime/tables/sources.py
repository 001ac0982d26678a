"""What ``--data`` gives: which file, or sheet of a workbook, is the cases and which a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qc_compiler.program import Program
from qc_dsl.errors import Diagnostic, Errors, QcError, did_you_mean
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.records.faults import fault
from qc_runtime.records.files import is_data_file, kind_of, read_bytes

CASES = "病例"
_CASE_NAMES = (CASES, "case", "cases", "records")


@dataclass(frozen=True)
class Source:
    """A file, or one sheet of a workbook (`None`: its first visible one)."""

    path: Path
    sheet: str | None = None

    def __str__(self) -> str:
        return f"{self.path}[{self.sheet}]" if self.sheet else str(self.path)


@dataclass(frozen=True)
class Sources:
    """Where the cases and the tables come from. A table that is not in ``tables`` is absent."""

    cases: Source | None
    tables: Mapping[str, Source]
    warnings: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        """The files, each once."""
        given = [self.cases] if self.cases else []
        paths = dict.fromkeys(str(one.path) for one in (*given, *self.tables.values()))
        return "、".join(paths)


def find_sources(given: Sequence[str], program: Program) -> Sources:
    """Sort out the values of ``--data``: FILE, NAME=FILE, a folder, or a workbook of tables.

    Raises `QcError`: QC401 (no file), QC415 (no such table), QC416 (two sources for one).
    """
    names = source_names(program)
    errors = Errors()
    found: dict[str, list[Source]] = {}
    unused: list[Source] = []
    for one in given:
        for name, source in errors.attempt(sources_of, one, names) or ():
            (found.setdefault(name, []) if name else unused).append(source)
    for name, sources in found.items():
        if len(sources) > 1:
            errors.found.append(given_twice(name, sources))
    errors.raise_any()
    if not found:
        raise QcError(_nothing(given, unused, names))
    warnings = tuple(_unused(one, names) for one in unused)
    cases = found.pop(CASES, None)
    return Sources(cases[0] if cases else None, {n: s[0] for n, s in found.items()}, warnings)


Named = tuple[str | None, Source]  # the table (or CASES) that a source is for; None: for nothing


def source_names(program: Program) -> dict[str, str]:
    """Every name that a source may have, folded, with the table that it means."""
    names = {fold(name): CASES for name in (*_CASE_NAMES, program.id)}
    for table in program.tables:
        names |= {fold(name): table.name for name in (*table.files, table.name)}
    return names


def sources_of(given: str, names: Mapping[str, str]) -> Iterable[Named]:
    """What one value of ``--data`` gives, and for which table."""
    path = Path(given)
    name, equals, rest = given.partition("=")
    if equals and not path.exists():
        if fold(name) not in names:
            raise QcError(_no_table(name, names))
        return [(names[fold(name)], Source(Path(rest)))]
    if path.is_dir():
        return list(_of_folder(path, names))
    sheets = _sheets(path) if len(names) > len(_CASE_NAMES) + 1 else []
    if any(fold(sheet) in names for sheet in sheets):
        return [(names.get(fold(sheet)), Source(path, sheet)) for sheet in sheets]
    return [(CASES, Source(path))]


def _of_folder(folder: Path, names: Mapping[str, str]) -> Iterator[Named]:
    for path in sorted(filter(is_data_file, folder.iterdir())):
        yield names.get(fold(path.stem)), Source(path)


def _sheets(path: Path) -> list[str]:
    """The sheets of a workbook; none for any other file."""
    if kind_of(path, read_bytes(path, 8)) != "sheet":
        return []
    from qc_runtime.records.sheets import sheet_names

    return sheet_names(path, read_bytes(path))


def _known(names: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(names.values()))


def _no_table(name: str, names: Mapping[str, str]) -> Diagnostic:
    message = Text(f"规则集没有表“{name[:40]}”", f"The rulebook has no table “{name[:40]}”")
    help_ = did_you_mean(name, _known(names))
    return Diagnostic("QC415", message, help=help_, place=Text("--data", "--data"))


def given_twice(name: str, sources: Sequence[object]) -> Diagnostic:
    listed = "、".join(map(str, sources[:4]))
    message = Text(
        f"“{name}”有 {len(sources)} 份数据：{listed}",
        f"“{name}” is given {len(sources)} times: {listed}",
    )
    help_ = Text("请只留一份。", "Keep one of them.")
    return Diagnostic("QC416", message, help=help_, place=Text("--data", "--data"))


def _unused(source: Source, names: Mapping[str, str]) -> Diagnostic:
    name = source.sheet or source.path.stem
    message = Text(f"没有用到“{name}”", f"“{name}” is not used")
    place = Text(str(source.path), str(source.path))
    help_ = did_you_mean(name, _known(names))
    return Diagnostic("QC417", message, help=help_, severity="warning", place=place)


def _nothing(
    given: Sequence[str], unused: Sequence[Source], names: Mapping[str, str]
) -> Diagnostic:
    """A folder or workbook in which nothing has the name of a table."""
    message = Text("里面没有规则集用到的数据", "There is no data in it that the rulebook uses")
    listed = "、".join(_known(names))
    here = "、".join(one.sheet or one.path.name for one in unused[:8])
    help_ = Text(
        f"文件名或工作表名应为：{listed}。" + (f"现有：{here}" if here else ""),
        f"Files or sheets should be named: {listed}." + (f" There are: {here}" if here else ""),
    )
    return fault("QC415", Path(given[0]), message, help_)
