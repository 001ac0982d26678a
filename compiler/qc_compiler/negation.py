"""What a text denies: the stretches that 提及 leaves out.

A stretch begins at a cue (否认, 无, 未见, …) and runs to the end of its clause: the first of
``. ; ! ?``, the end of the text (or of a list's item), or a comma after which the clause turns
to what is there (有, 伴, 因, 后, 3天前 …). Enumerations go on over commas, as in
否认高血压,糖尿病史; after 未 and 排除 nothing is enumerated, so there any comma ends the stretch.
Words that only look like a cue (无明显诱因, 未婚, 无痛性) begin none, and stay in the text.

One regular expression is the definition, for Python and for DuckDB alike; it is RE2, so it has
no look-ahead: a comma is passed over only together with what may follow it. It reads folded
text (`qc_dsl.fold`), where 、 and ， are both a comma.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import re2

from qc_compiler.values import ITEM_MARK

CUES = (
    "否认", "无", "未见", "未闻", "未触", "未及", "未诉", "未述", "未发现", "未引出", "未扪及",
    "没有", "不伴", "不含", "不存在",
)  # fmt: skip
SHORT_CUES = ("未", "没", "排除", "除外")  # deny only as far as the next comma
NOT_CUES = (
    "无明显诱因", "无明显原因", "无诱因", "无意", "无痛", "无菌", "无创", "无力", "无名", "无症状",
    "无尿", "无效", "无法", "无缘无故", "无影", "无精", "无牙", "无脉", "无不", "无缓解", "无好转",
    "无减轻", "无改善", "无加重", "无变化", "无明显缓解", "无明显好转", "无明显减轻", "无明显改善",
    "无明显变化", "无异常", "无明显异常", "无殊", "无特殊", "无显著", "全无", "无业", "无张力",
    "没有缓解", "没有好转", "未婚", "未育", "未来", "未分化", "未成熟", "未足月", "未破裂", "未定",
    "未明", "未及时", "不排除", "不除外", "不能排除", "不能除外", "待排除", "待除外", "难以排除",
    "排除法",
)  # fmt: skip
OPENERS = (
    "有", "曾", "患", "诊断", "确诊", "现", "伴", "出现", "因", "于", "但", "后", "自觉", "自诉",
    "自述", "自行", "自从", "既往", "入院", "当时", "当地", "目前", "近来", "近日", "近期", "近1",
    "近2", "近3", "近一", "近两", "近半", "今", "遂", "予", "给予", "行", "查", "仍", "并", "偶",
    "时有", "考虑", "提示", "突", "逐渐", "间断", "间歇", "反复发作", "反复出现", "继", "术后",
    "术前", "经", "可见", "可及", "可闻", "均", "持续", "约", "每", "前往", "来我", "为", "系",
    "长期", "口服", "服用", *"0123456789", "一年", "一月", "一周", "一天", "三", "两",
    "半年", "半月", "数", "家属", "父", "母", "本次", "此次", "体检", "检查", "拟", "门诊",
    "在", "常", "感", "游离", "切", "送", "取", "见", "发生",
)  # fmt: skip
NOT_OPENERS = ("感染", "感冒", "游离气", "游离液", "游离体")  # nouns that an enumeration may name
_STOPS = rf".;!?{ITEM_MARK}"


def _not_beginning_with(words: Iterable[str]) -> str:
    """RE2 for the first characters of a text that begins with none of the words.

    The words are followed letter by letter; where they part ways with the text, it is let
    through. A text that ends, or stops, within the beginning of a word is not.
    """
    tails: dict[str, set[str]] = {}
    for word in words:
        tails.setdefault(word[0], set()).add(word[1:])
    other = f"[^{_STOPS},{''.join(sorted(tails))}]"
    further = (
        re2.escape(first) + f"(?:{_not_beginning_with(sorted(rest))})"
        for first, rest in sorted(tails.items())
        if "" not in rest
    )
    return "|".join((other, *further))


def _any(words: Iterable[str]) -> str:
    return "|".join(re2.escape(w) for w in sorted(set(words), key=lambda w: (-len(w), w)))


_REST = f"[^{_STOPS},]*"
PATTERN = (
    f"({_any(NOT_CUES)})|(?:{_any(CUES)}){_REST}"
    f"(?:,+(?:{_not_beginning_with(sorted(set(OPENERS)))}|{_any(NOT_OPENERS)}){_REST})*"
    f"|(?:{_any(SHORT_CUES)}){_REST}"
)
_COMPILED = re2.compile(PATTERN)
ENDS = ".;!?,"  # what can follow a stretch in a text of one item


@lru_cache(maxsize=1024)  # one text is asked about many words, and about every row of another table
def affirmed(text: str) -> str:
    """The folded text without what it denies."""
    result: str = _COMPILED.sub(r"\1", text)
    return result


def may_span(word: str) -> bool:
    """Whether a word could be found across a stretch that was left out.

    What is left after a stretch begins with one of `ENDS`: a word without any of them that
    is in the affirmed text is in the text itself.
    """
    return any(end in word for end in ENDS)


_CUE_STARTS = frozenset(cue[0] for cue in (*CUES, *SHORT_CUES))


def may_reach(word: str) -> bool:
    """Whether a word could be found that ends within a stretch: cut off, it may be another."""
    return bool(_CUE_STARTS & set(word))
