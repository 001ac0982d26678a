"""The words one rulebook's sentences are made of: the language's keywords and its own names.

Chinese is written without spaces, so a word ends only where the next begins. The lexer
therefore knows every word of the rulebook, takes the longest one that fits, and calls whatever
lies between known words UNKNOWN, which the parser turns into "no such field, did you mean …".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from lark import Token

from qc_dsl.errors import did_you_mean
from qc_dsl.lang import Text
from qc_dsl.quotes import UnterminatedQuoteError, normalise
from qc_dsl.words import Words

THIS = ("本条", "this")  # before a column's name: that of the row of 每条


@dataclass(frozen=True)
class Lexicon:
    """The names a rulebook's sentences may use, by what they name.

    ``tables`` come with the names of their columns; ``terms`` hold the groups too. ``keys`` are
    columns of the data that are only keys, of the cases or of a table's rows: no sentence can
    use them.
    """

    fields: tuple[str, ...]
    terms: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    questions: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @cached_property
    def table_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.tables)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The bare names of all tables' columns, each once."""
        return tuple(dict.fromkeys(name for _, columns in self.tables for name in columns))

    @cached_property
    def qualified(self) -> tuple[str, ...]:
        """表.列 of every table, and 本条.列 of every column."""
        of_tables = (f"{table}.{name}" for table, columns in self.tables for name in columns)
        return (*of_tables, *(f"{this}.{name}" for this in THIS for name in self.columns))

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """The names that are conditions by themselves: phrases and questions."""
        return (*self.phrases, *self.questions)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The names that hold values: fields and columns, without their tables."""
        return tuple(dict.fromkeys((*self.fields, *self.columns)))

    def instead_of(self, name: str, known: Iterable[str]) -> Text | None:
        """What to do about a name that is none of those known here."""
        if name.rpartition(".")[2] not in self.keys:
            return did_you_mean(name, list(known))
        return Text(
            "它只是主键或表的键；要写在句子里，请在“字段”或表的“列”里也列出来",
            "That is only a key: to be used in sentences, it must be among the fields or columns",
        )

    @cached_property
    def spelling(self) -> dict[str, str]:
        """The rulebook's own spelling of each name, by its folded form."""
        groups = (self.values, self.qualified, self.table_names, self.terms)
        named = (word for group in (*groups, self.conditions, self.verdicts) for word in group)
        return {normal: word for word in named for normal in _normalised((word,))}

    @cached_property
    def _words(self) -> Words:
        names = {
            "VERDICT": self.verdicts,
            "PHRASE": self.conditions,
            "TERM": self.terms,
            "TABLE": self.table_names,
            "FIELD": (*self.values, *self.qualified),
        }
        heads = (*self.table_names, *self.terms, *(THIS if self.tables else ()))
        normalised = {kind: tuple(_normalised(group)) for kind, group in names.items()}
        return Words(normalised, _normalised(heads))

    def lex(self, folded: str) -> Iterator[Token]:
        """The words of a normalised text. Nothing fails here: what is no word is UNKNOWN."""
        return self._words.lex(folded)

    def word_end(self, folded: str, start: int) -> int:
        """Where an unknown word ends that begins at an offset, soft words within it included."""
        return self._words.word_end(folded, start)


def _normalised(names: Iterable[str]) -> Iterator[str]:
    """The names as they stand in sentences; one with an open quote can stand in none."""
    for name in names:
        with suppress(UnterminatedQuoteError):
            yield normalise(name)
