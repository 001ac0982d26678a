"""`qc_dsl.fold.fold` in SQL, for the texts where that is provably the same.

Proof: the characters in `_COMMON` are replaced by what fold makes of each of them. A text that
then holds nothing but ASCII (without the grave accent), the signs in `_SIGNS` and CJK
ideographs is in NFKC and in fold's one form, so that all fold still does is the spaces: none
is left but one between two Latin letters or digits. Every other text goes to ``fold`` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from qc_dsl.fold import fold
from qc_runtime.tables.workspace import literal

if TYPE_CHECKING:
    import duckdb

FOLD = '"#fold"'  # the Python function, as SQL knows it
_COMMON = "，。、：；（）“”‘’！？％＋～—【】℃Ⅰ Ⅱ Ⅲ Ⅳ".replace(" ", "")
_BLANK = "\n\t\r\u3000\u00a0"
_SIGNS = "°±·≥≤↑↓→"
_LATIN_SIGNS = "×÷"  # fold takes them for letters where it looks at spaces
_PLAIN = "[!-_a-~\\x{4e00}-\\x{9fff}]*"
_KNOWN = f"[!-_a-~{_SIGNS}{_LATIN_SIGNS}\\x{{4e00}}-\\x{{9fff}}]*"
_SPACED = f"[ !-_a-~{_SIGNS}\\x{{4e00}}-\\x{{9fff}}]*"
_KEPT = "\ue000"  # stands for a kept space while the others go, as in fold


def common_replaced(column: str) -> str:
    """The text of an SQL column with common characters in their folded form."""
    replaced = column
    for ch in _COMMON:
        replaced = f"replace({replaced}, {literal(ch)}, {literal(fold(ch))})"
    for ch in _BLANK:
        replaced = f"replace({replaced}, {literal(ch)}, ' ')"
    plain = f"regexp_full_match({column}, {literal(_PLAIN)})"
    return f"CASE WHEN {plain} THEN {column} ELSE {replaced} END"


def folded(replaced: str, raw: str) -> str:
    """The folded text, NULL where nothing is left; ``replaced`` is `common_replaced`'s column."""
    return f"""nullif(CASE
        WHEN regexp_full_match({replaced}, {literal(_KNOWN)}) THEN {replaced}
        WHEN regexp_full_match({replaced}, {literal(_SPACED)}) THEN {_without_spaces(replaced)}
        ELSE {FOLD}({raw}) END, '')"""


def _without_spaces(text: str) -> str:
    """Twice, because a letter between two kept spaces belongs to both."""
    one = f"regexp_replace({text}, ' +', ' ', 'g')"
    for _ in range(2):
        one = f"regexp_replace({one}, '([0-9A-Za-z]) ([0-9A-Za-z])', '\\1{_KEPT}\\2', 'g')"
    return f"replace(replace({one}, ' ', ''), '{_KEPT}', ' ')"


def add_fold(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the Python fold known to a connection."""
    add_text_function(connection, FOLD, fold)


def add_text_function(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    read: Callable[[str], Any],
    kind: str = "VARCHAR",
) -> None:
    """A Python function of a text as an SQL function; NULL stays NULL."""
    import pyarrow as pa

    arrow: Any = {
        "VARCHAR": pa.string(),
        "DOUBLE": pa.float64(),
    }.get(kind) or pa.struct([("lo", pa.timestamp("us")), ("hi", pa.timestamp("us"))])

    def call(column: Any) -> Any:
        return pa.array(_each(read, column.to_pylist()), arrow)

    known: Any = connection  # its types know neither of these texts as what they name
    known.create_function(
        name.strip('"'), call, ["VARCHAR"], kind, type="arrow", null_handling="special"
    )


def _each(read: Callable[[str], Any], texts: Iterable[str | None]) -> list[Any]:
    return [None if text is None else read(text) for text in texts]
