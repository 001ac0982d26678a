"""The questions that conditions put to the model, each once in a program.

A question is known by its id, which a person can write: ``同一手术(术前术式,手术记录)``,
``体现(现病史,受伤的时间)``, ``提及(内容,医嘱.药品)``. Columns stand in it as the sentence has
them; where that would give two questions one id, with their table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qc_compiler import ir, wordings
from qc_compiler.bindings import Bindings
from qc_compiler.program import Question
from qc_compiler.resolve import Scope
from qc_compiler.values import Field
from qc_compiler.wordings import Wording
from qc_dsl import ast
from qc_dsl.rulebook import QuestionDecl

CODES = "ABCDEFGHI"
_REVIEW_BELOW, _DECIDE_AT = 0.75, 0.5
_Key = tuple[str, tuple[ir.Column, ...], tuple[str, ...]]


class Questions:
    """Collects the questions of a program while its conditions are lowered."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._found: dict[_Key, Question] = {}
        self._ids: set[str] = set()

    def mentions(
        self, rows: Bindings, name: ast.Name, column: ir.Column, words: tuple[str, ...]
    ) -> ir.Ask:
        """Whether a text mentions one of these words, or of a term list (given by its name)."""
        terms = self.scope.terms.get(words[0]) if len(words) == 1 else None
        wording = wordings.mentions(words, terms)
        return self._ask(rows, "mentions", (name,), (column,), words, wording)

    def mentions_field(
        self, rows: Bindings, names: tuple[ast.Name, ...], columns: tuple[ir.Column, ...]
    ) -> ir.Ask:
        """Whether a text mentions what another column says."""
        wording = wordings.mentions_field(*self._labels(rows, columns))
        return self._ask(rows, "mentions", names, columns, (), wording)

    def built_in(
        self,
        rows: Bindings,
        kind: str,
        names: tuple[ast.Name, ...],
        columns: tuple[ir.Column, ...],
        text: str,
    ) -> ir.Ask:
        wording = wordings.built_in(kind, self._labels(rows, columns), text)
        return self._ask(rows, kind, names, columns, (text,) if text else (), wording)

    def own(self, rows: Bindings, decl: QuestionDecl, columns: tuple[ir.Column, ...]) -> ir.Ask:
        """A question of the rulebook's own, by its name."""
        own = tuple(self._own(rows, column) for column in columns)
        numbered = [name for name, _ in decl.answers]
        made = self._question(rows, decl.name, columns)
        self._found[("own", own, (decl.name,))] = replace(
            made,
            text=decl.text,
            criteria=decl.criteria,
            answers=tuple((answer, at) for at, (answer, _) in enumerate(decl.answers)),
            codes=tuple(CODES[: len(decl.answers)]),
            examples=tuple((record, numbered.index(a)) for record, a in decl.examples),
            review_below=decl.review_below,
            decide_at=decl.decide_at,
            truths=tuple(truth == "true" for _, truth in decl.answers),
        )
        return ir.Ask(decl.name, columns)

    def all(self) -> tuple[Question, ...]:
        """Every question, in the order in which each first came up."""
        return tuple(self._found.values())

    def _ask(
        self,
        rows: Bindings,
        kind: str,
        names: tuple[ast.Name, ...],
        columns: tuple[ir.Column, ...],
        text: tuple[str, ...],
        wording: Wording,
    ) -> ir.Ask:
        own = tuple(self._own(rows, column) for column in columns)
        key: _Key = (kind, own, text)
        if key not in self._found:
            word = wordings.KINDS[kind].in_(self.scope.lang)
            written = [c.key if "." in n.text else n.text for n, c in zip(names, own, strict=True)]
            id_ = f"{word}({','.join([*written, *text])})"
            if id_ in self._ids:
                id_ = f"{word}({','.join([*(column.key for column in own), *text])})"
            while id_ in self._ids:
                id_ += "'"
            self._ids.add(id_)
            lang = self.scope.lang
            self._found[key] = replace(
                self._question(rows, id_, columns),
                text=wording.text.in_(lang),
                criteria=tuple(criterion.in_(lang) for criterion in wording.criteria),
            )
        return ir.Ask(self._found[key].id, columns)

    def _question(self, rows: Bindings, id_: str, columns: Sequence[ir.Column]) -> Question:
        own = tuple(self._own(rows, column) for column in columns)
        yes, no = wordings.ANSWERS[self.scope.lang]
        return Question(
            text="",
            fields=tuple(column.key for column in own),
            labels=self._labels(rows, columns),
            criteria=(),
            answers=((yes, 0), (no, 1)),
            codes=tuple(CODES[:2]),
            examples=(),
            review_below=_REVIEW_BELOW,
            decide_at=_DECIDE_AT,
            id=id_,
            columns=own,
            truths=(True, False),
        )

    def _own(self, rows: Bindings, column: ir.Column) -> ir.Column:
        """A column under its table's own name, whichever row it is of."""
        return replace(column, row=rows.table_of(column) or "")

    def _labels(self, rows: Bindings, columns: Sequence[ir.Column]) -> tuple[str, ...]:
        """What a question calls the columns: two of one name are told apart by their table."""
        fields: list[Field] = [rows.field(column) for column in columns]
        labels = [field.label or field.name for field in fields]
        return tuple(
            label if labels.count(label) == 1 else f"{rows.table_of(column) or ''}{label}"
            for label, column in zip(labels, columns, strict=True)
        )
