"""Words of a list that an earlier word of the same list hides."""

from __future__ import annotations

from collections.abc import Iterator

from qc_dsl.errors import Diagnostic, Related
from qc_dsl.fold import fold
from qc_dsl.lang import Text
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Span
from qc_dsl.yaml_reader import Scalar, Sequence, section


def shadowed(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Words written twice in one list of the rulebook's own file.

    The same word twice adds nothing; one that is a synonym of two words counts for the first.
    """
    for key, node in section(rulebook.root, "词表", "terms"):
        items = node.items if isinstance(node, Sequence) else ()
        seen: dict[str, Span] = {}
        for item in items:
            if isinstance(item, Scalar):
                yield from _twice(item, seen, key.value)


def _twice(item: Scalar, seen: dict[str, Span], terms: str) -> Iterator[Diagnostic]:
    at = 0
    for word in item.value.split("="):
        span = item.span_of(at, at + len(word))
        at += len(word) + 1
        first = seen.setdefault(fold(word), span)
        if first is not span:
            yield Diagnostic(
                "QC308",
                Text(
                    f"词表“{terms}”里已有“{word.strip()}”，后面的不起作用",
                    f"“{terms}” holds “{word.strip()}” already: this one has no effect",
                ),
                span,
                Text("请删去一处", "Take one of them away"),
                (Related(first, Text("第一次在这里", "first given here")),),
                "warning",
            )
