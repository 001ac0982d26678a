"""What the word under the pointer means: a declaration, the language's help, a prompt, a query."""

from __future__ import annotations

from collections.abc import Iterable

from qc_compiler import ir
from qc_compiler.prefilter import obligation_query
from qc_compiler.program import Program, Question
from qc_compiler.prompts import prompt
from qc_compiler.sql import expression
from qc_dsl.keyword_help import HELP
from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import tr
from qc_dsl.printer import print_condition, print_sentence
from qc_dsl.rulebook import FieldDecl, Rulebook, RuleDecl, TableDecl
from qc_dsl.shapes import TYPES
from qc_runtime.lsp.completion import language
from qc_runtime.lsp.places import Word, columns
from qc_runtime.lsp.reading import Reading

MOST_WORDS = 60  # of a term list that are shown
_SECTIONS = {
    "applicability": ("适用", "applicability"),
    "exceptions": ("例外", "exceptions"),
    "rules": ("规则", "rules"),
}
_LONGEST = 4000  # characters of a prompt or a query that are shown


def explain(reading: Reading, word: Word) -> str | None:
    """A word's meaning in Markdown; `None` where there is nothing to say."""
    rulebook, program = reading.rulebook, reading.program
    if word.kind == "keyword":
        return _keyword(reading, word.name)
    if rulebook is None:
        return None
    match word.kind:
        case "field":
            found = next((f for f in rulebook.fields if f.name == word.name), None)
            return _field(found, tr("字段", "field")) if found else None
        case "column":
            return _column(reading, rulebook, word)
        case "table":
            table = next((t for t in rulebook.tables if t.name == word.name), None)
            return _table(table) if table else None
        case "terms":
            return _terms(rulebook, word.name)
        case "phrase":
            return _phrase(reading, rulebook, word.name)
        case "question":
            return _question(program, word.name)
        case "question_text":
            return _otherwise(program)
        case "rule":
            rule = next((r for r in rulebook.rules if r.id == word.name), None)
            return _rule(reading, rule) if rule else None
    return None


def _keyword(reading: Reading, name: str) -> str:
    word, help_ = KEYWORDS[name], HELP[name]
    forms = " ".join(f"`{form}`" for form in word.forms)
    heading = f"**{word.canonical(language(reading))}**"
    return f"{heading} — {help_.meaning}\n\n{_fenced(help_.example, 'qc')}\n\n{forms}"


def _fenced(text: str, kind: str) -> str:
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "\n…"
    return f"```{kind}\n{shown}\n```"


def _field(decl: FieldDecl, kind: str) -> str:
    names = {english: chinese for chinese, english in TYPES.items()}
    type_ = tr(names.get(decl.type, decl.type), decl.type)
    facts = [
        (tr("类型", "type"), type_),
        (tr("列", "columns"), "、".join(decl.columns)),
        (tr("标签", "label"), decl.label),
        (tr("值", "values"), "、".join(decl.values[:MOST_WORDS])),
        (tr("分隔", "separator"), decl.separator),
        (tr("取自", "from"), decl.source),
        (tr("标题", "headings"), "、".join(decl.headings)),
        (tr("正则", "pattern"), f"`{decl.pattern}`" if decl.pattern else None),
        (tr("空值", "blank"), "、".join(decl.blanks)),
        (tr("从", "since"), decl.since),
        (tr("到", "until"), decl.until),
    ]
    return _card(kind, decl.name, facts)


def _card(kind: str, name: str, facts: Iterable[tuple[str, str | None]]) -> str:
    lines = [f"- {label}: {value}" for label, value in facts if value]
    return "\n".join([f"{kind} **{name}**", "", *lines])


def _column(reading: Reading, rulebook: Rulebook, word: Word) -> str | None:
    if reading.parts is None:
        return None
    bare = word.name.rpartition(".")[2]
    for _, name in columns(reading.parts, word):
        table = next((t for t in rulebook.tables if t.name == name), None)
        decl = next((c for c in table.columns if c.name == bare), None) if table else None
        if decl is not None:
            return _field(decl, tr(f"表 {name} 的列", f"column of {name}"))
    return None


def _table(table: TableDecl) -> str:
    facts = [
        (tr("列", "columns"), "、".join(column.name for column in table.columns)),
        (tr("键", "key"), table.key),
        (tr("病例", "case"), table.case),
        (tr("时间", "time"), table.time),
        (tr("文件", "files"), "、".join(table.files)),
    ]
    return _card(tr("表", "table"), table.name, facts)


def _terms(rulebook: Rulebook, name: str) -> str | None:
    found = next((terms for terms in rulebook.terms if terms.name == name), None)
    if found is None:
        return None
    shown = "、".join(found.words[:MOST_WORDS])
    more = "…" if len(found.words) > MOST_WORDS else ""
    count = tr(f"{len(found.words)} 个词", f"{len(found.words)} words")
    return f"{tr('词表', 'terms')} **{name}** ({count})\n\n{shown}{more}"


def _phrase(reading: Reading, rulebook: Rulebook, name: str) -> str | None:
    found = next((phrase for phrase in rulebook.phrases if phrase.name == name), None)
    if found is None:
        return None
    shown = print_condition(found.condition, language(reading))
    return f"{tr('说法', 'phrase')} **{name}**\n\n{_fenced(shown, 'qc')}"


def _question(program: Program | None, id_: str) -> str | None:
    """The prompt of a question, with each shown text as its name in braces."""
    if program is None:
        return None
    found = next((question for question in program.questions if question.id == id_), None)
    return _prompt(program, found, f"{tr('问题', 'question')} **{id_}**") if found else None


def _otherwise(program: Program | None) -> str | None:
    asked = program.otherwise if program else None
    if program is None or not isinstance(asked, Question):
        return None
    return _prompt(program, asked, tr("提示词", "Prompt"))


def _prompt(program: Program, question: Question, heading: str) -> str:
    shown = {name: f"{{{name}}}" for name in question.fields}
    system, user = prompt(question, shown, "question_first", program.lang)
    text = f"{system}\n---\n{user}"
    return f"{heading}\n\n{_fenced(text, 'text')}"


def _rule(reading: Reading, rule: RuleDecl) -> str:
    lang = language(reading)
    kind = tr(*_SECTIONS[rule.section])
    lines = [f"{kind} **{rule.id}**", "", _fenced(print_sentence(rule.sentence, lang), "qc")]
    if (sql := _sql(reading.program, rule.id)) is not None:
        lines += ["", _fenced(sql, "sql")]
    return "\n".join(lines)


def _sql(program: Program | None, id_: str) -> str | None:
    """What a rule compiles to: an obligation's query, or the truth of each of its arms."""
    if program is None:
        return None
    for index, duty in enumerate(program.obligations):
        if program.rules[duty.rule].id == id_:
            return obligation_query(program, index)
    arms = [arm for level in program.levels for arm in level.arms]
    own = [arm for arm in arms if program.rules[arm.rule].id == id_]
    return "\n".join(_arm(program.verdicts[a.verdict].name, a.expr) for a in own) or None


def _arm(verdict: str, expr: ir.Expr) -> str:
    return f"-- {verdict}\n{expression(expr).sql(dialect='duckdb', pretty=True)}"
