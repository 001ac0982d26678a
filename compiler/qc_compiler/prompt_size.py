"""Questions whose fixed text leaves little room for the record it asks about."""

from __future__ import annotations

from collections.abc import Iterator

from qc_compiler.program import Program, Question
from qc_compiler.prompts import system_prompt
from qc_dsl.errors import Diagnostic
from qc_dsl.lang import Text
from qc_dsl.rulebook import QuestionDecl, Rulebook
from qc_dsl.source import Span

CONTEXT = 8192  # tokens of context that the 32B model has on a card of 24 GB, and any machine
_MOST = CONTEXT * 3 // 4


def large_prompts(program: Program, rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Questions with more fixed text than three quarters of the context."""
    declared = {question.name: question.span for question in rulebook.questions}
    asked = [(q, declared.get(q.id)) for q in program.questions]
    if isinstance(program.otherwise, Question) and isinstance(rulebook.otherwise, QuestionDecl):
        asked.append((program.otherwise, rulebook.otherwise.span))
    for question, span in asked:
        size = tokens(system_prompt(question, program.lang))
        if size > _MOST:
            yield _warning(question, size, span or rulebook.section_span("规则", "rules"))


def tokens(text: str) -> int:
    """About how many tokens a text is: one a character beyond ASCII, one for four within it."""
    ascii_ = sum(ch.isascii() for ch in text)
    return len(text) - ascii_ + (ascii_ + 3) // 4


def _warning(question: Question, size: int, span: Span) -> Diagnostic:
    return Diagnostic(
        "QC309",
        Text(
            f"问题“{question.text[:20]}”的提示词约 {size:,} 个词元，上下文一共 {CONTEXT:,} 个",
            f"The prompt of “{question.text[:40]}” is about {size:,} of {CONTEXT:,} tokens",
        ),
        span,
        Text(
            "病历放不下时这个问题会出错；请减少准则和例子",
            "Long records will not fit: use fewer criteria and examples",
        ),
        severity="warning",
    )
