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
from time import perf_counter

from qc_dsl.lang import Text
from qc_runtime.backend import Counters, Reply
from qc_runtime.explanation import cut_back, decode, first_line
from qc_runtime.llama import slots
from qc_runtime.llama.compute import Computer
from qc_runtime.llama.model import Context, Model, Tokens
from qc_runtime.llama.prompt import Prompt
from qc_runtime.llama.schedule import Group, common, plan
from qc_runtime.llama.tasks import Lane, Prefix, Task

_LINE_ENDS = (b"\n", b"\r")
_FIRST_TRIES = 64  # how many ends and blank lines are passed over for the first token of a text


class Engine:
    """Answers prompts on one context. Not for two threads at once."""

    def __init__(self, model: Model, context: Context, counters: Counters) -> None:
        self._model, self._context, self._counters = model, context, counters
        self._computer = Computer(
            context, counters, shares=model.shares_cells, advance=self._advance, fail=self._fail
        )
        self._waiting: deque[Group] = deque()
        self.reset()

    def run(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Every prompt's reply, as (index, reply), each as soon as it is known."""
        n_ctx = self._context.n_ctx
        for prompt in prompts:
            if len(prompt) >= n_ctx:
                yield prompt.index, _too_long(len(prompt), n_ctx)
        self._waiting = deque(plan(p for p in prompts if len(p) < n_ctx))
        try:
            while self._waiting or self._running:
                yield from self._step()
        except BaseException:  # interrupted or left early: nothing half-done stays
            self.reset()
            raise

    def reset(self) -> None:
        """Forget everything, the shared prefix too."""
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
        self._computer.run(self._running)
        self._counters.seconds += perf_counter() - started
        return self._done

    # -- schedule ------------------------------------------------------------

    def _admit(self) -> None:
        """Let waiting requests in while there are places, cache and room in the batch."""
        room = self._context.n_batch - sum(len(task.pending) for task in self._running)
        newest: Task | None = None
        while self._waiting and self._free and self._enter(self._waiting[0]):
            group = self._waiting[0]
            task = self._task(group.members[0])
            cost = len(task.pending) - self._computer.shared(newest, task)
            if not self._fits(task, cost, room, first=newest is None):
                return
            self._start(task)
            newest, room = task, room - cost
            group.members.popleft()
            if not group.members:
                self._waiting.popleft()

    def _fits(self, task: Task, cost: int, room: int, *, first: bool) -> bool:
        """Whether a task may begin. A long one need not wait until it has a batch for itself."""
        long = first and cost > self._context.n_batch // 2
        return (cost <= room or long) and self._held() + task.reserve <= self._context.n_ctx

    def _task(self, prompt: Prompt) -> Task:
        shared = len(self._prefix.tokens)
        tokens = (prompt.head + prompt.tail)[shared:]
        reserve = len(tokens) + min(prompt.room, self._context.n_ctx - len(prompt))
        seq = self._free[-1]
        return Task(seq, shared, tokens, prompt=prompt, base=self._prefix, reserve=reserve)

    def _start(self, task: Task) -> None:
        self._free.pop()
        self._context.copy_prefix(task.seq)
        self._running.append(task)
        self._counters.reused_prompt_tokens += len(task.base.tokens)

    def _held(self) -> int:
        """Cells of the cache that are, or may come to be, in use."""
        prefixes = {self._prefix, *(task.base for task in self._running)}
        return sum(len(p.tokens) for p in prefixes) + sum(t.reserve for t in self._running)

    def _enter(self, group: Group) -> bool:
        """Make a group's prefix the shared one; False if that must wait or cannot be."""
        if self._prefix.tokens == group.prefix:
            return True
        if self._running and self._held() + len(group.prefix) > self._context.n_ctx:
            return False
        self._change_prefix(group.prefix)
        if self._prefix.failed:
            self._give_up(group)
            return False
        return True

    def _change_prefix(self, tokens: Tokens) -> None:
        """Keep of sequence 0 what the new prefix begins with; compute the rest."""
        kept = common(self._prefix.tokens, tokens)
        if not self._context.drop(0, kept):
            self._context.drop(0)
            kept = 0
        self._prefix = Prefix(0, kept, tokens[kept:], tokens=tokens)
        self._computer.run([self._prefix])

    def _give_up(self, group: Group) -> None:
        self._done += [(member.index, self._failure()) for member in group.members]
        self._waiting.popleft()
        self._context.drop(0)
        self._prefix = Prefix(0)

    # -- postprocess ---------------------------------------------------------

    def _advance(self, task: Task, row: int) -> None:
        if task.probabilities:
            self._write(task, row)
        else:
            self._choose(task, row)

    def _choose(self, task: Task, row: int) -> None:
        firsts = tuple(code[0] for code in task.prompt.codes)
        probabilities = slots.choose(self._context.logits(row), firsts)
        if probabilities is None:
            self._finish(task, self._failure())
            return
        task.probabilities = probabilities
        chosen = task.prompt.choose(probabilities)
        task.pending = task.prompt.codes[chosen] + task.prompt.leads[chosen]
        if chosen not in task.prompt.explain or not self._may_write(task):
            self._finish(task, Reply(probabilities))

    def _may_write(self, task: Task) -> bool:
        return task.pos + len(task.pending) < self._context.n_ctx

    def _write(self, task: Task, row: int) -> None:
        """Take the next token of an explanation, or end it."""
        token = self._next_token(task, row)
        if self._model.ends(token):
            self._end_text(task, whole=True)
            return
        piece = self._model.piece(token)
        task.written += 1
        task.text += piece
        task.pending = (token,)
        self._counters.generated_tokens += 1
        if any(end in piece for end in _LINE_ENDS):
            self._end_text(task, whole=True)
        elif task.written >= task.prompt.limit or not self._may_write(task):
            self._end_text(task, whole=False)

    def _next_token(self, task: Task, row: int) -> int:
        """Greedy; the first token is neither an end nor blank, so no text is empty."""
        logits = self._context.logits(row)
        token = slots.greedy(logits, self._model.unwritable)
        for _ in range(0 if task.written else _FIRST_TRIES):
            if not self._model.ends(token) and self._model.piece(token).strip():
                break
            logits[token] = float("-inf")
            token = int(logits.argmax())
        return token

    def _end_text(self, task: Task, *, whole: bool) -> None:
        text = first_line(decode(task.text))
        self._finish(task, Reply(task.probabilities, text if whole else cut_back(text)))

    def _fail(self, lane: Lane) -> None:
        if isinstance(lane, Task):
            self._finish(lane, self._failure())

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
