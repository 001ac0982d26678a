"""What the server knows: the open texts, and for every rulebook the last reading of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qc_dsl.errors import Diagnostic, QcError
from qc_dsl.files import MAX_BYTES, decode
from qc_dsl.source import Source
from qc_runtime.lsp.reading import SENTENCES, Reading, is_root, read
from qc_runtime.lsp.texts import Buffers

_YAML = (".yaml", ".yml")
MOST_LOOKED_AT = 200  # files beside a part that are searched for the rulebook that includes it
_FOLDERS_UP = 2


@dataclass
class Desk:
    """Readings by the path of their rulebook, and the texts that are open now."""

    texts: dict[Path, str] = field(default_factory=dict)
    uris: dict[Path, str] = field(default_factory=dict)
    readings: dict[Path, Reading] = field(default_factory=dict)
    alone: set[Path] = field(default_factory=set)  # parts that no rulebook was found for

    @property
    def buffers(self) -> Buffers:
        """The open texts as they are now; what is typed later does not change them."""
        return Buffers(dict(self.uris), dict(self.texts))

    def roots_of(self, path: Path) -> tuple[Path, ...]:
        """The rulebooks that a change of a file concerns; the file itself if there are none."""
        known = [root for root, reading in self.readings.items() if path in reading.paths]
        roots = [root for root in known if root == path or root not in self.alone]
        text = self.texts.get(path)
        is_open_root = text is not None and is_root(Source(str(path), text))
        if is_open_root and path not in roots:
            roots.append(path)
        others = [root for root in roots if root != path]
        return tuple(roots if is_open_root else others) or (path,)

    def reading_of(self, path: Path) -> Reading | None:
        """The reading by which a file is best understood."""
        found = (self.readings.get(root) for root in self.roots_of(path))
        return next((reading for reading in found if reading is not None), None)


def read_root(
    path: Path, buffers: Buffers, watch: Callable[[], None], last: Reading | None
) -> Reading | None:
    """Read the rulebook at a path, or a part that stands alone; `None` where the file is gone.

    Raises `StaleError`.
    """
    source = buffers.source(path)
    if source is None:
        try:
            source = decode(path, buffers.load(path))
        except (OSError, ValueError):
            return None
        except QcError as error:
            return Reading(Source(str(path), ""), error.diagnostics)
    return read(source, buffers.load, watch, last)


def including(path: Path, buffers: Buffers) -> Path | None:
    """A rulebook in a part's folder, or in one above, that names the part as its own."""
    for candidate in _candidates(path):
        try:
            text = candidate.read_text("utf-8") if candidate not in buffers.texts else ""
        except (OSError, ValueError):
            continue
        text = text or buffers.texts.get(candidate, "")
        if path.name not in text or not is_root(Source(str(candidate), text)):
            continue
        reading = read_root(candidate, buffers, lambda: None, None)
        if reading is not None and path in reading.paths:
            return candidate
    return None


def _candidates(path: Path) -> Iterator[Path]:
    """The rulebooks beside a file and in the folders above: not many, and none too large."""
    looked_at = 0
    for folder in list(path.parents)[: _FOLDERS_UP + 1]:
        try:
            names = sorted(folder.iterdir())
        except OSError:
            return
        for name in names:
            looked_at += 1
            if looked_at > MOST_LOOKED_AT:
                return
            if name.suffix.lower() in _YAML and name != path and _is_small(name):
                yield name


def _is_small(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MAX_BYTES
    except OSError:
        return False


def by_file(reading: Reading) -> dict[Path, list[Diagnostic]]:
    """What is wrong, by the file that it is shown in; without a place, in the rulebook itself."""
    found: dict[Path, list[Diagnostic]] = {path: [] for path in reading.paths}
    for diagnostic in (*reading.found, *reading.meant):
        place = diagnostic.span.source.path if diagnostic.span else reading.source.path
        found.setdefault(Path(place), []).append(diagnostic)
    return found


__all__ = ["SENTENCES", "Desk", "by_file", "including", "read_root"]
