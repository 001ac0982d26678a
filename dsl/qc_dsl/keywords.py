"""The words of the language, each with its Chinese and English forms.

The first form of each language is canonical: the printer writes it, the parser reads all.
One table serves the lexer, the printer and the messages, so they cannot drift apart.
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
}


def canonical(name: str, lang: str) -> str:
    """The form of a keyword that is printed in a language (``zh`` or ``en``)."""
    keyword = KEYWORDS[name]
    return (keyword.zh if lang == "zh" else keyword.en)[0]
