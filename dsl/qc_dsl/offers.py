"""What may stand at a place of a sentence, as a help line."""

from __future__ import annotations

from qc_dsl.keywords import KEYWORDS
from qc_dsl.lang import Text
from qc_dsl.lexicon import Lexicon

_SHOWN = (
    ("STRING", Text("“带引号的文字”", "“quoted text”")),
    ("NUMBER", Text("数字", "a number")),
    ("POINTS", Text("扣 2 分", "deduct 2 points")),
    ("AMOUNT", Text("时间长度（如 3 天）", "a stretch of time (such as 3 days)")),
    ("LPAR", Text("（", "(")),
    ("RPAR", Text("）", ")")),
    ("$END", Text("句子到此结束", "the end of the sentence")),
    ("_STOP", Text("条件到此结束", "the end of the condition")),
)
# Not offered where many things may stand: their own words say when they are wanted.
_HIDDEN = {
    "TOGETHER", "NAMED", "THEN", "MARK_AS", "LISTED", "SUCH", "OTHER", "INSIDE", "ALL_NOT_BLANK",
    "MUST_NOT",
}  # fmt: skip
_ROWS = ("EXISTS", "NOT_EXISTS", "AT_LEAST", "AT_MOST", "EXACTLY", "ALL", "ALL_OR_NONE",
         "LATEST", "FIRST", "ROWS")  # fmt: skip
_MORE = ("MENTIONS", "REFLECTS", "CONFORMS", "JUDGED", "LENGTH", "ITEMS", "WITHIN", "SAME_DAY",
         "GAP", "SAME_PROCEDURE", "RELATED", "CONTRADICT")  # fmt: skip
RARE = {
    name
    for name in KEYWORDS
    if name.removeprefix("NOT_").removeprefix("LITERAL_").removesuffix("_ANY") in _MORE
}


def _offered(accepts: set[str], lexicon: Lexicon) -> list[str]:
    """The keywords to show, those of the oldest and commonest predicates first."""
    words = [name for name in KEYWORDS if name in accepts]
    if not lexicon.tables:
        words = [name for name in words if name not in _ROWS]
    common = [name for name in words if name not in RARE | _HIDDEN]
    begins = {"FIELD", "EQ"} <= accepts  # a condition may begin: too many words to show them all
    rare = [] if begins else [name for name in words if name in _MORE]
    return [*common, *rare] or words


def valid_here(accepts: set[str], lexicon: Lexicon) -> Text:
    """What may stand at this place, the rulebook's own names first."""
    zh, en = [], []
    for kind, label, known in (
        ("FIELD", Text("字段", "a field"), lexicon.values),
        ("VERDICT", Text("结论", "a verdict"), lexicon.verdicts),
        ("TERM", Text("词表", "a term list"), lexicon.terms),
        ("TABLE", Text("表", "a table"), lexicon.table_names),
    ):
        if kind in accepts and known:
            zh.append(f"{label.zh}（{'、'.join(known[:5])}）")
            en.append(f"{label.en} ({', '.join(known[:5])})")
    for kind, label in _SHOWN:
        if kind in accepts:
            zh.append(label.zh)
            en.append(label.en)
    words = _offered(accepts, lexicon)
    zh += [KEYWORDS[name].canonical("zh") for name in words]
    en += [KEYWORDS[name].canonical("en") for name in words]
    return Text("这里可以写：" + "、".join(zh), "Valid here: " + ", ".join(en))
