"""Which requests share what: pure planning, no model."""

from __future__ import annotations

from collections import defaultdict, deque
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
    by_head: defaultdict[Tokens, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        by_head[prompt.head].append(prompt)
    return [
        group
        for head in sorted(by_head)
        for group in _split(head, sorted(by_head[head], key=lambda p: p.tail))
    ]


def _split(head: Tokens, members: list[Prompt]) -> list[Group]:
    """Groups of members with one head, sorted by their tails.

    A run of members that share much more than all of them do becomes a group of its own.
    The last token of a prompt is never prefix: its logits are the answer.
    """
    shared = _in_common(members)
    rest: list[Prompt] = []
    deeper: list[Group] = []
    for _, run in groupby(members, key=lambda m: m.tail[shared : shared + 1]):
        same = list(run)
        further = _in_common(same)
        if 1 < len(same) < len(members) and (len(same) - 1) * (further - shared) >= _WORTH:
            deeper += _split(head, same)
        else:
            rest += same
    whole = [Group(head + rest[0].tail[:shared], deque(rest))] if rest else []
    return whole + deeper


def _in_common(members: Sequence[Prompt]) -> int:
    """How long a beginning the tails of sorted members share, their last tokens not counted."""
    return common(members[0].tail[:-1], members[-1].tail[:-1])
