"""What authors get wrong in a sentence, said so that they can mend it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from qc_dsl import ast
from qc_dsl.errors import Diagnostic, did_you_mean
from qc_dsl.keywords import canonical
from qc_dsl.lang import Lang, Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.printer import print_amount, print_condition, print_must, print_operand
from qc_dsl.source import Span

Place = Callable[[int, int], Span]
LANGS: tuple[Lang, ...] = ("zh", "en")


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
            "规则以“如果”“当”“每条”或“须”开头，例如：当 字段 为 “甲” → 字段 包含 “乙” 即视为 匹配",
            "A rule begins with if, when, each or must:"
            " when FIELD is “a” -> FIELD contains “b” counts as …",
        ),
    )


def not_a_condition(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC102",
        Text("这不是一个条件", "This is not a condition"),
        span,
        Text(
            "这里只写条件，不写“当”“如果”“须”，例如：字段 包含 “甲”",
            "Only a condition stands here, without when, if or must: FIELD contains “a”",
        ),
    )


def too_deep(span: Span) -> Diagnostic:
    return Diagnostic(
        "QC102",
        Text("括号、“非”或“存在”一层套一层，太深了", "Brackets, nots or rows are nested too deep"),
        span,
        Text(
            "请把里面的条件写成“说法”，一层一层起名",
            "Give the conditions inside names, under “phrases”",
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


def unknown_verdict(word: ast.Name | ast.Literal, known: tuple[str, ...]) -> Diagnostic:
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


def forbidden_and(both: ast.And) -> Diagnostic:
    """不得 A 且 B: both together, or A alone? Both readings written out."""
    together, first = ast.Not(both, span=both.span), ast.Not(both.items[0], span=both.span)
    alone = replace(both, items=(first, *both.items[1:]))
    zh, en = ([print_must(item, lang) for item in (together, alone)] for lang in LANGS)
    return Diagnostic(
        "QC103",
        Text(
            "“不得”后面有“且”：不得的是哪些？",
            "“must not” with “and”: how much must not be?",
        ),
        both.span,
        Text(
            f"合在一起不得：{zh[0]}；只有前一个不得：{zh[1]}",
            f"Not all of it: {en[0]}; only the first not: {en[1]}",
        ),
    )


# rows of tables, windows, measures


def open_body(items: Sequence[ast.Condition], span: Span) -> Diagnostic:
    """存在 T，A 或 B: is B about the same row? Both readings written out."""
    head, *rest = items
    inside = _taking_in(head, tuple(rest))
    outside = ast.Or(tuple(items), span=span)
    return Diagnostic(
        "QC103",
        Text(
            "“或”后面说的还是这一条吗？请加括号",
            "Is what follows “or” about the same row? Add brackets",
        ),
        span,
        _two_readings(inside, outside),
    )


def after_brackets(before: ast.Condition, after: ast.Condition, span: Span) -> Diagnostic:
    """存在 T (A) 且 B: is B about the same row?"""
    inside = _taking_in(before, (after,), ast.And)
    outside = ast.And((before, after), span=span)
    return Diagnostic(
        "QC103",
        Text(
            "括号后面的“且”说的还是这一条吗？",
            "Is what follows the brackets about the same row?",
        ),
        span,
        _two_readings(inside, outside),
    )


def _two_readings(inside: ast.Condition, outside: ast.Condition) -> Text:
    zh, en = ((print_condition(inside, lang), print_condition(outside, lang))
              for lang in ("zh", "en"))  # fmt: skip
    return Text(
        f"同一条：{zh[0]}；另一个条件：{zh[1]}", f"The same: {en[0]}; another condition: {en[1]}"
    )


def _taking_in(
    item: ast.Condition,
    rest: tuple[ast.Condition, ...],
    kind: type[ast.Or] | type[ast.And] = ast.Or,
) -> ast.Condition:
    """The condition with its last quantifier's body reaching over what follows."""
    match item:
        case ast.And(items=items):
            return replace(item, items=(*items[:-1], _taking_in(items[-1], rest, kind)))
        case ast.Not(item=inner):
            return replace(item, item=_taking_in(inner, rest, kind))
        case ast.Quantified(body=body) if body is not None:
            deeper = isinstance(body, (ast.And, ast.Quantified)) and kind is ast.Or
            if deeper and _ends_in_rows(body):
                return replace(item, body=_taking_in(body, rest, kind))
            flat = body.items if isinstance(body, kind) else (body,)
            return replace(item, body=kind((*flat, *rest), span=item.span))
        case _:
            return kind((item, *rest), span=item.span)


def _ends_in_rows(condition: ast.Condition) -> bool:
    last = condition.items[-1] if isinstance(condition, ast.And) else condition
    return isinstance(last, ast.Quantified) and last.body is not None


def not_two(keyword: str, span: Span, count: int) -> Diagnostic:
    """A predicate that compares two fields, with fewer or more."""
    zh, en = canonical(keyword, "zh"), canonical(keyword, "en")
    return Diagnostic(
        "QC122",
        Text(
            f"“{zh}”要比较两个字段，这里有 {count} 个", f"“{en}” compares two fields; here: {count}"
        ),
        span,
        Text(f"请写成：甲 与 乙 {zh}", f"Write: A with B {en}"),
    )


def no_anchor(amount: ast.Amount, lexicon: Lexicon, span: Span) -> Diagnostic:
    """在 3 天内, with nothing that it is counted from."""
    zh, en = print_amount(amount, "zh"), print_amount(amount, "en")
    example = next((n for n in lexicon.qualified if "时间" in n), "") or lexicon.values[0]
    return Diagnostic(
        "QC116",
        Text(f"缺少起点：在 什么时间 前/后 {zh}内？", f"Within {en} before or after what?"),
        span,
        Text(f"例如 在 {example} 后 {zh}内", f"For instance: within {en} after {example}"),
    )


def no_direction(anchor: ast.Name | ast.Literal, amount: ast.Amount) -> Diagnostic:
    """在 X 3 天内: after it, before it?"""
    zh, en = print_amount(amount, "zh"), print_amount(amount, "en")
    name = print_operand(anchor)
    return Diagnostic(
        "QC116",
        Text(f"“{name}”前还是后 {zh}内？", f"Within {en} after or before {name}?"),
        anchor.span.to(amount.span),
        Text(
            f"请写 在 {name} 后 {zh}内，或 前、前后",
            f"Write: within {en} after {name}, or before, or around",
        ),
    )


def nothing_said(kind: ast.Quantifier, table: ast.Name, span: Span) -> Diagnostic:
    """最近一条 T (…) without 满足: chosen, and then?"""
    zh, en = (f"{canonical(kind.upper(), lang)} {table.text}" for lang in ("zh", "en"))
    return Diagnostic(
        "QC120",
        Text(f"{zh} 要怎样？", f"The {en} must be what?"),
        span,
        Text(
            f"请写 {zh} 满足 (…)；先挑选再判断：{zh} (挑选) 满足 (…)",
            f"Write: {en} where (…); to choose first: {en} (choice) where (…)",
        ),
    )


def is_calendar(operand: object) -> bool:
    return isinstance(operand, ast.Amount) and operand.unit == "calendar_day"


def calendar_days(operand: ast.Operand) -> Diagnostic:
    return Diagnostic(
        "QC121",
        Text("“自然日”只用在“在 … 后 N 自然日内”里", "Calendar days belong to “within” only"),
        operand.span,
        Text("这里请写“天”（1 天 = 24 小时）", "Write days here (1 day = 24 hours)"),
    )
