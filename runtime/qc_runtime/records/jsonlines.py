"""JSONL: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from qc_dsl.errors import QcError
from qc_dsl.lang import Text
from qc_runtime.records.decode import to_utf8
from qc_runtime.records.faults import SHOWN, fault
from qc_runtime.records.table import Table, encode

_NOT_JSON = Text("不是有效的 JSON", "Not valid JSON")
_NOT_OBJECT = Text("应是一个 JSON 对象 {…}", "Expected a JSON object {…}")
_HELP = Text(
    '每行写一个完整的 JSON 对象，例如 {"住院号": "1"}。',
    'Write one whole JSON object a line, for example {"住院号": "1"}.',
)


def read_jsonl(path: Path, data: bytes) -> Table:
    """The objects of a file as rows; a name that an object lacks is missing. Raises `QcError`."""
    objects, numbers = [], []
    faults: list[tuple[int, Text]] = []
    for number, line in _lines(to_utf8(path, data)):
        try:
            objects.append(_object(line))
            numbers.append(number)
        except _LineError as error:
            faults.append((number, error.message))
    if faults:
        raise QcError(*(fault("QC407", path, text, _HELP, row) for row, text in faults[:SHOWN]))
    names = tuple(dict.fromkeys(name for one in objects for name in one))
    return Table(
        names,
        len(objects),
        lambda i: encode(one.get(names[i]) for one in objects),
        lambda: numbers,
    )


class _LineError(ValueError):
    def __init__(self, message: Text) -> None:
        self.message = message


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            yield number, line


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line, object_pairs_hook=_pairs, parse_constant=_constant)
    except _LineError:
        raise
    except (ValueError, RecursionError):
        raise _LineError(_NOT_JSON) from None
    if not isinstance(value, dict):
        raise _LineError(_NOT_OBJECT)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:40]
        raise _LineError(Text(f"名称“{twice}”重复", f"The name “{twice}” is there twice"))
    return found


def _constant(name: str) -> NoReturn:
    raise _LineError(_NOT_JSON)  # NaN and Infinity are Python's, not JSON
