"""Who holds what of the KV cache: the prefix that all share, the requests, their cells."""

from __future__ import annotations

from qc_runtime.llama.model import Context, Tokens
from qc_runtime.llama.prompt import Prompt
from qc_runtime.llama.schedule import common
from qc_runtime.llama.tasks import Prefix, Task


class KvCache:
    """Sequence 0 holds the ``prefix``; every request that is ``running`` has one of its own.

    The request begun last is the ``newest``: the next one takes over its cells as far as both
    prompts are alike. For that its prompt stays for one request longer than it is worked on.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.clear()

    def clear(self) -> None:
        self._context.clear()
        self._free = list(range(self._context.n_seq + 1, 0, -1))
        self.prefix = Prefix(0)
        self.running: list[Task] = []
        self.newest: Task | None = None

    def fits(self, prompt: Prompt) -> bool:
        """Whether there is room for a request, if need be without what is only kept."""
        needed = self._reserve(prompt)
        if self._held() + needed > self._context.n_ctx:
            self.forget()
        return self._held() + needed <= self._context.n_ctx

    def has_room(self, prefix: Tokens) -> bool:
        """Whether there is room for another prefix beside those that requests began with."""
        return self._held() + len(prefix) <= self._context.n_ctx

    def begin(self, prompt: Prompt, *, keep: bool) -> Task:
        """A new request with all that is known of its prompt; ``keep`` makes it the newest."""
        shared = len(self.prefix.tokens)
        tokens, reserve = (prompt.head + prompt.tail)[shared:], self._reserve(prompt)
        task = Task(
            self._free.pop(),
            shared,
            tokens,
            prompt=prompt,
            base=self.prefix,
            tokens=tokens,
            reserve=reserve,
        )
        self._context.copy(0, task.seq)
        self._take_over(task)
        self.running.append(task)
        self.forget()
        self.newest = task if keep else None
        return task

    def _take_over(self, task: Task) -> None:
        if self.newest:
            known = task.known(self.newest)
            self._context.copy(self.newest.seq, task.seq, task.pos, known)
            task.skip(known)

    def leave(self, task: Task) -> None:
        """A request is done. Nothing is kept of one that failed."""
        self.running.remove(task)
        if task is self.newest and not task.failed:
            self._context.drop(task.seq, task.read)
            task.reserve = len(task.tokens)
            return
        if task is self.newest:
            self.newest = None
        self._release(task)

    def forget(self) -> None:
        """Let go of the newest request, if it was only kept for the one after it."""
        if self.newest and self.newest not in self.running:
            self._release(self.newest)
            self.newest = None

    def turn_to(self, tokens: Tokens) -> Prefix:
        """The new prefix: it keeps what was computed of the old one and both begin with."""
        kept = min(common(self.prefix.tokens, tokens), self.prefix.pos)
        if not self._context.drop(0, kept):
            self._context.drop(0)
            kept = 0
        self.prefix = Prefix(0, kept, tokens[kept:], tokens=tokens)
        return self.prefix

    def drop_prefix(self) -> None:
        self._context.drop(0)
        self.prefix = Prefix(0)

    def _reserve(self, prompt: Prompt) -> int:
        room = min(prompt.room, self._context.n_ctx - len(prompt))
        return len(prompt) - len(self.prefix.tokens) + room

    def _held(self) -> int:
        """Cells that are, or may come to be, in use."""
        tasks = {*self.running, *filter(None, [self.newest])}
        prefixes = {self.prefix, *(task.base for task in tasks)}
        return sum(len(p.tokens) for p in prefixes) + sum(task.reserve for task in tasks)

    def _release(self, task: Task) -> None:
        self._context.drop(task.seq)
        self._free.append(task.seq)
