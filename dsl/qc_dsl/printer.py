"""Syntax trees back to sentences, in the canonical words of either language.

Reading what is printed gives the same tree again.
"""

from __future__ import annotations

from decimal import Decimal

from qc_dsl import ast
from qc_dsl.keywords import KEYWORDS, UNITS, canonical
from qc_dsl.lang import Lang
from qc_dsl.quotes import CLOSERS

_PAIRS = (("“", "”"), ('"', '"'), ("「", "」"), ("『", "』"), ("‘", "’"))
_PAIRWISE = (ast.Op.SIDES_DIFFER, ast.Op.TERMS_DIFFER, ast.Op.SAME_DAY)
_MENTIONS = (
    ast.Op.MENTIONS, ast.Op.NOT_MENTIONS, ast.Op.LITERAL_MENTIONS, ast.Op.NOT_LITERAL_MENTIONS,
)  # fmt: skip
_ASKED: dict[ast.Asked, str] = {
    "same_procedure": "SAME_PROCEDURE", "related": "RELATED", "contradict": "CONTRADICT",
    "reflects": "REFLECTS", "conforms": "CONFORMS", "judge": "JUDGED",
}  # fmt: skip


def quote(text: str) -> str:
    """A text in the first pair of quotes that it does not itself end.

    Whatever was read from quotes fits at least the pair that it was read from.
    """
    taken = set(text)
    for opening, closing in _PAIRS:
        if not taken & set(CLOSERS[opening]):
            return f"{opening}{text}{closing}"
    raise ValueError("a literal that holds every kind of quote cannot be printed")


def print_number(number: float) -> str:
    """A number without an exponent: 3, 2.5, 0.001."""
    return format(Decimal(repr(number)).normalize(), "f")


def print_amount(amount: ast.Amount, lang: Lang) -> str:
    """3 天, 3 days, 1 day."""
    forms = UNITS[amount.unit].zh if lang == "zh" else UNITS[amount.unit].en
    unit = forms[1] if lang == "en" and amount.number == 1 else forms[0]
    return f"{print_number(amount.number)} {unit}"


def print_operand(operand: ast.Operand, lang: Lang = "zh") -> str:
    if isinstance(operand, ast.Amount):
        return print_amount(operand, lang)
    if isinstance(operand, ast.Literal) and operand.kind == "text":
        return quote(operand.text)
    return operand.text


def _joined(predicate: ast.Predicate, lang: Lang) -> str:
    shown = [print_operand(operand, lang) for operand in predicate.operands]
    if predicate.op in (ast.Op.EQ, ast.Op.CONTAINS):
        word = canonical("AND" if predicate.join == "all" else "OR", lang)
        word = "和" if word == "且" else word
        return f" {word} ".join(shown)
    return ("、" if lang == "zh" else ", ").join(shown)


def _predicate(predicate: ast.Predicate, lang: Lang) -> str:
    subject, word = predicate.subject.text, canonical(predicate.op.value, lang)
    if predicate.op in _PAIRWISE:
        other, *terms = (print_operand(operand, lang) for operand in predicate.operands)
        named = f"{canonical('NAMED', lang)} {terms[0]} " if terms else ""
        return f"{_fields((subject, other), lang)} {named}{word}"
    if predicate.op in _MENTIONS:
        return f"{subject} {_mention(predicate, lang)}"
    return " ".join(filter(None, (subject, word, _joined(predicate, lang))))


def _mention(predicate: ast.Predicate, lang: Lang) -> str:
    first, *rest = predicate.operands
    if rest and isinstance(first, ast.Name):
        shown = f" {canonical('SENSE_OF', lang)} ".join(map(print_operand, predicate.operands))
    else:
        shown = _joined(predicate, lang)
    many = "_ANY" if rest and isinstance(first, ast.Literal) else ""
    return f"{canonical(predicate.op.value + many, lang)} {shown}"


def _fields(names: tuple[str, ...], lang: Lang) -> str:
    """Two fields as a pair, more as a list, in the words that stand between them."""
    if len(names) == 2:
        return f" {'与' if lang == 'zh' else canonical('TOGETHER', lang)} ".join(names)
    return (canonical("LISTED", lang) if lang == "zh" else " & ").join(names)


def _measured(measured: ast.Measured, lang: Lang) -> str:
    names = [measured.subject.text, *([measured.other.text] if measured.other else [])]
    words = (canonical(measured.what.upper(), lang), canonical(measured.op.value, lang))
    return " ".join((_fields(tuple(names), lang), *words, print_operand(measured.amount, lang)))


def _within(window: ast.Within, lang: Lang) -> str:
    subject, anchor = window.subject.text, print_operand(window.anchor)
    amount, word = print_amount(window.amount, lang), canonical("WITHIN", lang)
    if lang == "en":
        return f"{subject} {word} {amount} {window.direction} {anchor}"
    side = {"after": "后", "before": "前", "around": "前后"}[window.direction]
    return f"{subject} {word} {anchor} {side} {amount}内"


def _quantified(rows: ast.Quantified, lang: Lang) -> str:
    parts = [canonical(rows.kind.upper(), lang)]
    counted = rows.kind in ("at_least", "at_most", "exactly")
    if counted:
        parts.append(f"{rows.count} 条" if lang == "zh" else str(rows.count))
    if rows.other:
        other = KEYWORDS["OTHER"].zh if lang == "zh" else KEYWORDS["OTHER"].en
        parts.append(other[counted or rows.kind in ("latest", "first")])
    parts.append(rows.table.text)
    if rows.filter is not None:
        parts.append(f"({print_condition(rows.filter, lang)})")
    if rows.body is not None:
        parts += [canonical("SUCH", lang), f"({print_condition(rows.body, lang)})"]
    return " ".join(parts)


def _ask(ask: ast.Ask, lang: Lang) -> str:
    word = canonical(("NOT_" if ask.negated else "") + _ASKED[ask.kind], lang)
    parts = [_fields(tuple(name.text for name in ask.fields), lang), word]
    if ask.text is not None:
        parts += [canonical("ABOUT", lang)] if ask.kind == "contradict" else []
        parts.append(quote(ask.text.text))
    return " ".join(filter(None, parts))


def print_condition(condition: ast.Condition, lang: Lang = "zh") -> str:
    """A condition as a phrase, with brackets wherever and and or meet, and around what rows do."""
    match condition:
        case ast.Predicate():
            return _predicate(condition, lang)
        case ast.Phrase(name=name):
            return name.text
        case ast.Measured():
            return _measured(condition, lang)
        case ast.Within():
            return _within(condition, lang)
        case ast.Quantified():
            return _quantified(condition, lang)
        case ast.Ask():
            return _ask(condition, lang)
        case ast.Not(item=item):
            return f"{canonical('NOT', lang)} {_inner(item, lang)}"
        case ast.And(items=items) | ast.Or(items=items):
            word = canonical("AND" if isinstance(condition, ast.And) else "OR", lang)
            return f" {word} ".join(_inner(item, lang) for item in items)


def _inner(condition: ast.Condition, lang: Lang) -> str:
    text = print_condition(condition, lang)
    return f"({text})" if isinstance(condition, (ast.And, ast.Or)) else text


def print_sentence(sentence: ast.Sentence, lang: Lang = "zh") -> str:
    """A sentence in canonical form."""
    comma = "，" if lang == "zh" else ", "
    if isinstance(sentence, ast.Obligation):
        return _obligation(sentence, lang)
    if isinstance(sentence, ast.Gate):
        head = f"{canonical('IF', lang)} {print_condition(sentence.condition, lang)}"
        return f"{head}{comma}{canonical('MARK_AS', lang)} {sentence.verdict.text}"
    parts = [canonical("WHEN", lang)]
    if sentence.scope is not None:
        parts += [print_condition(sentence.scope, lang), canonical("ARROW", lang)]
    parts += [print_condition(sentence.condition, lang)]
    text = f"{' '.join(parts)} {canonical('COUNTS_AS', lang)} {sentence.verdict.text}"
    if sentence.otherwise is None:
        return text
    return f"{text}{comma}{canonical('ELSE', lang)} {sentence.otherwise.text}"


def print_must(condition: ast.Condition, lang: Lang) -> str:
    """What must be. After must, a word not would be read as going with all that follows."""
    text, negation = print_condition(condition, lang), f"{canonical('NOT', lang)} "
    if lang == "en" and text.startswith(negation) and not isinstance(condition, ast.Not):
        text = f"({text})"
    return f"{canonical('MUST', lang)} {text}"


def _obligation(sentence: ast.Obligation, lang: Lang) -> str:
    colon, comma = ("：", "，") if lang == "zh" else (": ", ", ")
    head = [f"{canonical('EACH', lang)} {sentence.table.text}"] if sentence.table else []
    if sentence.scope is not None:
        head.append(f"{canonical('WHEN', lang)} {print_condition(sentence.scope, lang)}")
    must = print_must(sentence.condition, lang)
    opening = f"{' '.join(head)}{colon}{must}" if head else must
    found = " ".join((canonical("ELSE", lang), canonical("DEFECT", lang)))
    message = f"{found} {quote(sentence.message.text)}{print_points(sentence.points, lang)}"
    return f"{opening}{comma}{message}"


def print_points(points: float, lang: Lang) -> str:
    """What a finding deducts, with the space before it; nothing where it deducts nothing."""
    if not points:
        return ""
    number = print_number(points)
    if lang == "zh":
        return f" 扣 {number} 分"
    return f" deduct {number} {'point' if points == 1 else 'points'}"
