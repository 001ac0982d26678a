"""Findings of the analysis that an author allows, at their place and with a reason.

``# qc: 允许 QC303 备用`` (``# qc: allow QC303 kept for later``) on a line speaks of that line; on a
line of its own it speaks of the next. Mistakes of files, sentences and types cannot be allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qc_dsl.codes import codes
from qc_dsl.errors import Diagnostic, did_you_mean
from qc_dsl.lang import Text
from qc_dsl.rulebook import Rulebook
from qc_dsl.source import Source, Span
from qc_dsl.yaml_reader import Mapping, Node, Scalar, Sequence

_COMMENT = re.compile(r"(?:^|(?<=\s))#[ \t]*qc[ \t]*[:：][ \t]*(.*)$", re.MULTILINE)
_ALLOW = re.compile(r"(?:允许|allow)[ \t]*(QC\w*)(.*)", re.IGNORECASE)
_HELP = Text("写法：# qc: 允许 QC303 理由", "Write: # qc: allow QC303 REASON")


@dataclass(frozen=True)
class Allowed:
    """A finding that is allowed, and why."""

    diagnostic: Diagnostic
    reason: str


@dataclass(frozen=True)
class Reviewed:
    """What was found, and what was found and allowed."""

    found: tuple[Diagnostic, ...]
    allowed: tuple[Allowed, ...] = ()


@dataclass(frozen=True)
class _Comment:
    """A comment that allows a code: where it stands, and the line that it speaks of."""

    span: Span
    line: int
    code: str
    reason: str


def without_allowed(found: tuple[Diagnostic, ...], rulebook: Rulebook) -> Reviewed:
    """Take out what comments allow; comments that are wrong or of no use are warnings."""
    kept, allowed = list(found), list[Allowed]()
    wrong: list[Diagnostic] = []
    for comment in _comments(rulebook, wrong):
        here = [d for d in kept if d.code == comment.code and _is_at(d, comment)]
        kept = [d for d in kept if d not in here]
        allowed += [Allowed(d, comment.reason) for d in here]
        if not here and _would_show(comment, rulebook, found):
            wrong.append(_idle(comment))
    return Reviewed((*kept, *wrong), tuple(allowed))


def _is_at(diagnostic: Diagnostic, comment: _Comment) -> bool:
    """Whether a finding, or the second place of one, is on the line of a comment."""
    spans = [diagnostic.span, *(other.span for other in diagnostic.related)]
    return any(
        span.source is comment.span.source and span.source.position(span.start)[0] == comment.line
        for span in spans
        if span is not None
    )


def _would_show(comment: _Comment, rulebook: Rulebook, found: tuple[Diagnostic, ...]) -> bool:
    """Whether it is sure that a comment allows nothing: of a file that others include too, and
    of what was not looked for everywhere, it is not."""
    partly = comment.code in ("QC301", "QC306") and any(d.code == "QC304" for d in found)
    return comment.span.source is rulebook.source and not partly


def _comments(rulebook: Rulebook, wrong: list[Diagnostic]) -> Iterator[_Comment]:
    for root in rulebook.roots:
        source = root.span.source
        for match in _COMMENT.finditer(source.text):
            span = Span(source, match.start(), match.end())
            if not _holds(root, span):
                yield from _read(span, match[1].strip(), wrong)


def _read(span: Span, said: str, wrong: list[Diagnostic]) -> Iterator[_Comment]:
    match = _ALLOW.fullmatch(said)
    if match is None:
        message = Text("看不懂这条 qc 注释", "This qc comment cannot be read")
        wrong.append(_warning(message, span, _HELP))
        return
    code, reason = match[1].upper(), match[2].strip(" \t:：，,")
    if (problem := _problem(code, reason, span)) is not None:
        wrong.append(problem)
    else:
        yield _Comment(span, _line(span), code, reason)


def _problem(code: str, reason: str, span: Span) -> Diagnostic | None:
    possible = [known for known in codes() if known.startswith("QC3") and known != "QC310"]
    if code not in codes():
        message = Text(f"没有错误号“{code}”", f"There is no code “{code}”")
        return _warning(message, span, did_you_mean(code, possible))
    if code not in possible:
        message = Text(f"“{code}”不能允许，要改正", f"“{code}” cannot be allowed, only mended")
        return _warning(message, span, did_you_mean("", possible))
    if not reason:
        message = Text(f"允许“{code}”要写理由", f"Allowing “{code}” needs a reason")
        return _warning(message, span, _HELP)
    return None


def _idle(comment: _Comment) -> Diagnostic:
    message = Text(
        f"这里没有“{comment.code}”，不用允许", f"There is no “{comment.code}” here to allow"
    )
    return _warning(message, comment.span, Text("请删去这条注释", "Take the comment away"))


def _warning(message: Text, span: Span, help_: Text | None) -> Diagnostic:
    return Diagnostic("QC310", message, span, help_, severity="warning")


def _line(span: Span) -> int:
    """The line that a comment speaks of: its own, or the next that is no comment."""
    source = span.source
    number, _ = source.position(span.start)
    if source.line(number).lstrip().startswith("#"):
        while number < len(source.starts) and _is_comment(source, number):
            number += 1
    return number


def _is_comment(source: Source, number: int) -> bool:
    line = source.line(number).lstrip()
    return not line or line.startswith("#")


def _holds(node: Node, span: Span) -> bool:
    """Whether what looks like a comment is part of a text of the file."""
    if isinstance(node, Scalar):
        if not node.offsets:  # escapes hide where its characters stand
            return node.style is not None and node.span.start <= span.start < node.span.end
        return span.start in node.offsets
    if isinstance(node, Sequence):
        return any(_holds(item, span) for item in node.items)
    assert isinstance(node, Mapping)
    return any(_holds(part, span) for item in node.items for part in item)
