"""The words of the language, each with its Chinese and English forms.

The first form of each language is canonical: the printer writes it, the parser reads all.
One table serves the lexer, the printer and the messages, so they cannot drift apart. Units of
time, counts of rows and points are words only after a number: `UNITS`, and the grammar.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Keyword:
    zh: tuple[str, ...]
    en: tuple[str, ...]

    @property
    def forms(self) -> tuple[str, ...]:
        return self.zh + self.en

    def canonical(self, lang: str) -> str:
        """The form that is printed; a word of Chinese grammar only has no English form."""
        return (self.zh if lang == "zh" or not self.en else self.en)[0]


KEYWORDS: dict[str, Keyword] = {
    # sentences
    "IF": Keyword(("如果", "若", "凡"), ("if",)),
    "WHEN": Keyword(("当",), ("when",)),
    "ARROW": Keyword(("→", "->", "=>", "⇒", "➜"), ("->",)),
    "THEN": Keyword(("则", "那么", "就"), ("then",)),
    "MARK_AS": Keyword(
        ("直接标记为", "标记为", "直接记为", "记为", "直接判为", "判为", "直接判定为", "判定为"),
        ("mark as",),
    ),
    "COUNTS_AS": Keyword(("即视为", "视为", "即为", "即算", "算作"), ("counts as",)),
    "ELSE": Keyword(("否则",), ("else", "otherwise")),
    # connectives
    "AND": Keyword(("且", "并且", "而且", "同时"), ("and",)),
    "OR": Keyword(("或", "或者"), ("or",)),
    "NOT": Keyword(("非", "并非"), ("not",)),
    "TOGETHER": Keyword(("和", "与", "及", "以及"), ("with",)),
    # predicates
    "EQ": Keyword(("为", "等于", "是", "="), ("is", "=")),
    "NE": Keyword(("不为", "不等于", "不是", "≠", "!="), ("is not", "!=")),
    "IN": Keyword(("属于",), ("in", "is in")),
    "NOT_IN": Keyword(("不属于",), ("not in", "is not in")),
    "CONTAINS": Keyword(("包含", "含有", "包括"), ("contains",)),
    "NOT_CONTAINS": Keyword(("不包含", "不含有", "不包括", "不含"), ("does not contain",)),
    "CONTAINS_ANY": Keyword(("包含任一", "包含任意", "包含任意一个"), ("contains any of",)),
    "CONTAINS_ALL": Keyword(("包含全部", "包含所有", "同时包含"), ("contains all of",)),
    "MATCHES": Keyword(("匹配正则", "匹配正则表达式"), ("matches",)),
    "IS_BLANK": Keyword(("为空", "是空的", "未填写"), ("is blank",)),
    "NOT_BLANK": Keyword(("不为空", "非空", "已填写"), ("is not blank",)),
    "ALL_NOT_BLANK": Keyword(
        ("均不为空", "都不为空", "均已填写"), ("are all not blank", "are all not empty")
    ),
    "GT": Keyword(("大于", ">", "高于", "超过"), (">",)),
    "LT": Keyword(("小于", "<", "低于"), ("<",)),
    "GE": Keyword(("不小于", "大于等于", "大于或等于", "≥", ">=", "不低于"), (">=",)),
    "LE": Keyword(("不大于", "小于等于", "小于或等于", "≤", "<=", "不高于", "不超过"), ("<=",)),
    "BEFORE": Keyword(("早于",), ("before", "is before")),
    "AFTER": Keyword(("晚于",), ("after", "is after")),
    "NOT_BEFORE": Keyword(("不早于",), ("not before", "is not before")),
    "NOT_AFTER": Keyword(("不晚于",), ("not after", "is not after")),
    "NAMED": Keyword(("所述", "提到的"), ("in terms of",)),
    "TERMS_DIFFER": Keyword(("不同", "不一致"), ("differ", "differs")),
    "SIDES_DIFFER": Keyword(("侧别不同", "侧别不一致"), ("differ in side", "differs in side")),
    # obligations
    "EACH": Keyword(("每条", "每一条", "每次"), ("each", "every")),
    "MUST": Keyword(("须", "应", "必须", "要求", "应当", "需"), ("must", "shall")),
    "MUST_NOT": Keyword(("不得", "不应"), ("must not", "shall not")),
    "DEFECT": Keyword(("缺陷", "记缺陷"), ("defect",)),
    # rows of tables
    "EXISTS": Keyword(("存在",), ("there is", "exists")),
    "NOT_EXISTS": Keyword(("不存在",), ("there is no", "not exists")),
    "AT_LEAST": Keyword(("至少",), ("at least",)),
    "AT_MOST": Keyword(("至多", "最多"), ("at most",)),
    "EXACTLY": Keyword(("恰好", "恰有"), ("exactly",)),
    "ALL": Keyword(("所有", "所有的"), ("all",)),
    "ALL_OR_NONE": Keyword(("所有(可无)", "所有 (可无)"), ("all (or none)", "all or none")),
    "LATEST": Keyword(("最近一条", "末条", "最后一条"), ("latest", "the latest")),
    "FIRST": Keyword(("首条", "第一条"), ("first", "the first")),
    "OTHER": Keyword(("另一条", "另外的", "另外一条", "其他"), ("another", "other")),
    "SUCH": Keyword(("满足", "其中", "的"), ("where", "such that")),
    "ROWS": Keyword(("的数量", "的条数"), ("row count",)),
    # measures and time
    "LENGTH": Keyword(("字数", "的字数"), ("length",)),
    "ITEMS": Keyword(("项数", "的项数"), ("items",)),
    "GAP": Keyword(("间隔", "相隔"), ("gap",)),
    "SAME_DAY": Keyword(("同一天", "在同一天", "是同一天"), ("on the same day",)),
    "WITHIN": Keyword(("在",), ("within", "is within")),
    "NOT_WITHIN": Keyword(("不在",), ("not within", "is not within")),
    "LATER": Keyword(("后", "之后", "以后"), ()),
    "EARLIER": Keyword(("前", "之前", "以前"), ()),
    "AROUND": Keyword(("前后",), ("around",)),
    "INSIDE": Keyword(("内", "之内", "以内"), ()),
    # what a text says
    "MENTIONS": Keyword(("提及", "提到"), ("mentions",)),
    "MENTIONS_ANY": Keyword(("提及任一", "提及 任一"), ("mentions any of",)),
    "NOT_MENTIONS": Keyword(("未提及", "不提及", "未提到"), ("does not mention",)),
    "NOT_MENTIONS_ANY": Keyword(("未提及任一", "未提及 任一"), ("does not mention any of",)),
    "LITERAL_MENTIONS": Keyword(("字面提及",), ("literally mentions",)),
    "LITERAL_MENTIONS_ANY": Keyword(
        ("字面提及任一", "字面提及 任一"), ("literally mentions any of",)
    ),
    "NOT_LITERAL_MENTIONS": Keyword(("字面未提及",), ("does not literally mention",)),
    "NOT_LITERAL_MENTIONS_ANY": Keyword(
        ("字面未提及任一", "字面未提及 任一"), ("does not literally mention any of",)
    ),
    "SENSE_OF": Keyword(("所属",), ("in the sense of",)),
    # what only a reader can tell
    "SAME_PROCEDURE": Keyword(
        ("为同一手术", "是同一手术", "同一手术", "为同一种手术", "同一种手术"), ("same procedure",)
    ),
    "NOT_SAME_PROCEDURE": Keyword(("不为同一手术", "不是同一手术"), ("not the same procedure",)),
    "RELATED": Keyword(("相关", "有关"), ("related",)),
    "NOT_RELATED": Keyword(("不相关", "无关"), ("unrelated",)),
    "CONTRADICT": Keyword(("矛盾", "相矛盾"), ("contradict",)),
    "NOT_CONTRADICT": Keyword(("不矛盾", "不相矛盾"), ("do not contradict",)),
    "ABOUT": Keyword(("关于",), ("about",)),
    "REFLECTS": Keyword(("体现",), ("reflects",)),
    "NOT_REFLECTS": Keyword(("未体现", "不体现"), ("does not reflect",)),
    "CONFORMS": Keyword(("符合",), ("conforms to",)),
    "NOT_CONFORMS": Keyword(("不符合",), ("does not conform to",)),
    "JUDGED": Keyword(("判断",), ("judged",)),
    "LISTED": Keyword(("、",), ("&",)),
}

# Words that a longer word may well begin with or hold: an unknown name does not end at them.
SOFT = frozenset({
    "须", "应", "需", "要求", "的", "其他", "另外的", "每次", "缺陷", "在", "不在", "后", "之后",
    "以后", "前", "之前", "以前", "前后", "内", "之内", "以内", "所有", "所有的", "间隔", "相隔",
    "字数", "项数", "相关", "有关", "不相关", "无关", "关于", "判断", "、",
})  # fmt: skip

# Words that may also be names: what follows tells them apart.
NOT_RESERVED = frozenset({"DEFECT"})

UNITS: dict[str, Keyword] = {
    "minute": Keyword(("分钟",), ("minutes", "minute")),
    "hour": Keyword(("小时", "个小时"), ("hours", "hour")),
    "day": Keyword(("天", "日"), ("days", "day")),
    "week": Keyword(("周", "个星期", "星期"), ("weeks", "week")),
    "month": Keyword(("个月", "月"), ("months", "month")),
    "year": Keyword(("年",), ("years", "year")),
    "calendar_day": Keyword(("自然日", "个自然日"), ("calendar days", "calendar day")),
}


def canonical(name: str, lang: str) -> str:
    """The form of a keyword that is printed in a language (``zh`` or ``en``)."""
    return KEYWORDS[name].canonical(lang)
