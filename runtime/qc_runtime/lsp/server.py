"""The language server over standard input and output.

The texts change on the event loop; rulebooks are read in one thread beside it, the newest texts
only: a reading that has become stale stops between two sentences.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from io import FileIO
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from qc_dsl.errors import Diagnostic
from qc_dsl.sentence import interactive
from qc_dsl.source import Source
from qc_runtime.lsp import shown
from qc_runtime.lsp.desk import Desk, by_file, including, read_root
from qc_runtime.lsp.reading import Reading, StaleError, deepened, is_root
from qc_runtime.lsp.texts import Encoding, path_of, source_of, uri_of

PAUSE = 0.03  # seconds without a keystroke before the text is read
PATIENCE = 2.0  # seconds that a request waits for the first reading of a file


Watch = Callable[[], None]
T = TypeVar("T")


class Server(LanguageServer):
    """Keeps the desk, and publishes what is wrong after every change."""

    def __init__(self) -> None:
        version = metadata.version("qc-rulebook")
        kind = types.TextDocumentSyncKind.Full
        super().__init__("qc", version, text_document_sync_kind=kind)
        self.desk = Desk()
        # Looking into what was read may take longer than reading what is typed meanwhile.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="qc-reading")
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="qc-looking")
        self._newest: dict[Path, int] = {}  # how often a rulebook was to be read
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        self._shown: dict[Path, dict[Path, list[Diagnostic]]] = {}  # by rulebook, by file

    @property
    def encoding(self) -> Encoding:
        return self.workspace.position_encoding or types.PositionEncodingKind.Utf16

    def warm_up(self) -> None:
        """Build the parser before it is needed."""
        self._reader.submit(interactive, "sentence")

    def close(self) -> None:
        for threads in (self._reader, self._looker):
            threads.shutdown(wait=False, cancel_futures=True)

    # texts

    def put(self, uri: str, text: str) -> None:
        path = path_of(uri)
        self.desk.uris[path] = uri
        self.desk.texts[path] = text
        self.concern(path)

    def drop(self, uri: str) -> None:
        """A file is closed: what is wrong with a rulebook is shown while a file of it is open."""
        path = path_of(uri)
        self.desk.texts.pop(path, None)
        for root in self.desk.roots_of(path):
            reading = self.desk.readings.get(root)
            if reading is not None and not reading.paths & set(self.desk.texts):
                self._newest[root] = self._newest.get(root, 0) + 1
                self.desk.readings.pop(root)
                self._publish(root, {})
            else:
                self.read_soon(root)

    def concern(self, path: Path) -> None:
        """Read again every rulebook that a file belongs to."""
        for root in self.desk.roots_of(path):
            self.read_soon(root)

    # readings

    def read_soon(self, root: Path) -> None:
        self._newest[root] = number = self._newest.get(root, 0) + 1
        self._tasks[root] = asyncio.ensure_future(self._read(root, number))

    async def _read(self, root: Path, number: int) -> None:
        await asyncio.sleep(PAUSE)
        if self._newest[root] != number:
            return

        def watch() -> None:
            if self._newest[root] != number:
                raise StaleError

        try:
            found = await _in(self._reader, partial(self._first, root, watch))
            if found is None:
                return
            reading, owner = found
            watch()
            if owner is not None:
                self._publish(root, {})
                self.read_soon(owner)
                return
            self._early(root, reading)
            whole = await _in(self._looker, partial(deepened, reading, watch))
            watch()
            self._keep(root, whole)
        except StaleError:
            return
        except Exception as error:  # a bug of ours must not end the editor's session
            self._report(root, error)

    def _first(self, root: Path, watch: Watch) -> tuple[Reading, Path | None] | None:
        """In the reader's thread: a rulebook, and for a part the rulebook that includes it."""
        watch()
        buffers = self.desk.buffers
        reading = read_root(root, buffers, watch, self.desk.readings.get(root))
        if reading is None:
            return None
        is_part = not is_root(reading.source) and root not in self.desk.alone
        return reading, including(root, buffers) if is_part and root.is_absolute() else None

    def _early(self, root: Path, reading: Reading) -> None:
        """Show what is wrong with the text before its meaning is known.

        Not where something was wrong with the meaning before: that would go away for a moment.
        """
        last = self.desk.readings.get(root)
        if reading.new is not None and last is not None and not last.meant and reading.found:
            self._publish(root, by_file(reading))

    def _keep(self, root: Path, reading: Reading) -> None:
        if not is_root(reading.source):
            self.desk.alone.add(root)
        self.desk.readings[root] = reading
        self._publish(root, by_file(reading))

    def _report(self, root: Path, error: Exception) -> None:
        where = extract_tb(error.__traceback__)[-1]
        text = f"{root}: {type(error).__name__} ({Path(where.filename).name}:{where.lineno})"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, text))

    def _publish(self, root: Path, found: dict[Path, list[Diagnostic]]) -> None:
        """Show what is wrong in every file of a rulebook, and clear what was and is no more."""
        before = self._shown.pop(root, {})
        if found:
            self._shown[root] = found
        for path in sorted({*before, *found}):
            everything = [d for files in self._shown.values() for d in files.get(path, ())]
            if not everything and not before.get(path) and path not in self.desk.texts:
                continue
            each = {(d.code, d.span, d.message): d for d in everything}.values()
            uris, encoding = self.desk.uris, self.encoding
            listed = [shown.diagnostic(d, encoding, uris) for d in each]
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(uri_of(path, uris), listed, self._version(path))
            )

    def _version(self, path: Path) -> int | None:
        if path not in self.desk.texts:
            return None
        return self.workspace.get_text_document(self.desk.uris[path]).version

    # requests

    async def settled(self, uri: str) -> tuple[Reading, Source] | None:
        """The best reading of a file, and its text now; `None` for a file that is not open."""
        path = path_of(uri)
        if path not in self.desk.texts:
            return None
        waiting = asyncio.get_running_loop().time() + PATIENCE
        while (reading := self.desk.reading_of(path)) is None:
            if asyncio.get_running_loop().time() > waiting:
                return None
            await asyncio.sleep(0.01)
        return reading, source_of(str(path), self.desk.texts[path])


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def serve() -> None:
    """Serve one editor until it goes away. Whatever is printed meanwhile goes to the log."""
    from qc_runtime.lsp.features import register

    protocol = FileIO(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    gc.set_threshold(100_000, 50, 50)  # readings make many small objects that live long
    server = Server()
    register(server)
    try:
        server.start_io(sys.stdin.buffer, protocol)
    finally:
        server.close()
