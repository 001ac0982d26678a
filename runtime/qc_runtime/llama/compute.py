"""Running lanes' pending tokens through the model, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qc_runtime.backend import Counters
from qc_runtime.llama.model import Context
from qc_runtime.llama.tasks import Lane, Piece, Task, shared, step


class Computer:
    """Puts tokens into batches, decodes them, and tries again in halves what fails.

    ``advance`` is called with each task whose pending tokens are computed and the row of its
    logits, valid until it returns. ``fail`` is called with a lane that cannot be computed.
    """

    def __init__(
        self,
        context: Context,
        counters: Counters,
        *,
        shares: bool,
        advance: Callable[[Task, int], None],
        fail: Callable[[Lane], None],
    ) -> None:
        self._context, self._counters = context, counters
        self._shares, self._advance, self._fail = shares, advance, fail
        self._batch = context.batch()

    def step(self, lanes: Sequence[Lane], size: int) -> None:
        """Compute as many of the pending tokens of these lanes as go into ``size`` rows."""
        self._compute(step(lanes, size, self._alike))

    def run(self, lane: Lane, size: int) -> None:
        """Compute all pending tokens of a lane, at most ``size`` of them at once."""
        while lane.pending and not lane.failed:
            self.step([lane], size)

    def shared(self, a: Lane | None, b: Lane) -> int:
        """How many tokens two lanes would share as neighbours in a batch."""
        if not (self._shares and isinstance(a, Task) and isinstance(b, Task)):
            return 0
        return shared(a, b)

    def _compute(self, pieces: list[Piece]) -> None:
        pieces = [piece for piece in pieces if not piece.lane.failed]
        if not pieces:
            return
        rows = self._fill(pieces)
        if self._context.decode(self._batch) != 0:
            self._retry(pieces)
            return
        self._count(pieces)
        for piece in pieces:
            piece.lane.pos += len(piece.tokens)
            piece.lane.pending = piece.lane.pending[len(piece.tokens) :]
        for piece, row in zip(pieces, rows, strict=True):
            if piece.last and isinstance(piece.lane, Task):
                self._advance(piece.lane, row)

    def _fill(self, pieces: list[Piece]) -> list[int]:
        """Lay pieces into the batch; returns the last row of each.

        Two neighbours that begin alike right after the same prefix share those rows.
        """
        self._batch.clear()
        before: Piece | None = None
        rows: list[int] = []
        last: list[int] = []
        for piece in pieces:
            alike = min(self._alike(before, piece.lane), len(piece.tokens))
            self._batch.share(rows[:alike], piece.lane.seq)
            start = piece.lane.pos + alike
            rows = rows[:alike] + self._batch.add(piece.tokens[alike:], start, piece.lane.seq)
            if piece.last:
                self._batch.want(rows[-1])
            last.append(rows[-1])
            before = piece
        return last

    def _alike(self, before: Piece | None, lane: Lane) -> int:
        """How many rows of the piece before it a lane shares."""
        return min(self.shared(before.lane, lane), len(before.tokens)) if before else 0

    def _count(self, pieces: list[Piece]) -> None:
        """Count the rows of prompts; rows that several tasks share are reused by all but one."""
        generated = sum(p.lane.made for p in pieces if p.last and isinstance(p.lane, Task))
        computed = self._batch.size - generated
        needed = sum(len(p.tokens) for p in pieces) - generated
        self._counters.prompt_tokens += computed
        self._counters.reused_prompt_tokens += needed - computed

    def _retry(self, pieces: list[Piece]) -> None:
        """Undo what a failed computation left, and do its halves, down to one token."""
        for piece in pieces:
            self._context.drop(piece.lane.seq, piece.lane.pos)
        if len(pieces) > 1:
            middle = len(pieces) // 2
            self._compute(pieces[:middle])
            self._compute(pieces[middle:])
        elif len(pieces[0].tokens) > 1:
            for half in pieces[0].halves():
                self._compute([half])
        else:
            pieces[0].lane.failed = True
            self._fail(pieces[0].lane)
