"""``qc fmt``: rulebooks in canonical spelling; comments, layout and names as they are."""

from __future__ import annotations

import difflib
import stat
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qc_dsl.errors import Diagnostic, QcError, render
from qc_dsl.lang import Lang, Text, tr

if TYPE_CHECKING:
    from qc_dsl.source import Source
    from qc_dsl.stretches import Edit

STDIN = Path("-")


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


@dataclass(frozen=True)
class Formatted:
    """A file as it is and as it should be. ``raw``: its text with BOM and line ends."""

    source: Source
    raw: str
    edits: list[Edit]

    @property
    def new(self) -> str:
        from qc_dsl.stretches import apply

        return apply(self.source.text, self.edits)


def fmt(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", help=tr("规则集文件，- 是标准输入", "rulebook files; - is stdin")
        ),
    ],
    check: Annotated[
        bool,
        typer.Option(
            "--check", help=tr("只列出要改的文件", "list what would change, write nothing")
        ),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help=tr("只显示差别", "show differences, write nothing"))
    ] = False,
    lang: Annotated[
        Language | None,
        typer.Option(help=tr("关键词译成这种语言", "put the keywords in this language")),
    ] = None,
    rulebook: Annotated[
        Path | None,
        typer.Option(
            metavar="RULEBOOK",
            help=tr("引用这些文件的规则集", "the rulebook that includes these files"),
        ),
    ] = None,
) -> None:
    changed = failed = 0
    for path in files:
        try:
            found = _format(path, _language(lang), rulebook, files)
            changed += bool(found.edits)
            _put_out(path, found, check=check, diff=diff)
        except QcError as error:
            failed += 1
            for diagnostic in error.diagnostics:
                typer.echo(render(diagnostic), err=True)
    raise typer.Exit(2 if failed else 1 if check and changed else 0)


def _language(lang: Language | None) -> Lang | None:
    return None if lang is None else "zh" if lang is Language.ZH else "en"


def _format(path: Path, lang: Lang | None, rulebook: Path | None, files: list[Path]) -> Formatted:
    from qc_compiler.same import safe_edits
    from qc_dsl.owners import is_rulebook

    source, raw = _read(path)
    within = None
    if rulebook is not None or not is_rulebook(source):
        within = _within(path, rulebook, [f for f in files if f != STDIN])
    return Formatted(source, raw, safe_edits(source, lang, within))


def _read(path: Path) -> tuple[Source, str]:
    from qc_dsl.files import decode, read_source

    if path != STDIN:
        read_source(path)  # says what is wrong with a file that cannot be read, or is too large
    data = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
    source = decode(Path(tr("标准输入", "stdin")) if path == STDIN else path, data)
    return source, data.decode("utf-8")


def _within(path: Path, rulebook: Path | None, files: list[Path]) -> Source:
    """The rulebook that a file without a heading of its own belongs to."""
    from qc_dsl.files import read_source
    from qc_dsl.owners import rulebook_of

    found = rulebook or rulebook_of(path, files)
    if found is None:
        raise QcError(
            Diagnostic(
                "QC651",
                Text("找不到引用这个文件的规则集", "No rulebook was found that includes this file"),
                help=Text("请用 --rulebook 写明", "Name it by --rulebook"),
                place=Text(str(path), str(path)),
            )
        )
    return read_source(found)


def _put_out(path: Path, found: Formatted, *, check: bool, diff: bool) -> None:
    if diff:
        typer.echo(_diff(str(path), found), nl=False)
    if check and found.edits:
        typer.echo(str(path))
    if check or diff:
        return
    if path == STDIN:
        typer.echo(found.new, nl=False)
    elif found.edits:
        _write(path.resolve(), found)
        typer.echo(tr(f"已改写 {path}", f"Rewrote {path}"))


def _diff(name: str, found: Formatted) -> str:
    before, after = (text.splitlines(keepends=True) for text in (found.source.text, found.new))
    lines = difflib.unified_diff(before, after, name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _write(path: Path, found: Formatted) -> None:
    """Put the new text in the file's place: whole or not at all, under the rights it had."""
    from qc_dsl.stretches import apply_raw
    from qc_runtime.report.atomic import atomic_path

    bom = "\ufeff" if found.raw.startswith("\ufeff") else ""
    text = bom + apply_raw(found.raw.removeprefix("\ufeff"), found.edits)
    mode = stat.S_IMODE(path.stat().st_mode)
    with atomic_path(path) as part:
        part.write_bytes(text.encode("utf-8"))
        part.chmod(mode)
