"""Several values after one predicate: whether they have one clear reading."""

from __future__ import annotations

from collections.abc import Sequence

from qc_dsl import ast
from qc_dsl.errors import Diagnostic
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import Text
from qc_dsl.printer import print_operand
from qc_dsl.source import Span


def check_values(
    word: str, operands: tuple[ast.Operand, ...], joiners: set[str], span: Span
) -> tuple[Diagnostic | None, ast.Join]:
    """Whether several values after a predicate have one clear reading, and which."""
    op = ast.Op(word)
    join: ast.Join = "all" if joiners == {"VALUE_AND"} else "any"
    if op in (ast.Op.IN, ast.Op.NOT_IN, ast.Op.CONTAINS_ANY):
        return None, "any"
    if op is ast.Op.CONTAINS_ALL:
        return None, "all"
    if len(operands) < 2:
        return None, "any"
    listed = _listed(operands)
    if op is ast.Op.NE:
        return _always_true(listed, span), join
    if op is ast.Op.NOT_CONTAINS:
        return _unclear_not_contains(listed, span), join
    if len(joiners) > 1:
        return _mixed_values(span), join
    if op is ast.Op.EQ and join == "all":
        return _never_both(listed, operands, span), join
    if op is ast.Op.CONTAINS and joiners == {"VALUE_COMMA"}:
        return _any_or_all(listed, span), join
    return None, join


def _listed(operands: Sequence[ast.Operand]) -> Text:
    """The values as they would be written one after the other."""
    shown = [*map(print_operand, operands)]
    return Text("、".join(shown), ", ".join(shown))


def _is_number(operand: ast.Operand) -> bool:
    return isinstance(operand, ast.Literal) and operand.kind == "number"


def check_mentioned(
    word: str, operands: tuple[ast.Operand, ...], joiners: set[str], span: Span
) -> tuple[Diagnostic | None, ast.Join]:
    """The same for 提及 and its like: several words are always any one of them, or an error."""
    if len(operands) < 2 or word.endswith("_ANY") or not joiners:
        return None, "any"
    if word.startswith("NOT_"):
        return _unclear_not_mentions(word, _listed(operands), span), "any"
    if joiners != {"VALUE_OR"}:
        return _mention_any_or_all(word, _listed(operands), operands, span), "any"
    return None, "any"


def _unclear_not_mentions(word: str, listed: Text, span: Span) -> Diagnostic:
    zh, en = (KEYWORDS[f"{word}_ANY"].canonical(lang) for lang in ("zh", "en"))
    not_zh, not_en = (KEYWORDS[word].canonical(lang) for lang in ("zh", "en"))
    return Diagnostic(
        "QC106",
        Text(
            f"“{not_zh}”后面接几个词，说不清是都没有还是不全有",
            f"“{not_en}” with several words: none of them, or not all of them?",
        ),
        span,
        Text(
            f"都没有：{zh} {listed.zh}；不全有：请一个词写一个条件，用“或”连接",
            f"None: {en} {listed.en}; not all: one condition a word, joined by “or”",
        ),
    )


def _mention_any_or_all(
    word: str, listed: Text, operands: Sequence[ast.Operand], span: Span
) -> Diagnostic:
    zh, en = (KEYWORDS[word].canonical(lang) for lang in ("zh", "en"))
    any_zh, any_en = (KEYWORDS[f"{word}_ANY"].canonical(lang) for lang in ("zh", "en"))
    each = [print_operand(operand) for operand in operands]
    all_zh = " 且 ".join(f"{zh} {text}" for text in each)
    all_en = " and ".join(f"{en} {text}" for text in each)
    return Diagnostic(
        "QC110",
        Text(f"“{zh}”几个词：任一个，还是全部？", f"{en} any of these, or all of them?"),
        span,
        Text(
            f"任一个：{any_zh} {listed.zh}；全部：{all_zh}",
            f"Any: {any_en} {listed.en}; all: {all_en}",
        ),
    )


def _always_true(listed: Text, span: Span) -> Diagnostic:
    return Diagnostic(
        "QC104",
        Text("“不为”后面接几个值，这样写永远成立", "“is not” with several values is always true"),
        span,
        Text(f"请改为 不属于 {listed.zh}", f"Write: not in {listed.en}"),
    )


def _unclear_not_contains(listed: Text, span: Span) -> Diagnostic:
    return Diagnostic(
        "QC106",
        Text(
            "“不包含”后面接几个值，说不清是都不含还是不全含",
            "“does not contain” with several values: none of them, or not all of them?",
        ),
        span,
        Text(
            f"都不含：非 字段 包含任一 {listed.zh}；不全含：非 字段 包含全部 {listed.zh}",
            f"None: not FIELD contains any of {listed.en};"
            f" not all: not FIELD contains all of {listed.en}",
        ),
    )


def _mixed_values(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC107",
        Text("几个值之间“或”“和”混用", "The values are joined by both “or” and “and”"),
        span,
        Text("请分成两个条件并加括号", "Make two conditions, with brackets"),
    )


def _never_both(listed: Text, operands: Sequence[ast.Operand], span: Span) -> Diagnostic:
    zh, en = f"任一个即可请用“或”，或写 属于 {listed.zh}", f"Any of them: in {listed.en}"
    if not any(map(_is_number, operands)):
        zh += f"；要都出现请写 包含全部 {listed.zh}"
        en += f"; all of them: contains all of {listed.en}"
    return Diagnostic(
        "QC107",
        Text("一个字段不会同时为几个值", "A field cannot be several values at once"),
        span,
        Text(zh, en),
    )


def _any_or_all(listed: Text, span: Span) -> Diagnostic:
    return Diagnostic(
        "QC110",
        Text("“包含”几个值：任一个，还是全部？", "Contains any of these, or all of them?"),
        span,
        Text(
            f"请写 包含任一 {listed.zh}，或 包含全部 {listed.zh}",
            f"Write: contains any of {listed.en}, or: contains all of {listed.en}",
        ),
    )
