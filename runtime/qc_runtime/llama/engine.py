"""The engine: schedule, run, postprocess, over one KV cache that all requests share.

A request is a `Task` with tokens still to be computed (``pending``). Every step puts the
pending tokens of all running tasks and of as many waiting ones as fit into one computation,
reads the logits after each task's last token, and lets the task's slot take what they say: a
code, one more token of a text. So a place that becomes free is taken at once, and reasons are
written beside other prompts' reading. Fixed text between two slots is read in one go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from time import perf_counter

from qc_dsl.lang import Text
from qc_runtime.backend import FLICKER, Choice, Counters, Reply
from qc_runtime.llama import slots
from qc_runtime.llama.compute import Computer
from qc_runtime.llama.kv_cache import KvCache
from qc_runtime.llama.model import Context, Model, Tokens
from qc_runtime.llama.prompt import Blank, Prompt
from qc_runtime.llama.schedule import Group, common, plan
from qc_runtime.llama.slots import BrokenLogitsError, ChoiceFiller, Filler
from qc_runtime.llama.tasks import Lane, Task

_ALONE = 64  # tokens of a computation when a close call is looked at again
OnStep = Callable[[Sequence[int]], None]


class Engine:
    """Answers prompts on one context. Not for two threads at once."""

    def __init__(
        self, model: Model, context: Context, counters: Counters, *, looks_again: bool = True
    ) -> None:
        self._model, self._context, self._counters = model, context, counters
        self._looks_again = looks_again
        self._close: list[tuple[Prompt, Reply]] = []  # with what they came to in company
        self._alone: Reply | None = None  # at a second look, what the first one came to
        self._cache = KvCache(context)
        self._computer = Computer(
            context, counters, shares=model.shares_cells, advance=self._advance, fail=self._fail
        )
        self._waiting: deque[Group] = deque()
        self._on_step: OnStep = lambda begun: None
        self.reset()

    def run(
        self, prompts: Sequence[Prompt], on_step: OnStep = lambda begun: None
    ) -> Iterator[tuple[int, Reply]]:
        """Every prompt's reply, as (index, reply), each as soon as it is known.

        ``on_step`` is told before each computation which prompts are begun with in it.
        """
        n_ctx = self._context.n_ctx
        self._on_step = on_step
        self._close, self._alone = [], None
        for prompt in prompts:
            if len(prompt) >= n_ctx:
                yield prompt.index, _too_long(len(prompt), n_ctx)
        self._waiting = deque(plan(p for p in prompts if len(p) < n_ctx))
        try:
            yield from self._work_off()
            self._cache.forget()
            yield from self._look_again()
        except BaseException:  # interrupted or left early: nothing half-done stays
            self.reset()
            raise

    def _work_off(self) -> Iterator[tuple[int, Reply]]:
        while self._waiting or self._cache.running:
            yield from self._step()

    def _look_again(self) -> Iterator[tuple[int, Reply]]:
        """The close calls, each alone: the same whatever the batches were (`close_calls`)."""
        close, self._close = sorted(self._close, key=lambda one: one[0].head), []
        for head, calls in groupby(close, key=lambda one: one[0].head):
            if self._pure != head:
                self.reset()
            for prompt, first in calls:
                self._alone = first
                self._waiting.append(Group(head, deque([prompt])))
                for index, reply in self._work_off():
                    self._counters.second_looks += 1
                    yield index, self._compared(prompt, first, reply)

    def _compared(self, prompt: Prompt, first: Reply, reply: Reply) -> Reply:
        """The second look's reply, marked where the first one had chosen another code."""
        if reply.error or _chosen(prompt, reply) == _chosen(prompt, first):
            return reply
        self._counters.flickers += 1
        return Reply({**reply.values, FLICKER: 1.0})

    def reset(self) -> None:
        """Forget everything, the shared prefix too."""
        self._cache.clear()
        self._alone = None
        self._waiting.clear()
        self._pure: Tokens = ()  # the head that was computed from an empty cache, if any
        self._done: list[tuple[int, Reply]] = []

    def _step(self) -> list[tuple[int, Reply]]:
        """One computation, or the few that it takes when it fails or the prefix changes."""
        self._on_step(())  # what the last step gave is taken: here a pause may be made
        started = perf_counter()
        self._done = []
        before = set(self._cache.running)
        self._admit()
        self._on_step([task.prompt.index for task in self._cache.running if task not in before])
        self._computer.step(self._cache.running, self._size)
        self._counters.seconds += perf_counter() - started
        return self._done

    @property
    def _size(self) -> int:
        """Of a batch: as large as can be; alone of one size, whatever the settings."""
        size = self._context.n_batch
        return size if self._alone is None else min(size, _ALONE)

    # -- schedule ------------------------------------------------------------

    def _admit(self) -> None:
        """Let waiting requests in while there are places, cache and room in the batch."""
        room = self._size - sum(len(task.pending) for task in self._cache.running)
        places = self._context.n_seq
        while self._waiting and room > 0 and len(self._cache.running) < places:
            group = self._waiting[0]
            if not (self._enter(group) and self._cache.fits(group.members[0])):
                return
            room -= self._start(group.members.popleft())
            if not group.members:
                self._waiting.popleft()

    def _start(self, prompt: Prompt) -> int:
        """Begin with a request; returns how many rows its prompt takes now."""
        before = self._cache.newest
        task = self._cache.begin(prompt, keep=self._model.shares_cells and self._alone is None)
        self._counters.reused_prompt_tokens += task.pos
        return len(task.pending) - self._computer.shared(before, task)

    def _enter(self, group: Group) -> bool:
        """Make a group's prefix the shared one; False if that must wait or cannot be."""
        if self._cache.prefix.tokens == group.prefix:
            return True
        self._cache.forget()
        if self._cache.running and not self._cache.has_room(group.prefix):
            return False
        self._on_step([group.members[0].index])
        self._change_prefix(group.members[0].head, group.prefix)
        if self._cache.prefix.failed:
            self._give_up(group)
            return False
        return True

    def _change_prefix(self, head: Tokens, tokens: Tokens) -> None:
        if common(self._cache.prefix.tokens, head) < len(head):
            self._change_head(head)
        prefix = self._cache.turn_to(tokens)
        if prefix.pos < len(self._pure):
            self._pure = ()
        self._computer.run(prefix, self._size)

    def _change_head(self, head: Tokens) -> None:
        """Where nothing is running, begin with an empty cache: close calls can build on that."""
        self._pure = ()
        if self._cache.running:
            return
        self._cache.clear()
        prefix = self._cache.turn_to(head)
        self._computer.run(prefix, min(self._context.n_batch, _ALONE))
        self._pure = () if prefix.failed else head

    def _give_up(self, group: Group) -> None:
        self._done += [(member.index, self._failure()) for member in group.members]
        self._waiting.popleft()
        self._cache.drop_prefix()

    # -- postprocess ---------------------------------------------------------

    def _advance(self, task: Task, row: int) -> None:
        """Let a task's slot take what the model says next, and go on to the next slot."""
        filler = task.filler or self._filler(task.prompt.blanks[0])
        task.filler = filler
        before = filler.written
        try:
            task.pending = filler.take(self._context.logits(row))
        except BrokenLogitsError:
            task.failed = True  # what it has in the cache is for nobody
            self._finish(task, self._failure())
            return
        task.made = filler.written - before
        self._counters.generated_tokens += task.made
        if filler.done:
            self._filled(task, filler)
        elif not self._has_room(task):
            self._settle(task, filler)

    def _filled(self, task: Task, filler: Filler) -> None:
        """Note a slot's value, and put the text that leads to the next slot behind it."""
        task.values[task.prompt.blanks[task.blank].name] = filler.value()
        if isinstance(filler, ChoiceFiller):
            task.chosen = filler.chosen
            task.close = task.close or self._is_close(task, filler)
            if self._alone is not None and self._is_confirmed(task, self._alone):
                self._finish(task, Reply({**self._alone.values, **task.values}))
                return
        blank = task.next_blank()
        if blank is not None:
            task.pending += blank.lead(task.chosen)
            task.filler = self._filler(blank)
        if blank is None or not self._has_room(task):
            self._settle(task)

    def _is_close(self, task: Task, filler: ChoiceFiller) -> bool:
        """Whether to look again: at the answer of a request that begins with it."""
        looked = self._alone is not None or not self._looks_again or task.blank > 0
        return not looked and filler.is_close(task.prompt.sure_at)

    def _is_confirmed(self, task: Task, first: Reply) -> bool:
        """Whether the second look chooses as the first: then what that one wrote stays."""
        return task.blank == 0 and task.chosen == _chosen(task.prompt, first)

    def _filler(self, blank: Blank) -> Filler:
        return slots.filler(self._model, blank.slot, blank.codes, blank.closing)

    def _has_room(self, task: Task) -> bool:
        return task.pos + len(task.pending) < self._context.n_ctx

    def _settle(self, task: Task, unfinished: Filler | None = None) -> None:
        """End a task with what it has; slots that the cache had no room for have no value."""
        if unfinished is not None:
            task.values[task.prompt.blanks[task.blank].name] = unfinished.value()
        while (blank := task.next_blank()) is not None:
            task.values.setdefault(blank.name, None)
        self._finish(task, Reply(task.values))

    def _fail(self, lane: Lane) -> None:
        if isinstance(lane, Task):
            self._finish(lane, self._failure())

    def _finish(self, task: Task, reply: Reply) -> None:
        self._cache.leave(task)
        if task.close and not reply.error:
            self._close.append((task.prompt, reply))
        else:
            self._done.append((task.prompt.index, reply))

    def _failure(self) -> Reply:
        why = self._context.last_error() or "llama_decode"
        return Reply(error=Text(f"模型计算失败：{why}", f"The model failed to compute: {why}"))


def _chosen(prompt: Prompt, reply: Reply) -> int | None:
    """The number of the code that a reply has in the prompt's first slot, if that is a choice."""
    blank = prompt.blanks[0]
    shares = reply.values.get(blank.name)
    if isinstance(blank.slot, Choice) and isinstance(shares, tuple):
        return blank.slot.chosen(shares)
    return None


def _too_long(length: int, n_ctx: int) -> Reply:
    return Reply(
        error=Text(
            f"提问太长：共 {length} 个词元，模型一次最多读 {n_ctx - 1} 个",
            f"The prompt is too long: {length} tokens; the model reads at most {n_ctx - 1} at once",
        )
    )
