"""A word that does not fit where it stands, and what would fit there."""

from __future__ import annotations

from lark import Token

from qc_dsl import ast
from qc_dsl.complaints import unknown_verdict
from qc_dsl.errors import Diagnostic, did_you_mean
from qc_dsl.keywords import KEYWORDS, SOFT, UNITS
from qc_dsl.lang import Text
from qc_dsl.lexicon import Lexicon
from qc_dsl.offers import RARE, valid_here
from qc_dsl.unknown_words import Place, Word, unknown


def unexpected(
    token: Token, accepts: set[str], text: str, lexicon: Lexicon, place: Place
) -> Diagnostic:
    """A word that does not fit where it stands, with what would."""
    if token.type in ("$END", "_STOP"):
        end = len(text.rstrip())
        message = Text("句子没有写完", "The sentence is not finished")
        return Diagnostic("QC102", message, place(end - 1, end), valid_here(accepts, lexicon))
    end = _end_of_word(token, text, lexicon)
    word = Word(token.start_pos or 0, end, text, frozenset(accepts), lexicon, place)
    if token.type == "UNKNOWN" or end != token.end_pos:
        return unknown(word)
    return _misplaced(token, word)


def _end_of_word(token: Token, text: str, lexicon: Lexicon) -> int:
    """Where the word as written ends: 后遗症 is no 后, though the lexer cut it so."""
    start, end = token.start_pos or 0, token.end_pos or 0
    counted = token.type in ("COUNT", "AMOUNT") and text[start] not in "-0123456789"
    if token in SOFT or counted:
        return max(end, lexicon.word_end(text, start))
    if token.type == "UNKNOWN" and "." not in token and text[start].isalnum():
        return max(end, lexicon.word_end(text, start))
    return end


def _misplaced(token: Token, word: Word) -> Diagnostic:
    """A word of the language or of the rulebook, at a place where it cannot stand."""
    accepts, lexicon = word.accepts, word.lexicon
    if token.type == "FIELD" and "TABLE" in accepts:
        message = Text(f"“{token}”不是表", f"“{token}” is no table")
        offer = did_you_mean(str(token), lexicon.table_names)
        return Diagnostic("QC118", message, word.span, offer)
    if token.type in RARE and "VERDICT" in accepts:
        return unknown_verdict(ast.Name(str(token), span=word.span), lexicon.verdicts)
    if accepts == {"DEFECT"}:
        return _no_message(word)
    if token.type == "NUMBER" and "AMOUNT" in accepts and "NUMBER" not in accepts:
        return _no_unit(token, word)
    if token.type in _SIDES and "INSIDE" in accepts:
        return _no_end(token, word)
    help_ = _instead(token, word) or valid_here(set(accepts), lexicon)
    message = Text("这里不能这样接", "This does not fit here")
    return Diagnostic("QC102", message, word.span, help_)


def _no_message(word: Word) -> Diagnostic:
    return Diagnostic(
        "QC102",
        Text("“否则”后面要写 缺陷 “说明”", "After “else” comes defect “message”"),
        word.span,
        Text(
            "例如：否则 缺陷 “{字段} 没有写” 扣 2 分",
            "For instance: else defect “{FIELD} is missing” deduct 2 points",
        ),
    )


def _no_unit(token: Token, word: Word) -> Diagnostic:
    """A number where a stretch of time is wanted, with a unit that is none or without any."""
    after = word.end + len(word.text[word.end :]) - len(word.text[word.end :].lstrip(" "))
    end = word.lexicon.word_end(word.text, after) if word.text[after : after + 1].isalpha() else 0
    zh, en = (
        "、".join(unit.zh[0] for unit in UNITS.values()),
        ", ".join(u.en[0] for u in UNITS.values()),
    )
    if token.startswith("-"):
        return Diagnostic(
            "QC102",
            Text("时间长度不能是负数", "A stretch of time cannot be negative"),
            word.place(word.start, max(word.end, end)),
            Text("以前的写“前”，以后的写“后”", "Write before, or after, and a positive number"),
        )
    return Diagnostic(
        "QC102",
        Text(f"“{token}”后面缺少时间单位", f"A unit of time is missing after {token}"),
        word.place(word.start, max(word.end, end)),
        Text(f"可以写：{zh}", f"Valid here: {en}"),
    )


def _instead(token: Token, word: Word) -> Text | None:
    """A help line for mistakes that have one cause."""
    if token.type == "MUST" and "VERDICT" in word.accepts:
        return Text(
            "有“须”的句子写成：当 …：须 …，否则 缺陷 “…”",
            "A sentence with must: when …: must …, else defect “…”",
        )
    if "WITHIN" in word.accepts and (token.type in _SIDES or _before_side(token, word)):
        return Text(
            "时限写成：时间 在 起点 后 48 小时内",
            "A window: TIME within 48 hours after ANCHOR",
        )
    if word.accepts <= {"ROWS"}:  # a table stands before, and is treated like a field
        before = word.text[: word.start].rstrip(" \t\r\n,;:.。")
        tables = [t for t in word.lexicon.tables if before.endswith(t[0])]
        return _about_table(*max(tables, key=lambda t: len(t[0]))) if tables else None
    if token.type == "TABLE" and "FIELD" in word.accepts:
        table = word.lexicon.spelling.get(token, str(token))
        return _about_table(table, dict(word.lexicon.tables).get(table, ()))
    return None


_SIDES = ("LATER", "EARLIER", "AROUND")
_SIDE_WORDS = tuple(form for name in _SIDES for form in KEYWORDS[name].zh)


def _before_side(token: Token, word: Word) -> bool:
    """Whether a name is what a window would begin with: 入院时间 后 …"""
    return token.type == "FIELD" and word.text[word.end :].lstrip().startswith(_SIDE_WORDS)


def _no_end(token: Token, word: Word) -> Diagnostic:
    """在 X 后 48 小时前: the end of a window is 内."""
    return Diagnostic(
        "QC116",
        Text(f"这里应为“内”，不是“{token}”", f"“内” (within) is expected here, not “{token}”"),
        word.span,
        Text("时限写成：在 起点 后 48 小时内", "A window: within 48 hours after ANCHOR"),
    )


def _about_table(table: str, columns: tuple[str, ...]) -> Text:
    column = columns[0] if columns else "列"
    zh, en = "、".join(columns[:5]), ", ".join(columns[:5])
    return Text(
        f"“{table}”是表，要写明怎么看它的行：存在 {table} …，{table} 的数量 …，"
        f"或 {table}.{column}（它的列：{zh}）",
        f"“{table}” is a table; say what of its rows: there is {table} …, {table} row count …,"
        f" or {table}.{column} (its columns: {en})",
    )
