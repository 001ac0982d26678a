"""What is being worked on, as lanes of the KV cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from qc_runtime.backend import Value
from qc_runtime.llama.model import Tokens
from qc_runtime.llama.prompt import Blank, Prompt
from qc_runtime.llama.schedule import common
from qc_runtime.llama.slots import Filler


@dataclass(eq=False)
class Lane:
    """One sequence of the KV cache: what it holds up to ``pos``, what is to follow."""

    seq: int
    pos: int = 0
    pending: Tokens = ()
    failed: bool = False


@dataclass(eq=False)
class Prefix(Lane):
    """Sequence 0, and what it holds. Tasks keep the prefix they began with."""

    tokens: Tokens = ()


@dataclass(eq=False)
class Task(Lane):
    """A request being worked on: the slot that is being filled, and the values so far.

    ``reserve`` cells of the cache are its own, at most. ``chosen`` is the number of the code
    chosen last. Of the pending tokens ``made`` are the model's own, the others were given.
    """

    prompt: Prompt = field(kw_only=True)
    base: Prefix = field(kw_only=True)
    reserve: int = 0
    blank: int = 0
    filler: Filler | None = None
    chosen: int = 0
    made: int = 0
    values: dict[str, Value] = field(default_factory=dict)

    @property
    def fresh(self) -> bool:
        """Whether nothing but the prefix has been computed yet."""
        return self.pos == len(self.base.tokens) and not self.made and not self.values

    def next_blank(self) -> Blank | None:
        """Go on to the next slot that the last choice leads to; `None` at the end."""
        for number in range(self.blank + 1, len(self.prompt.blanks)):
            blank = self.prompt.blanks[number]
            if blank.after is None or self.chosen in blank.after:
                self.blank = number
                return blank
        return None


@dataclass(frozen=True)
class Piece:
    """Tokens of a lane for one computation; with ``last`` logits are wanted after them."""

    lane: Lane
    tokens: Tokens
    last: bool

    def halves(self) -> list[Piece]:
        middle = len(self.tokens) // 2
        first = Piece(self.lane, self.tokens[:middle], False)
        return [first, Piece(self.lane, self.tokens[middle:], self.last)]

    @property
    def whole(self) -> bool:
        return len(self.tokens) == len(self.lane.pending)


def shared(a: Task, b: Task) -> int:
    """How many of their first tokens two tasks can compute as one."""
    if a.base is not b.base or not (a.fresh and b.fresh):
        return 0
    return common(a.pending, b.pending)


def packed(
    lanes: Sequence[Lane], size: int, alike: Callable[[Piece | None, Piece], int]
) -> Iterator[list[Piece]]:
    """All pending tokens, cut into computations of at most ``size`` rows.

    ``alike`` says how many rows a piece shares with the one before it in the same computation.
    """
    pieces: list[Piece] = []
    room = size
    for lane in lanes:
        *parts, piece = _cut(lane, size)
        yield from ([part] for part in parts)
        rows = len(piece.tokens) - alike(pieces[-1] if pieces else None, piece)
        if rows > room and pieces:
            yield pieces
            pieces, room, rows = [], size, len(piece.tokens)
        pieces.append(piece)
        room -= rows
    if pieces:
        yield pieces


def _cut(lane: Lane, size: int) -> Iterator[Piece]:
    """A lane's pending tokens, at most ``size`` at a time; there must be some."""
    tokens = lane.pending
    while len(tokens) > size:
        yield Piece(lane, tokens[:size], False)
        tokens = tokens[size:]
    yield Piece(lane, tokens, isinstance(lane, Task))
