"""What is wrong with a file as YAML, said at its place."""

from __future__ import annotations

import re
from typing import Any

import yaml

from qc_dsl.errors import Diagnostic, Related
from qc_dsl.lang import Text
from qc_dsl.source import Source, Span

MAX_DEPTH = 12
SHAPE = Text(
    "规则集以“规则集: 名称”开头，至少要有 病例、字段、规则",
    "A rulebook begins with “rulebook: name” and has case, fields and rules",
)


def offset(source: Source, mark: Any) -> int:
    line = min(mark.line, len(source.starts) - 1)
    return int(min(source.starts[line] + mark.column, len(source.text)))


def no_anchor(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC006",
        Text(
            "规则集里不能用 YAML 的锚点（&）和引用（*）", "YAML anchors and aliases are not allowed"
        ),
        span,
        Text("请把内容写出来，或放进“词表”再按名字引用", "Write it out, or name it under “terms”"),
    )


def too_deep(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC007", Text(f"嵌套超过 {MAX_DEPTH} 层", f"Nested more than {MAX_DEPTH} deep"), span
    )


def bad_key(span: Span) -> Diagnostic:
    return Diagnostic("QC008", Text("这里的名字必须是文字", "A key must be plain text"), span)


def duplicate(name: str, span: Span, first: str, place: Span) -> Diagnostic:
    """A key a second time; the first may be another spelling of what folds to the same."""
    message = Text(f"“{name}”写了两次", f"“{name}” is given twice")
    if name != first:
        message = Text(
            f"“{name}”和“{first}”统一写法（全角半角等）后是同一个名字",
            f"“{name}” and “{first}” are one name when folded (full and half width)",
        )
    return Diagnostic(
        "QC005",
        message,
        span,
        Text("请改名，或合并成一条", "Rename one, or merge the two"),
        related=(Related(place, Text("第一次在这里", "first given here")),),
    )


_TAB_HELP = Text("YAML 的缩进要用空格，请把制表符换成空格", "Indent with spaces, not tabs")
_COLON_HELP = Text(
    "句子里有半角冒号加空格时，请改用全角冒号“：”，或用 | 另起一行写句子",
    "A sentence with “: ” in it needs a full-width colon, or a | block",
)
_BRACKET_HELP = Text(
    "前面的 { 或 [ 没有关上，或两项之间少了逗号",
    "A { or [ before this is not closed, or a comma is missing",
)
_ESCAPE_HELP = Text(
    "双引号里的 \\ 有特别的意思，请改用单引号 '…'",
    "A \\ is special in double quotes: use single quotes '…'",
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def syntax_error(source: Source, error: yaml.YAMLError) -> Diagnostic:
    """PyYAML's complaint, at its place, in the reader's language."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        start = offset(source, mark)
    else:
        bad = _CONTROL.search(source.text)
        start = bad.start() if bad else 0
    if start >= len(source.text):  # at the end: point at the last thing that is there
        start = max(0, len(source.text.rstrip()) - 1)
    span = Span(source, start, start + 1)
    line = source.line(source.position(start)[0])
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "")
    help_: Text | None = None
    if "\t" in line[: max(1, len(line) - len(line.lstrip()))]:
        column = line.index("\t")
        begin = start - (source.position(start)[1] - 1) + column
        return Diagnostic(
            "QC004",
            Text("缩进里有制表符（Tab）", "A tab in the indentation"),
            Span(source, begin, begin + 1),
            _TAB_HELP,
        )
    if "unexpected end of stream" in problem:
        return _left_open(source, error)
    if "expected ',' or" in problem:
        help_ = _BRACKET_HELP
    if "escape" in problem:
        help_ = _ESCAPE_HELP
    if "mapping values" in problem or "expected <block end>" in problem:
        help_ = _COLON_HELP
    if _CONTROL.search(source.text):
        return Diagnostic(
            "QC003",
            Text("文件里有控制字符，不是纯文本", "The file holds control characters"),
            span,
        )
    return Diagnostic(
        "QC003", Text("YAML 写法有误，读不下去", f"YAML cannot be read: {problem}"), span, help_
    )


def _left_open(source: Source, error: yaml.YAMLError) -> Diagnostic:
    """A quote of YAML's own that the rest of the file belongs to."""
    mark = getattr(error, "context_mark", None)
    begin = offset(source, mark) if mark else 0
    return Diagnostic(
        "QC003",
        Text("引号没有结束", "The quote is never closed"),
        Span(source, begin, begin + 1),
        Text("请补上同样的右引号", "Add the same quote at its end"),
    )
