"""Which requests share what: pure planning, no model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from qc_runtime.llama.model import Tokens
from qc_runtime.llama.prompt import Prompt

# Tokens a longer prefix must save to be worth a computation of its own. Less is not lost:
# neighbours in a batch share what they have in common all the same.
_WORTH = 96


@dataclass(frozen=True)
class Group:
    """Requests that begin with the same ``prefix`` tokens, in order of what follows it."""

    prefix: Tokens
    members: deque[Prompt]


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences have in common at their beginning."""
    for n, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return n
    return min(len(a), len(b))


def plan(prompts: Iterable[Prompt]) -> list[Group]:
    """Groups, so ordered that one's prefix often continues the prefix of the one before."""
    ordered = sorted(prompts, key=lambda prompt: (prompt.head, prompt.tail))
    return [
        group
        for head, members in groupby(ordered, key=lambda prompt: prompt.head)
        for group in _split(head, list(members), 0)
    ]


def _split(head: Tokens, members: list[Prompt], known: int) -> list[Group]:
    """Groups of sorted members with one head whose tails share ``known`` tokens already.

    A run of members that share much more than all of them do becomes a group of its own.
    The last token of a prompt is never prefix: its logits are the answer.
    """
    tails = [m.tail[:-1] for m in members]
    shared = common(tails[0], tails[-1])
    rest: list[Prompt] = []
    deeper: list[Group] = []
    for _, run in groupby(members, key=lambda m: m.tail[shared : shared + 1]):
        same = list(run)
        further = common(same[0].tail[:-1], same[-1].tail[:-1])
        if 1 < len(same) < len(members) and (len(same) - 1) * (further - shared) >= _WORTH:
            deeper += _split(head, same, further)
        else:
            rest += same
    whole = [Group(head + tails[0][:shared], deque(rest))] if rest else []
    return whole + deeper
