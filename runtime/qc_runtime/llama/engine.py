"""The engine: schedule, run, postprocess, over one KV cache that all requests share.

A request is a `Task` with tokens still to be computed (``pending``). Every step puts the
pending tokens of all running tasks and of as many waiting ones as fit into one computation,
reads the logits after each task's last token, and lets the task go on: from its prompt to a
code, from the code to its explanation, from each token of that to the next. So a place that
becomes free is taken at once, and explanations are written beside other prompts' reading.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from qc_dsl.lang import Text
from qc_runtime.backend import Counters, Reply
from qc_runtime.explanation import cut_back, decode, first_line
from qc_runtime.llama import slots
from qc_runtime.llama.model import Context, Model, Tokens
from qc_runtime.llama.prompt import Prompt
from qc_runtime.llama.schedule import Group, common, plan

_LINE_ENDS = (b"\n", b"\r")
_FIRST_TRIES = 64  # how many ends and blank lines are passed over for the first token of a text


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
    """A request being worked on."""

    prompt: Prompt = field(kw_only=True)
    base: Prefix = field(kw_only=True)
    reserve: int = 0
    probabilities: tuple[float, ...] = ()
    written: list[int] = field(default_factory=list)
    text: bytes = b""

    @property
    def fresh(self) -> bool:
        return self.pos == len(self.base.tokens) and not self.probabilities


@dataclass(frozen=True)
class Piece:
    """Tokens of a lane for one computation; with ``last`` its logits are wanted after them."""

    lane: Lane
    tokens: Tokens
    last: bool

    def halves(self) -> list[Piece]:
        middle = len(self.tokens) // 2
        first = Piece(self.lane, self.tokens[:middle], False)
        return [first, Piece(self.lane, self.tokens[middle:], self.last)]


class Engine:
    """Answers prompts on one context. Not for two threads at once."""

    def __init__(self, model: Model, context: Context, counters: Counters) -> None:
        self._model, self._context, self._counters = model, context, counters
        self._batch = context.batch()
        self._shares = model.shares_cells
        self._waiting: deque[Group] = deque()
        self._reset()

    def run(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Every prompt's reply, as (index, reply), each as soon as it is known."""
        fitting = [p for p in prompts if len(p) < self._context.n_ctx]
        for prompt in prompts:
            if len(prompt) >= self._context.n_ctx:
                yield prompt.index, _too_long(len(prompt), self._context.n_ctx)
        self._waiting = deque(plan(fitting))
        try:
            while self._waiting or self._running:
                yield from self._step()
        except BaseException:  # interrupted or left early: nothing half-done stays
            self._reset()
            raise

    def _reset(self) -> None:
        self._context.clear()
        self._waiting.clear()
        self._running: list[Task] = []
        self._free = list(range(self._context.n_seq, 0, -1))
        self._prefix = Prefix(0)
        self._done: list[tuple[int, Reply]] = []

    def _step(self) -> list[tuple[int, Reply]]:
        """One computation, or the few that it takes when something is longer than a batch."""
        started = perf_counter()
        self._done = []
        self._admit()
        for pieces in self._packed([t for t in self._running if not t.failed]):
            self._compute(pieces)
        self._counters.seconds += perf_counter() - started
        return self._done

    # -- schedule ---------------------------------------------------------------------------

    def _admit(self) -> None:
        """Let waiting requests in while there are places, cache and room in the batch."""
        budget = self._context.n_batch - sum(len(t.pending) for t in self._running)
        newest: Task | None = None
        while self._waiting and self._free and self._enter(self._waiting[0]):
            group = self._waiting[0]
            prompt = group.members[0]
            task = self._task(prompt)
            cost = len(task.pending) - self._shared(newest, task)
            long = cost > self._context.n_batch // 2 and newest is None
            if self._held() + task.reserve > self._context.n_ctx or not (cost <= budget or long):
                break
            self._start(task)
            group.members.popleft()
            newest, budget = task, budget - cost
            if not group.members:
                self._waiting.popleft()

    def _task(self, prompt: Prompt) -> Task:
        tokens = (prompt.head + prompt.tail)[len(self._prefix.tokens) :]
        room = min(prompt.room, self._context.n_ctx - len(prompt))
        return Task(
            self._free[-1],
            len(self._prefix.tokens),
            tokens,
            prompt=prompt,
            base=self._prefix,
            reserve=len(tokens) + room,
        )

    def _start(self, task: Task) -> None:
        self._free.pop()
        self._context.copy_prefix(task.seq)
        self._running.append(task)
        self._counters.reused_prompt_tokens += len(task.base.tokens)

    def _held(self) -> int:
        """Cells of the cache that are, or may come to be, in use."""
        prefixes = {self._prefix, *(t.base for t in self._running)}
        return sum(len(p.tokens) for p in prefixes) + sum(t.reserve for t in self._running)

    def _enter(self, group: Group) -> bool:
        """Make a group's prefix the shared one; False while the cache has no room for it."""
        if self._prefix.tokens == group.prefix:
            return True
        held = self._held() if self._running else 0
        if self._running and held + len(group.prefix) + group.members[0].room > self._context.n_ctx:
            return False
        self._change_prefix(group.prefix)
        if self._prefix.failed:
            self._done += [(m.index, self._failure()) for m in group.members]
            self._waiting.popleft()
            self._prefix = Prefix(0)
            self._context.drop(0)
            return self._enter(self._waiting[0]) if self._waiting else False
        return True

    def _change_prefix(self, tokens: Tokens) -> None:
        """Keep of sequence 0 what the new prefix begins with; compute the rest."""
        kept = common(self._prefix.tokens, tokens)
        if not self._context.drop(0, kept):
            self._context.drop(0)
            kept = 0
        self._prefix = Prefix(0, kept, tokens[kept:], tokens=tokens)
        for pieces in self._packed([self._prefix] if tokens[kept:] else []):
            self._compute(pieces)

    # -- run --------------------------------------------------------------------------------

    def _packed(self, lanes: Sequence[Lane]) -> Iterator[list[Piece]]:
        """All pending tokens, cut into computations of at most a batch."""
        size = self._context.n_batch
        pieces: list[Piece] = []
        for lane in lanes:
            if sum(len(p.tokens) for p in pieces) + len(lane.pending) > size and pieces:
                yield pieces
                pieces = []
            tokens = lane.pending
            while len(tokens) > size:
                yield [Piece(lane, tokens[:size], False)]
                tokens = tokens[size:]
            pieces.append(Piece(lane, tokens, isinstance(lane, Task)))
        if pieces:
            yield pieces

    def _compute(self, pieces: list[Piece]) -> None:
        """Decode; what fails is undone and tried again in halves, down to one token."""
        pieces = [p for p in pieces if not p.lane.failed]
        if not pieces:
            return
        rows = self._fill(pieces)
        if self._context.decode(self._batch) == 0:
            self._counters.prompt_tokens += self._prompt_tokens(pieces)
            for piece in pieces:
                piece.lane.pos += len(piece.tokens)
            for piece, row in zip(pieces, rows, strict=True):
                if piece.last and isinstance(piece.lane, Task):
                    self._advance(piece.lane, row)
            return
        for piece in pieces:
            self._context.drop(piece.lane.seq, piece.lane.pos)
        self._retry(pieces)

    def _prompt_tokens(self, pieces: list[Piece]) -> int:
        """Rows just computed that belong to prompts; counts what was shared in the batch."""
        generated = sum(1 for p in pieces if isinstance(p.lane, Task) and p.lane.written)
        needed = sum(len(p.tokens) for p in pieces) - generated
        computed = self._batch.size - generated
        self._counters.reused_prompt_tokens += needed - computed
        return computed

    def _retry(self, pieces: list[Piece]) -> None:
        if len(pieces) > 1:
            middle = len(pieces) // 2
            self._compute(pieces[:middle])
            self._compute(pieces[middle:])
        elif len(pieces[0].tokens) > 1:
            for half in pieces[0].halves():
                self._compute([half])
        else:
            self._fail(pieces[0].lane)

    def _fail(self, lane: Lane) -> None:
        lane.failed = True
        if isinstance(lane, Task):
            self._finish(lane, self._failure())

    def _fill(self, pieces: list[Piece]) -> list[int]:
        """Lay pieces into the batch; returns the last row of each.

        Two neighbours that begin alike right after the same prefix share those rows.
        """
        self._batch.clear()
        last: list[int] = []
        before: Piece | None = None
        rows: list[int] = []
        for piece in pieces:
            shared = self._shared_pieces(before, piece)
            self._batch.share(rows[:shared], piece.lane.seq)
            start = piece.lane.pos + shared
            rows = rows[:shared] + self._batch.add(piece.tokens[shared:], start, piece.lane.seq)
            if piece.last:
                self._batch.want(rows[-1])
            last.append(rows[-1])
            before = piece
        return last

    def _shared_pieces(self, before: Piece | None, piece: Piece) -> int:
        if before is None or not isinstance(piece.lane, Task):
            return 0
        if not isinstance(before.lane, Task):
            return 0
        whole = len(before.tokens) == len(before.lane.pending) and piece.last
        return self._shared(before.lane, piece.lane) if whole else 0

    def _shared(self, a: Task | None, b: Task) -> int:
        """How many tokens two tasks can compute as one."""
        if a is None or not self._shares or a.base is not b.base or not (a.fresh and b.fresh):
            return 0
        return common(a.pending, b.pending)

    # -- postprocess ------------------------------------------------------------------------

    def _advance(self, task: Task, row: int) -> None:
        if not task.probabilities:
            self._choose(task, row)
        else:
            self._write(task, row)

    def _choose(self, task: Task, row: int) -> None:
        firsts = tuple(code[0] for code in task.prompt.codes)
        chosen = slots.choose(self._context.logits(row), firsts)
        if chosen is None:
            self._finish(task, self._failure())
            return
        task.probabilities = chosen
        number = task.prompt.choose(chosen)
        task.pending = task.prompt.codes[number] + task.prompt.lead
        if number not in task.prompt.explain or not self._may_write(task):
            self._finish(task, Reply(chosen))

    def _may_write(self, task: Task) -> bool:
        return task.pos + len(task.pending) < self._context.n_ctx

    def _write(self, task: Task, row: int) -> None:
        """Take the next token of an explanation, or end it."""
        token = self._next_token(task, row)
        piece = self._model.piece(token)
        if self._model.ends(token):
            self._end_text(task, whole=True)
            return
        task.written.append(token)
        task.text += piece
        task.pending = (token,)
        self._counters.generated_tokens += 1
        if any(end in piece for end in _LINE_ENDS):
            self._end_text(task, whole=True)
        elif len(task.written) >= task.prompt.limit or not self._may_write(task):
            self._end_text(task, whole=False)

    def _next_token(self, task: Task, row: int) -> int:
        """Greedy; the first token is neither an end nor blank, so no text is empty."""
        logits = self._context.logits(row)
        token = slots.greedy(logits, self._model.unwritable)
        for _ in range(_FIRST_TRIES if not task.written else 0):
            if not self._model.ends(token) and self._model.piece(token).strip():
                break
            logits[token] = float("-inf")
            token = int(logits.argmax())
        return token

    def _end_text(self, task: Task, *, whole: bool) -> None:
        text = first_line(decode(task.text))
        self._finish(task, Reply(task.probabilities, text if whole else cut_back(text)))

    def _finish(self, task: Task, reply: Reply) -> None:
        self._context.drop(task.seq)
        self._running.remove(task)
        self._free.append(task.seq)
        self._done.append((task.prompt.index, reply))

    def _failure(self) -> Reply:
        why = self._context.last_error() or "llama_decode"
        return Reply(error=Text(f"模型计算失败：{why}", f"The model failed to compute: {why}"))


def _too_long(length: int, n_ctx: int) -> Reply:
    return Reply(
        error=Text(
            f"提问太长：共 {length} 个词元，模型一次最多读 {n_ctx - 1} 个",
            f"The prompt is too long: {length} tokens; the model reads at most {n_ctx - 1} at once",
        )
    )
