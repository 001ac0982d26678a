"""What the model reads. Plain, stable text: the same program gives the same bytes.

A question's system prompt is the same for every record, so it is computed once; the user's turn
holds nothing but the record's own text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qc_compiler.program import Layout, Obligation, Program, Question
from qc_dsl.lang import Lang, Text
from qc_dsl.printer import print_condition, print_sentence

_ROLE = Text(
    "你是医院的病历质控员，依据下面的准则回答关于一份病历的一个问题。",
    "You check medical records. Answer one question about one record by the criteria below.",
)
_READER = Text(
    "你是医院的病历质控员，先读下面的病历内容，再回答关于它的问题。",
    "You check medical records. Read this part of a record, then answer a question about it.",
)
_QUESTION = Text("问题：", "Question: ")
_CRITERIA = Text("准则：", "Criteria:")
_EXAMPLES = Text("例子：", "Examples:")
_REPLY = Text("只回答一个字母：", "Answer with one letter: ")
ANSWER_LEAD = Text("答案：", "Answer: ")
_REASON = Text("（{}）\n理由：", " ({})\nReason: ")
_QUOTE = Text("（{}）\n原文：“", ' ({})\nQuote: "')
_REASON_AFTER_QUOTE = Text("”\n理由：", '"\nReason: ')


def system_prompt(question: Question, lang: Lang) -> str:
    """The fixed part of a question: role, wording, criteria, examples and answer codes."""
    lines = [_ROLE.in_(lang), _QUESTION.in_(lang) + question.text]
    if question.criteria:
        lines += [_CRITERIA.in_(lang), *_numbered(question.criteria)]
    lines.append(_REPLY.in_(lang) + _codes(question, lang))
    if question.examples:
        lines.append(_EXAMPLES.in_(lang))
        lines += [_example(question, dict(record), a, lang) for record, a in question.examples]
    return "\n".join(lines)


def prompt(
    question: Question, shown: Mapping[str, str], layout: Layout, lang: Lang
) -> tuple[str, str]:
    """The system prompt and the user's turn in a layout (`qc_compiler.layout`)."""
    if layout == "question_first":
        return system_prompt(question, lang), user_prompt(question, shown, lang)
    system = f"{_READER.in_(lang)}\n{user_prompt(question, shown, lang)}"
    _, *lines = system_prompt(question, lang).split("\n")
    return system, "\n".join(lines)


def user_prompt(question: Question, shown: Mapping[str, str], lang: Lang) -> str:
    """The record's part: each shown field under its label, as it is written."""
    colon = "：" if lang == "zh" else ": "
    labelled = zip(question.labels, question.fields, strict=True)
    return "\n".join(f"{label}{colon}{shown[field]}" for label, field in labelled)


def reason_leads(question: Question, lang: Lang) -> tuple[str, ...]:
    """What each answer's reason begins with: the answer in words, so that the two agree."""
    return tuple(_REASON.in_(lang).format(answer) for answer, _ in question.answers)


def quote_leads(question: Question, lang: Lang) -> tuple[str, ...]:
    """What each answer's quotation begins with."""
    return tuple(_QUOTE.in_(lang).format(answer) for answer, _ in question.answers)


def reason_after_quote(lang: Lang) -> str:
    """What a reason begins with where a quotation goes before it."""
    return _REASON_AFTER_QUOTE.in_(lang)


def _numbered(items: Iterable[str]) -> list[str]:
    return [f"{number}. {item}" for number, item in enumerate(items, 1)]


def _codes(question: Question, lang: Lang) -> str:
    pairs = zip(question.codes, question.answers, strict=True)
    comma = "，" if lang == "zh" else ", "
    return comma.join(f"{code}={answer}" for code, (answer, _) in pairs)


def _example(question: Question, record: Mapping[str, str], answer: int, lang: Lang) -> str:
    shown = {field: record.get(field, "") for field in question.fields}
    return f"{user_prompt(question, shown, lang)}\n{ANSWER_LEAD.in_(lang)}{question.codes[answer]}"


_FULL = Text(
    "你是医院的病历质控员。请按以下规则判断一份病历，只能给出这些结论之一：",
    "You check medical records. Judge one record by these rules, giving one of these verdicts: ",
)
_LAYERS = {
    "gates": Text("先看是否适用：", "First, whether it applies:"),
    "exceptions": Text("其次看例外：", "Then the exceptions:"),
    "rules": Text("再按规则：", "Then the rules:"),
}
_PHRASES = Text("以下说法的含义：", "These phrases mean:")
_TERMS = Text("以下词表各含这些词：", "These term lists hold these words:")
_DUTIES = Text(
    "再逐条检查这些要求，不符合的写出缺陷：",
    "Then check each demand; where one fails, name the defect:",
)
_EXCEPT = Text("（除外“{}”：{}）", " (except “{}”: {})")
_DEFECTS = Text("没有缺陷的，结论为{}；有缺陷的，结论为{}。", "Without a defect: {}. With one: {}.")
_REST = Text("以上都不能决定时：", "When none of these decides:")
_MISSING = Text(
    "需要的内容没有写时，回答“资料缺失”，不要猜。",
    "Where needed data is blank, answer “data missing”.",
)
_FORMAT = Text(
    "先写结论，再用一句话写理由，并引用病历原文。",
    "Give the verdict first, then the reason in one sentence that quotes the record.",
)
_LOOK = Text("看：", " Look at: ")
_FIXED = Text("结论为", "the verdict is ")
_PERSON = Text("交由人工判断。", "leave it to a person.")


def full_prompt(program: Program) -> str:
    """One self-contained system prompt with every rule in it, for use in other tools."""
    lang = program.lang
    names, colon = ("、", "：") if lang == "zh" else (", ", ": ")
    lines = [_FULL.in_(lang) + names.join(verdict.name for verdict in program.verdicts)]
    if program.phrases:
        lines.append(_PHRASES.in_(lang))
        lines += [f"- {name}{colon}{print_condition(c, lang)}" for name, c in program.phrases]
    if program.terms:
        lines.append(_TERMS.in_(lang))
        lines += [f"- {name}{colon}{names.join(words)}" for name, words in program.terms]
    numbered: dict[str, list[int]] = {}
    for level in program.levels:
        numbered.setdefault(level.layer, []).extend(dict.fromkeys(a.rule for a in level.arms))
    for layer, rules in numbered.items():
        lines.append(_LAYERS[layer].in_(lang))
        lines += _numbered(print_sentence(program.rules[rule].sentence, lang) for rule in rules)
    if program.obligations:
        lines += [_DUTIES.in_(lang), *_numbered(_duty(program, d) for d in program.obligations)]
    lines += [_REST.in_(lang), *_last(program), _MISSING.in_(lang), _FORMAT.in_(lang)]
    return "\n".join(lines)


def _duty(program: Program, duty: Obligation) -> str:
    """A demand with what exempts from it."""
    rule, lang = program.rules[duty.rule], program.lang
    exempt = (clause for clause in rule.clauses if clause.role == "exception")
    return print_sentence(rule.sentence, lang) + "".join(
        _EXCEPT.in_(lang).format(clause.label, print_condition(clause.condition, lang))
        for clause in exempt
    )


def _last(program: Program) -> list[str]:
    lang = program.lang
    if program.obligations and program.otherwise is None:
        passed, failed, *_ = (verdict.name for verdict in program.verdicts)
        return [_DEFECTS.in_(lang).format(passed, failed)]
    if isinstance(program.otherwise, int):
        return [_FIXED.in_(lang) + program.verdicts[program.otherwise].name]
    if program.otherwise is None:
        return [_PERSON.in_(lang)]
    question = program.otherwise
    names = "，" if lang == "zh" else ", "
    arrow = names.join(f"{answer}→{program.verdicts[v].name}" for answer, v in question.answers)
    shown = names.join(
        name if name == label else f"{name}（{label}）"
        for name, label in zip(question.fields, question.labels, strict=True)
    )
    asked = f"{question.text}{_LOOK.in_(lang)}{shown}"
    return [asked, *_numbered(question.criteria), arrow]
