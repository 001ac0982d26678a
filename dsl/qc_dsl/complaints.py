"""What authors get wrong in a sentence, said so that they can mend it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lark import Token

from qc_dsl import ast
from qc_dsl.errors import Diagnostic, did_you_mean, near
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import Lang, Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.printer import print_condition, quote
from qc_dsl.source import Span

Place = Callable[[int, int], Span]


def unterminated(text: str, start: int, place: Place) -> Diagnostic:
    return Diagnostic(
        "QC105",
        Text("引号没有结束", "The quote is never closed"),
        place(start, len(text)),
        Text("请在文字后面补上右引号”", "Add the closing quote ” after the text"),
    )


def not_a_sentence(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC102",
        Text("这不是一条规则", "This is not a rule"),
        span,
        Text(
            "规则以“如果”或“当”开头，例如：当 字段 为 “甲” → 字段 包含 “乙” 即视为 匹配",
            "A rule begins with “if” or “when”: when FIELD is “a” -> FIELD contains “b” …",
        ),
    )


def not_a_condition(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC102",
        Text("这不是一个条件", "This is not a condition"),
        span,
        Text(
            "说法只写条件，不写“当”“如果”，例如：字段 包含 “甲”",
            "A phrase is a condition without “when” or “if”, such as: FIELD contains “a”",
        ),
    )


def empty_literal(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC111",
        Text("引号里没有文字", "Nothing between the quotes"),
        span,
        Text(
            "要判断没有填写，请写“为空”或“不为空”",
            "To test for nothing written: is blank / is not blank",
        ),
    )


def unknown_verdict(word: ast.Operand, known: tuple[str, ...]) -> Diagnostic:
    return Diagnostic(
        "QC109",
        Text(f"没有结论“{word.text}”", f"There is no verdict “{word.text}”"),
        word.span,
        did_you_mean(word.text, known),
    )


def no_subject(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC108",
        Text("缺少字段：说的是哪个字段？", "Which field is this about?"),
        span,
        Text("请在前面写上字段名", "Write the field's name before it"),
    )


def mixed_connectives(items: Sequence[ast.Condition], span: Span) -> Diagnostic:
    """A 且 B 或 C without brackets, with both readings written out."""
    first, second = _and_first(items), _or_first(items)
    return Diagnostic(
        "QC103",
        Text("“且”“或”混用，说不清先后", "“and” and “or” are mixed"),
        span,
        Text(
            f"请加括号说明先后，例如 {first('zh')}；或者 {second('zh')}",
            f"Add brackets: {first('en')}; or {second('en')}",
        ),
    )


_Reading = Callable[[Lang], str]


def _and_first(items: Sequence[ast.Condition]) -> _Reading:
    or_ = ast.Or(tuple(items), span=items[0].span)
    return lambda lang: print_condition(or_, lang)


def _or_first(items: Sequence[ast.Condition]) -> _Reading:
    """The reading in which 或 binds more tightly: A 且 B 或 C as A 且 (B 或 C)."""
    groups: list[list[ast.Condition]] = [[]]
    for item in items:
        head, *rest = item.items if isinstance(item, ast.And) else (item,)
        groups[-1].append(head)
        groups += [[conjunct] for conjunct in rest]
    span = items[0].span
    parts = tuple(g[0] if len(g) == 1 else ast.Or(tuple(g), span=span) for g in groups)
    return lambda lang: print_condition(ast.And(parts, span=span), lang)


def check_values(
    op: ast.Op, operands: tuple[ast.Operand, ...], joiners: set[str], span: Span
) -> tuple[Diagnostic | None, ast.Join]:
    """Whether several values after a predicate have one clear reading, and which."""
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
    shown = [o.text if _is_number(o) else quote(o.text) for o in operands]
    return Text("、".join(shown), ", ".join(shown))


def _is_number(operand: ast.Operand) -> bool:
    return isinstance(operand, ast.Literal) and operand.kind == "number"


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


def unexpected(
    token: Token, accepts: set[str], text: str, lexicon: Lexicon, place: Place
) -> Diagnostic:
    """A word that does not fit where it stands, with what would."""
    if token.type == "$END":
        return Diagnostic(
            "QC102",
            Text("句子没有写完", "The sentence is not finished"),
            place(len(text.rstrip()) - 1, len(text.rstrip())),
            _valid_here(accepts, lexicon),
        )
    start, end = token.start_pos or 0, token.end_pos or 0
    word = text[start:end] if "\x01" not in text[start:end] else "…"
    if token.type != "UNKNOWN":
        return Diagnostic(
            "QC102",
            Text("这里不能这样接", "This does not fit here"),
            place(start, end),
            _valid_here(accepts, lexicon),
        )
    return _unknown_word(word, start, end, accepts, text, lexicon, place)


def _unknown_word(
    word: str, start: int, end: int, accepts: set[str], text: str, lexicon: Lexicon, place: Place
) -> Diagnostic:
    before = next((f for f in sorted(lexicon.fields, key=len, reverse=True)
                   if text[:start].endswith(f)), "")  # fmt: skip
    words = [form for name in accepts if name in KEYWORDS for form in KEYWORDS[name].forms]
    if _is_value_place(accepts):
        return _bare_value(word, accepts, lexicon, place(start, end))
    if "FIELD" in accepts:
        known = [*lexicon.fields, *lexicon.phrases]
        kind = ("字段或说法", "field or phrase") if lexicon.phrases else ("字段", "field")
        return Diagnostic(
            "QC101",
            Text(f"没有{kind[0]}“{word}”", f"There is no {kind[1]} “{word}”"),
            place(start, end),
            did_you_mean(word, known),
        )
    if "VERDICT" in accepts:
        return unknown_verdict(ast.Name(word, span=place(start, end)), lexicon.verdicts)
    if before and not near(word, words, 1) and "EQ" in accepts:
        whole = before + word
        return Diagnostic(
            "QC101",
            Text(f"没有字段“{whole}”", f"There is no field “{whole}”"),
            place(start - len(before), end),
            did_you_mean(whole, lexicon.fields),
        )
    close = near(word, [KEYWORDS[n].zh[0] for n in accepts if n in KEYWORDS], 1)
    close = close or near(word, words, 1)
    offer = Text(f"您是否想写“{close[0]}”？", f"Did you mean “{close[0]}”?") if close else None
    return Diagnostic(
        "QC102",
        Text(f"看不懂“{word}”", f"“{word}” is not a word of the language"),
        place(start, end),
        offer or _valid_here(accepts, lexicon),
    )


def _is_value_place(accepts: set[str]) -> bool:
    """Whether what is missing is the value of a predicate, not a new condition."""
    return bool(accepts & {"STRING", "NUMBER"}) and not accepts & {"EQ", "VERDICT"}


def _bare_value(word: str, accepts: set[str], lexicon: Lexicon, span: Span) -> Diagnostic:
    """A value without quotes, or the misspelt name of a term list or another field."""
    named = [*(lexicon.terms if "TERM" in accepts else ()), *lexicon.fields]
    message = Text(f"看不懂“{word}”", f"“{word}” is not understood here")
    close = did_you_mean(word, near(word, named))
    if "STRING" not in accepts:
        help_ = close or _valid_here(accepts, lexicon)
        return Diagnostic("QC114", message, span, help_)
    inner = word.strip("'")
    zh, en = f"如果是文字，请加引号：{quote(inner)}", f"If it is a text, quote it: {quote(inner)}"
    if close:
        zh, en = f"{close.zh}{zh}", f"{close.en} {en}"
    return Diagnostic("QC114", message, span, Text(zh, en))


_SHOWN = (
    ("STRING", Text("“带引号的文字”", "“quoted text”")),
    ("NUMBER", Text("数字", "a number")),
    ("LPAR", Text("（", "(")),
    ("RPAR", Text("）", ")")),
    ("$END", Text("句子到此结束", "the end of the sentence")),
)
_HIDDEN = {"TOGETHER", "NAMED", "THEN", "MARK_AS"}


def _valid_here(accepts: set[str], lexicon: Lexicon) -> Text:
    """What may stand at this place, the rulebook's own names first."""
    zh, en = [], []
    for kind, label, known in (
        ("FIELD", Text("字段", "a field"), lexicon.fields),
        ("VERDICT", Text("结论", "a verdict"), lexicon.verdicts),
        ("TERM", Text("词表", "a term list"), lexicon.terms),
    ):
        if kind in accepts and known:
            zh.append(f"{label.zh}（{'、'.join(known[:5])}）")
            en.append(f"{label.en} ({', '.join(known[:5])})")
    for kind, label in _SHOWN:
        if kind in accepts:
            zh.append(label.zh)
            en.append(label.en)
    words = [name for name in KEYWORDS if name in accepts and name not in _HIDDEN]
    zh += [KEYWORDS[name].zh[0] for name in words]
    en += [KEYWORDS[name].en[0] for name in words]
    return Text("这里可以写：" + "、".join(zh), "Valid here: " + ", ".join(en))
