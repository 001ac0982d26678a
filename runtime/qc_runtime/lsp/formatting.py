"""Formatting: the changes that ``qc fmt`` would make."""

from __future__ import annotations

from qc_dsl.errors import QcError
from qc_dsl.files import Load
from qc_dsl.formatter import format_edits
from qc_dsl.source import Source
from qc_dsl.stretches import Edit


def changes(source: Source, within: Source | None, load: Load) -> list[Edit]:
    """The changes that bring a file into canonical spelling; none while it cannot be read.

    ``within`` is the rulebook that includes the file, where the file is none itself.
    """
    try:
        return format_edits(source, within=within, load=load)
    except QcError:
        return []
