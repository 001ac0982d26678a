"""Work done side by side in threads that can be left at any moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Item], Result], items: Sequence[Item], threads: int, stop: threading.Event
) -> Iterator[tuple[int, Result]]:
    """Yield (index, result) of each item as it is done; an exception of ``work`` is raised here.

    After ``stop`` no further item is begun. The threads are daemons: leaving (Ctrl-C, an
    error) does not wait for a slow server, which a thread pool would do at exit.
    """
    todo: SimpleQueue[tuple[int, Item]] = SimpleQueue()
    done: SimpleQueue[tuple[int, Result | None, BaseException | None]] = SimpleQueue()
    for numbered in enumerate(items):
        todo.put(numbered)
    for _ in range(min(threads, len(items))):
        threading.Thread(target=_work_off, args=(work, todo, done, stop), daemon=True).start()
    for _ in items:
        index, result, error = done.get()
        if error is not None:
            raise error
        yield index, result  # type: ignore[misc]  # None only where Result allows it


def _work_off(
    work: Callable[[Item], Result],
    todo: SimpleQueue[tuple[int, Item]],
    done: SimpleQueue[tuple[int, Result | None, BaseException | None]],
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            index, item = todo.get_nowait()
        except Empty:
            return
        try:
            done.put((index, work(item), None))
        except BaseException as error:  # whatever it is, the caller must hear of it
            done.put((index, None, error))
