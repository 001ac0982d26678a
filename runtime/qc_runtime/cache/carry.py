"""The shared cache as a file of lines, to be carried to another machine."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.lang import Text
from qc_runtime.backend import load_reply
from qc_runtime.cache.file import CacheFile
from qc_runtime.kept import Kept
from qc_runtime.report.atomic import atomic_path

_AT_ONCE = 5000  # answers added in one transaction
_KEYS = ("digest", "reply", "identity", "created")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def export_to(cache: CacheFile, path: Path) -> int:
    """Write every answer, a JSON object a line, to a file only its owner can read; how many.

    Raises `QcError` (QC605).
    """
    count = 0
    rows = cache.db.execute(f"SELECT {', '.join(_KEYS)} FROM answers ORDER BY digest")
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            line = dict(zip(_KEYS, row, strict=True)) | {"reply": json.loads(row[1])}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
    return count


def import_from(cache: CacheFile, path: Path) -> tuple[int, int]:
    """Add a file's answers that are new or newer than ours: how many, of how many lines.

    A file with a bad line changes nothing. Raises `QcError` (QC622).
    """
    for _ in _lines(path):  # every line is read once before the first is taken
        pass
    lines, taken, total = _lines(path), 0, 0
    while some := dict(islice(lines, _AT_ONCE)):
        ours = cache.created(some)
        newer = [(d, one) for d, one in some.items() if one.answered > ours.get(d, "")]
        cache.keep(newer)
        taken, total = taken + len(newer), total + len(some)
    return taken, total


def _lines(path: Path) -> Iterator[tuple[str, Kept]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield _answer(json.loads(line.decode("utf-8")))
                except (ValueError, TypeError, KeyError, RecursionError):
                    raise QcError(_bad(path, number)) from None
    except OSError as error:
        raise QcError(_unreadable(path, error)) from error


def _answer(line: Any) -> tuple[str, Kept]:
    """One line's answer. `ValueError`, `TypeError` or `KeyError` when it is none."""
    digest, reply, identity, created = (line[key] for key in _KEYS)
    sound = _DIGEST.fullmatch(digest) and isinstance(identity, str) and _TIME.fullmatch(created)
    whole = isinstance(reply, dict) and reply and all(map(_is_value, reply.values()))
    if not sound or not whole:
        raise ValueError
    return digest, Kept(load_reply(json.dumps(reply)), identity, created)


def _is_value(value: Any) -> bool:
    """Whether a slot's value is one: a text, a number, nothing, or probabilities."""
    if isinstance(value, list):
        return bool(value) and all(_is_number(one) and 0 <= one <= 1 for one in value)
    return value is None or isinstance(value, str) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _unreadable(path: Path, error: OSError) -> Diagnostic:
    reason = error.strerror or str(error)
    message = Text(f"读不了这个文件（{reason}）", f"The file cannot be read ({reason})")
    return Diagnostic("QC622", message, place=Text(str(path), str(path)))


def _bad(path: Path, number: int) -> Diagnostic:
    return Diagnostic(
        "QC622",
        Text(f"第 {number} 行不是一条回答", f"Line {number} is not an answer"),
        help=Text(
            "文件应由 qc cache export 写成。没有导入任何回答。",
            "The file should be one that qc cache export wrote. Nothing was imported.",
        ),
        place=Text(f"{path}:{number}", f"{path}:{number}"),
    )
