"""Which column of the file carries which field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qc_compiler.values import Field
from qc_dsl.errors import Diagnostic, QcError, did_you_mean, near
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_runtime.records.faults import fault


@dataclass(frozen=True)
class Matched:
    """Column positions by field name (or name of an extra column), and what to warn of."""

    columns: Mapping[str, int]
    warnings: tuple[Diagnostic, ...]


def match_columns(
    path: Path, names: Sequence[str], fields: Sequence[Field], extra: Sequence[str]
) -> Matched:
    """Find the column of every field and extra name. Raises one `QcError` for all that fail.

    Names are compared folded. Of several names of a field that the file has, the field's
    first wins with a warning; one name twice in the file is an error.
    """
    if not any(map(fold, names)):
        raise QcError(_empty(path))
    wanted = {field.name: field.columns or (field.name,) for field in fields}
    wanted |= {name: (name,) for name in extra if name not in wanted}
    named = {field.name for field in fields}
    places = _places(names)
    hits = {name: [c for c in given if fold(c) in places] for name, given in wanted.items()}
    taken = {fold(found[0]) for found in hits.values() if found}
    free = [name for name in names if fold(name) not in taken]
    errors = [
        _missing(path, name if name in named else None, wanted[name], free, not taken)
        for name, found in hits.items()
        if not found
    ]
    chosen = {name: places[fold(found[0])] for name, found in hits.items() if found}
    errors += [_twice(path, name, at) for name, at in chosen.items() if len(at) > 1]
    if errors:
        raise QcError(*errors)
    warnings = [_both(path, name, found) for name, found in hits.items() if len(found) > 1]
    return Matched({name: at[0] for name, at in chosen.items()}, tuple(warnings))


def _empty(path: Path) -> Diagnostic:
    message = Text("是空的，没有列名", "Empty: there are no column names")
    help_ = Text(
        "没有记录的表也要有列名；没有提取的表，去掉这个文件。",
        "A table without rows has its column names too; leave out one that was not extracted.",
    )
    return fault("QC409", path, message, help_)


def _places(names: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        if folded := fold(name):
            places[folded].append(at)
    return places


def _missing(
    path: Path, field: str | None, tried: Sequence[str], free: Sequence[str], nothing: bool
) -> Diagnostic:
    """A missing column, and what else the file has, but for columns of other fields.

    Where no name fits at all, the first row may be a record: it is not shown.
    """
    zh, en = "”或“".join(tried), "” or “".join(tried)
    message = Text(f"没有列“{zh}”", f"No column “{en}”")
    if field is not None:
        message = Text(f"{message.zh}（字段 {field}）", f"{message.en} (field {field})")
    known = [one.strip()[:20] for one in free if fold(one)]
    like = next((one for one in tried if near(one, known)), None)
    if like is None and nothing:
        help_: Text | None = Text(
            f"第一行的 {len(known)} 列没有一个认得：第一行必须是列名，编码也要正确。",
            f"None of the {len(known)} columns is known: the first row must hold the names.",
        )
    else:
        help_ = did_you_mean(like or tried[0], known)
    return fault("QC409", path, message, help_)


def _letters(at: int) -> str:
    """The name of a column in a spreadsheet: A, B, …, Z, AA, …"""
    return (_letters(at // 26 - 1) if at >= 26 else "") + chr(ord("A") + at % 26)


def _twice(path: Path, name: str, at: Sequence[int]) -> Diagnostic:
    where = ", ".join(_letters(one) for one in at)
    message = Text(
        f"字段“{name}”对应的列名出现了 {len(at)} 次（{where} 列）",
        f"The column of field “{name}” is there {len(at)} times (columns {where})",
    )
    help_ = Text("请只留一列，或改名。", "Keep one of them, or rename the others.")
    return fault("QC410", path, message, help_)


def _both(path: Path, name: str, found: Sequence[str]) -> Diagnostic:
    zh, en = "”、“".join(found), "”, “".join(found)
    message = Text(
        f"字段“{name}”有多列可用（“{zh}”），用了“{found[0]}”",
        f"Several columns could be field “{name}” (“{en}”); “{found[0]}” is used",
    )
    place = Text(str(path), str(path))
    return Diagnostic("QC413", message, severity="warning", place=place)
