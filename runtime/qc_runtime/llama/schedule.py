"""Which requests share what: pure planning, no model."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from qc_runtime.llama.model import Tokens
from qc_runtime.llama.prompt import Prompt

# A prefix grows by pages of so many tokens: each is a computation of its own, which should be
# worth it. What less requests have in common is not lost: neighbours in a batch share it all the
# same, but hold the room for it once each.
_PAGE = 256


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
        for group in _split(head, sorted(by_head[head], key=lambda p: p.tail), 0)
    ]


def _split(head: Tokens, members: Sequence[Prompt], begun: int) -> list[Group]:
    """Groups of members, sorted by their tails, of which the first ``begun`` tokens are alike.

    Two that share another page are a group of their own. The last token of a prompt is never
    prefix: its logits are the answer.
    """
    rest: list[Prompt] = []
    deeper: list[Group] = []
    for page, run in groupby(members, key=lambda member: _page(member.tail, begun)):
        same = list(run)
        if page and len(same) > 1:
            deeper += _split(head, same, begun + _PAGE)
        else:
            rest += same
    whole = [Group(head + rest[0].tail[:begun], deque(rest))] if rest else []
    return whole + deeper


def _page(tail: Tokens, begun: int) -> Tokens:
    """The page of a prompt's tail that begins there; nothing where no token would follow it."""
    end = begun + _PAGE
    return tail[begun:end] if len(tail) > end else ()
