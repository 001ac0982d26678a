"""What a text denies: the stretches that 提及 leaves out.

A stretch begins at a cue (否认, 无, 未见, …) and runs to the first of: a stop (``. ; ! ?``), the
end of the text (or of a list's item), a closing bracket, a digit or a numeral that begins a time
or a new item (否认糖尿病3天前摔伤; but not one of a disease's name, 2型糖尿病), or a comma after
which the clause turns to what is there (有, 伴, 因, 左, 3天前, 糖尿病5年 …). Enumerations go on
over commas, as in 否认高血压,糖尿病史, but what heads an item of its own (糖尿病:有) is no part of
them. After 排除 and 不考虑 nothing is enumerated, so there any comma ends the stretch; a bare 未,
没 or 非 denies the two or three characters after it, for what goes on may well have happened
(未扶稳摔倒). Words that only look like a cue (无明显诱因, 有无, 未婚) begin none, and stay in the
text.

A denial may also stand behind its word: 糖尿病:无, 糖尿病(-). It takes away the word before the
colon or bracket, by its last four characters, and nothing of what follows: 糖尿病:无高血压:有.

Three replacements in turn are the definition (`STEPS`), for Python and for DuckDB alike. They are
RE2, which has no look-ahead: marks say first where a cue is none and where a stretch must end,
and what ends a stretch is matched with it and put back by a group. They read folded text
(`qc_dsl.fold`), where 、 and ， are both a comma.

`CUT` is put where a stretch was. No folded text has that character, so that what is found in the
affirmed text stands in one of its pieces, and so in the text itself: no word is ever made up
across a stretch. That is what the SQL relies on when it looks for the words first
(`qc_compiler.sql`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import re2

from qc_compiler.values import ITEM_MARK

CUT = "\x1e"  # where a stretch was; folding removes it, as the marks, from every text and word
APART, TURN = "\x1d", "\x1c"  # marks: within what looks like a cue, before what ends a stretch
CUES = (
    "否认", "无", "未见", "未闻", "未触", "未及", "未诉", "未述", "未发现", "未引出", "未扪及",
    "没有", "不伴", "不含", "不存在", "未伴", "未合并", "未查见", "未探及", "没见", "没发现",
)  # fmt: skip
SHORT_CUES = (  # deny only as far as the next comma
    "排除", "除外", "不考虑", "不支持", "未行", "未做", "未使用", "未接受", "未服用",
    "未出现", "未发生", "未提示", "未显示", "未患", "未曾", "没出现", "没发生",
)  # fmt: skip
BARE_CUES = (("未没", 1), ("非", 2))  # and how many characters beyond the first they reach
NOT_CUES = (
    "无明显诱因", "无明显原因", "无诱因", "无意", "无痛", "无菌", "无创", "无力", "无名", "无症状",
    "无尿", "无效", "无法", "无缘无故", "无故", "无影", "无精", "无牙", "无脉", "无缓解", "无好转",
    "无减轻", "无改善", "无加重", "无变化", "无明显缓解", "无明显好转", "无明显减轻", "无明显改善",
    "无明显加重", "无明显变化", "无异常", "无明显异常", "无殊", "无特殊", "无显著", "无业",
    "无张力", "无锡", "无关", "无论", "无奈", "无需", "无须", "无证", "无照", "无牌", "无人",
    "无防护", "无保护", "无支撑", "无先兆", "无明显先兆", "无预兆", "无征兆",
    "没有缓解", "没有好转", "没有诱因", "没有明显诱因", "未婚", "未育", "未来", "未分化", "未成熟",
    "未足月", "未破裂", "未定", "未明", "未及时", "未见好转", "未见缓解", "未见异常",
    "未见明显异常", "未触及异常", "未闻及异常", "未发现异常", "未行走",
    "非常", "非典型", "非小细胞", "非霍奇金", "非ST", "非酒精", "非甾体", "非那", "非洛", "非布",
    "非诺", "非格", "非尔", "非索", "非普", "非昔", "非马", "非罗", "非机动车", "非处方", "非洲",
    "非钙化", "非均质", "非对称", "非骨化", "非增殖", "非浸润", "非瓣膜", "非完全", "非全", "非法",
    "非计划", "非主", "非优势",
)  # fmt: skip
_DOUBLE = "不|不能|不能完全|尚不能|待|难以"  # before 排除, 除外, 否认: no denial
OPENERS = (
    "有", "曾", "患", "诊断", "确诊", "现", "伴", "出现", "因", "于", "但", "后", "自觉", "自诉",
    "自述", "自行", "自从", "自己", "既往", "入院", "当时", "当地", "目前", "近来", "近日", "近期",
    "近一", "近两", "近半", "近数", "遂", "予", "给予", "行", "查", "仍", "并", "偶",
    "时有", "考虑", "提示", "突", "逐渐", "间断", "间歇", "反复发作", "反复出现", "继", "术后",
    "术前", "经", "可见", "可及", "可闻", "均", "持续", "约", "每", "前往", "来我", "为", "系",
    "长期", "口服", "服用", "三", "两", "数", "家属", "父", "母", "本次", "此次", "体检", "检查",
    "拟", "门诊", "在", "常", "感", "游离", "切", "送", "取", "见", "发生", "不慎", "外院", "体重",
    "左", "右", "双",
)  # fmt: skip
NOT_OPENERS = ("感染", "感冒", "游离气", "游离液", "游离体")  # nouns that an enumeration may name
_TIME = "[一二三四五六七八九十百两半数几]+[年月周天日小时个余多分秒岁晚夜]|[今昨]"
_SPAN = "年|月|周|天|日|小时|分钟"
_STOPS = rf".;!?()\[\]{ITEM_MARK}{TURN}"
_NO_WORD = rf"{_STOPS},:0-9A-Za-z"


def _any(words: Iterable[str]) -> str:
    return "|".join(re2.escape(w) for w in sorted(set(words), key=lambda w: (-len(w), w)))


def _not_cues() -> str:
    """Two groups for each first character: it, and the rest of the words that look like a cue."""
    return "|".join(
        f"({first})({_any(word[1:] for word in NOT_CUES if word[0] == first)})"
        for first in "无未没非"
    )


_NO_DENIAL = (
    rf"((?:{_DOUBLE})[排除否])(除|外|认)|(排)(除法)|(,)({_any(NOT_OPENERS)})|(半|百)(月板|日咳)"
    "|(有无)"
)
# What an item says of how long it has been there: 糖尿病病史5年. It is there, then.
_LASTING = rf"[^{_STOPS},:]{{1,16}}?(?:[0-9]+|[一二三四五六七八九十两半数]+)[余多个]*(?:{_SPAN})"
_TURNS = f"(,)({_any(OPENERS)}|{_LASTING})|({_TIME})"

# What a stretch goes through: characters one by one, but the numbers of names in one piece.
_NUMBERED = r"[0-9]+(?:[-/~.][0-9]+)*[型级期度号类位椎肋]|[0-9]+-[A-Za-z]|[A-Za-z]+(?:[-/]?[0-9]+)*"
_PIECE = rf"(?:[^{_NO_WORD}]|{_NUMBERED}|[(\[][^{_STOPS}]*[)\]])"
_FIRST = rf"(?:[^{_NO_WORD}{APART}]|{_NUMBERED}|[(\[][^{_STOPS}]*[)\]])"  # after a cue
_WORD = rf"(?:[^{_NO_WORD}史有患伴及和与后]|{_NUMBERED}){{1,4}}"
_NO = r"(?:无|否认|没有|阴性|未见|未发现|\(-\)|\(阴性\))(?:病?史)?"
_HEADED = rf"(?:{_WORD}史?:{_NO})+({_FIRST}{_PIECE}*:|[{_STOPS},0-9]|\z)"
_BRACKETED = rf"{_WORD}史?[(\[](?:-|阴性|无|否认|未见)[)\]]"
_LIST = f"(?:{_any(CUES)}):?{_FIRST}{_PIECE}*(?:,{_PIECE}*)*"
_SHORT = f"(?:{_any(SHORT_CUES)}):?{_FIRST}{_PIECE}*"
_LONG = f"(?:{_any((*CUES, *SHORT_CUES))}):?{_FIRST}{_PIECE}*(:)"
_BARE = "|".join(f"[{cue}]{_FIRST}{_PIECE}{{0,{more}}}" for cue, more in BARE_CUES)
_STRETCHES = "|".join(
    (
        _HEADED,
        _BRACKETED,
        f"(?:{_WORD}史:)?(?:(?:{_LIST}|{_SHORT})([{_STOPS},0-9]|\\z)|{_LONG})",
        _BARE,
    )
)

STEPS: tuple[tuple[str, str], ...] = (  # patterns and what is put for every match, in turn
    (_not_cues(), rf"\1\3\5\7{APART}\2\4\6\8"),
    (_NO_DENIAL, rf"\1\3\5\7\9{APART}\2\4\6\8"),
    (_TURNS, rf"\1{TURN}\2\3"),
    (_STRETCHES, rf"{CUT}\1\2\3"),
    (f"[{APART}{TURN}]+", ""),
)
_COMPILED = tuple((re2.compile(pattern), put) for pattern, put in STEPS)


@lru_cache(maxsize=1024)  # one text is asked about many words, and about every row of another table
def affirmed(text: str) -> str:
    """The folded text without what it denies, `CUT` in its place."""
    for pattern, put in _COMPILED:
        text = pattern.sub(put, text)
    return text
