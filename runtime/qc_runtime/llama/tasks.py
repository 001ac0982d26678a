"""What is being worked on, as lanes of the KV cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

    ``tokens`` are the prompt's after the prefix ``base``. ``reserve`` cells of the cache are its
    own, at most. ``chosen`` is the number of the code chosen last, ``close`` whether the first
    choice is to be looked at again. Of the pending tokens ``made`` are the model's own, the
    others were given.
    """

    prompt: Prompt = field(kw_only=True)
    base: Prefix = field(kw_only=True)
    tokens: Tokens = ()
    reserve: int = 0
    blank: int = 0
    filler: Filler | None = None
    chosen: int = 0
    close: bool = False
    made: int = 0
    values: dict[str, Value] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """The position up to which the prompt has been read."""
        return min(self.pos, len(self.base.tokens) + len(self.tokens))

    def known(self, before: Task) -> int:
        """The position up to which the cells of another request are also those of this prompt.

        The prompt's last token is always left: the logits after it are the answer.
        """
        if before.base is not self.base:
            return self.pos
        alike = len(self.base.tokens) + common(before.tokens, self.tokens[:-1])
        return max(self.pos, min(alike, before.read))

    def skip(self, pos: int) -> None:
        """Begin at a position of the prompt: what is before it is there already."""
        self.pos, self.pending = pos, self.tokens[pos - len(self.base.tokens) :]

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


def shared(a: Task, b: Task) -> int:
    """How many of their next tokens two requests that are being read can compute as one."""
    begun = b.pos - len(b.base.tokens)
    if a.base is not b.base or a.pos != b.pos or b.read - len(b.base.tokens) == len(b.tokens):
        return 0
    return max(0, common(a.tokens, b.tokens) - begun)


def step(
    lanes: Iterable[Lane], size: int, alike: Callable[[Piece | None, Lane], int]
) -> list[Piece]:
    """What is computed next: pending tokens in the order of the lanes, at most ``size`` rows.

    The last piece is cut to the room that is left. ``alike`` says how many rows a lane shares
    with the piece before it.
    """
    pieces: list[Piece] = []
    room = size
    for lane in filter(lambda lane: lane.pending, lanes):
        if room == 0:
            break
        both = alike(pieces[-1] if pieces else None, lane)
        tokens = lane.pending[: room + both]
        last = isinstance(lane, Task) and len(tokens) == len(lane.pending)
        pieces.append(Piece(lane, tokens, last))
        room -= len(tokens) - min(both, len(tokens))
    return pieces
