"""What each word of the language means, with an example from docs/language.md."""

from __future__ import annotations

from dataclasses import dataclass

from qc_dsl.lang import Text


@dataclass(frozen=True)
class Help:
    meaning: Text
    example: str


_WHEN = "当 主诉 为空 → 缺陷"
_MUST = "须 主诉 不为空，否则 缺陷 “没有主诉”"
_WINDOW = "手术时间 在 入院日期 后 3 天内"
_TERMS = "术前术式 与 手术记录 所述 内镜词 不同"
_LATEST = "最近一条 体征 满足 体温 小于 37.3"
_SENSE = "每条 医嘱 须 存在 病程，内容 提及 医嘱.药品 所属 抗菌药物，否则 缺陷 “没有体现”"
_CLASH = "非 矛盾(主诉, 现病史, 既往史; 关于 “受伤的时间、地点和原因”)"
_ASKED = "（由模型判断）"
_ASKED_EN = " (the model decides)"


def _asked(zh: str, en: str) -> Text:
    return Text(zh + _ASKED, en + _ASKED_EN)


_HELP: dict[str, tuple[Text, str]] = {
    "IF": (
        Text(
            "适用句：条件为真的病例直接得到这个结论，先于一切规则", "A gate: goes before all rules"
        ),
        "若 年龄 小于 18 则 不适用",
    ),
    "WHEN": (
        Text(
            "后面是范围：只有范围为真，这条规则才说话", "The scope: the rule speaks only where true"
        ),
        _WHEN,
    ),
    "ARROW": (Text("范围 → 条件（或结论）", "Scope -> condition (or verdict)"), _WHEN),
    "THEN": (Text("后面是结论", "A verdict follows"), "若 年龄 小于 18 则 不适用"),
    "MARK_AS": (
        Text("后面是结论", "A verdict follows"),
        "如果患者来自日间病房，直接标记为“不适用”",
    ),
    "COUNTS_AS": (
        Text("前面的条件为真时，是后面的结论", "Where the condition holds, this verdict"),
        "当 主诉 为空 即视为 缺陷",
    ),
    "ELSE": (
        Text("条件为假时的缺陷或结论", "The defect or verdict where the condition is false"),
        _MUST,
    ),
    "AND": (
        Text("两边都真才真；与“或”混用要加括号", "True where both are; brackets beside “or”"),
        "非 （年龄 大于 60 且 主诉 为空）",
    ),
    "OR": (
        Text("一边真就真；与“且”混用要加括号", "True where either is; brackets beside “and”"),
        "主诉、现病史和既往史 均不为空 或 年龄 小于 1",
    ),
    "NOT": (Text("真变假，假变真，未知还是未知", "Negates; unknown stays"), "非 患者来自日间病房"),
    "TOGETHER": (Text("连接两个字段", "Joins two fields"), "主诉 与 现病史 相关"),
    "EQ": (
        Text("整个值相等；列表是任何一项相等", "The whole value equals; any item of a list"),
        "年龄 为 60",
    ),
    "NE": (Text("不相等", "Does not equal"), "入院途径 不为 “急诊”"),
    "IN": (Text("是这些值或词表里的一个", "One of these values or words"), "手术记录 属于 内镜词"),
    "NOT_IN": (Text("不是这些值里的任何一个", "None of these"), "入院途径 不属于 “急诊”、“转院”"),
    "CONTAINS": (
        Text("文字里有这一段；列表在任何一项中", "The text holds this; any item of a list"),
        "手术记录 包含 内镜词",
    ),
    "NOT_CONTAINS": (Text("文字里没有", "The text does not hold"), "主诉 不包含 内镜词"),
    "CONTAINS_ANY": (
        Text("文字里有其中一个", "The text holds one of these"),
        "非 主诉 包含任一 “外伤”、“骨折”",
    ),
    "CONTAINS_ALL": (
        Text("文字里全都有", "The text holds all of these"),
        "手术记录 包含全部 内镜词",
    ),
    "MATCHES": (
        Text("文字里找得到这个 RE2 正则", "The text matches this RE2 pattern"),
        "术前术式 匹配正则 “^(左|右|双)侧?”",
    ),
    "IS_BLANK": (Text("没有写；从不未知", "Not written; never unknown"), "主诉 为空"),
    "NOT_BLANK": (Text("写了；从不未知", "Written; never unknown"), "手术时间 不为空"),
    "ALL_NOT_BLANK": (
        Text("每一个都写了", "Every one is written"),
        "主诉、现病史、既往史 均不为空",
    ),
    "GT": (Text("大于", "Greater"), "年龄 大于 60"),
    "LT": (Text("小于", "Less"), "住院天数 小于 年龄"),
    "GE": (Text("大于或等于", "Greater or equal"), "年龄 >= 14"),
    "LE": (Text("小于或等于", "Less or equal"), "住院天数 ≤ 30"),
    "BEFORE": (Text("时间在前", "Earlier in time"), "出院日期 早于 入院日期"),
    "AFTER": (Text("时间在后", "Later in time"), "手术时间 晚于 入院日期"),
    "NOT_BEFORE": (Text("同时或在后", "At that time or later"), "入院日期 不早于 “2025-01-01”"),
    "NOT_AFTER": (
        Text("同时或在前", "At that time or earlier"),
        "手术时间 不晚于 “2025-01-03 08:30”",
    ),
    "NAMED": (Text("只看词表里的词", "Looks at the words of a list only"), _TERMS),
    "TERMS_DIFFER": (
        Text("两边都提到词表里的词，而没有一个相同", "Both name words of the list, none in common"),
        _TERMS,
    ),
    "SIDES_DIFFER": (
        Text("两边都写了左右侧别，而不相同", "Both give a side, and not the same"),
        "术前术式 与 手术记录 侧别不同",
    ),
    "EACH": (Text("表的每一行各判一次", "Judged once for every row of a table"), _SENSE),
    "MUST": (Text("后面的条件为假就是一处缺陷", "Where the condition is false, a defect"), _MUST),
    "MUST_NOT": (
        Text("后面的条件为真就是一处缺陷", "Where the condition is true, a defect"),
        "不得 主诉 字数 大于 20，否则 缺陷 “主诉太长” 扣 1 分",
    ),
    "DEFECT": (
        Text("缺陷的说明，{字段} 换成它的值", "The defect's message; {FIELD} is filled in"),
        _MUST,
    ),
    "EXISTS": (Text("表里有一行符合", "Some row of the table fits"), "存在 医嘱"),
    "NOT_EXISTS": (
        Text("表里没有一行符合", "No row of the table fits"),
        "存在 医嘱，药品 不为空 且 不存在 病程，内容 提及 医嘱.药品",
    ),
    "AT_LEAST": (Text("符合的行不少于", "So many rows or more"), "至少 2 条 体征，体温 大于 38.5"),
    "AT_MOST": (Text("符合的行不多于", "So many rows or fewer"), "至多 三条 医嘱，紧急 不为空"),
    "EXACTLY": (Text("符合的行正好", "Just so many rows"), "恰好 1 条 病程，标题 包含 “首次病程”"),
    "ALL": (
        Text("每一行都符合；一行也没有时未知", "Every row fits; unknown without rows"),
        "所有 医嘱 状态 为 “已执行”",
    ),
    "ALL_OR_NONE": (
        Text("每一行都符合；一行也没有也算", "Every row fits; true without rows"),
        "所有(可无) 病程 满足 (内容 不为空 且 医师级别 不为空)",
    ),
    "LATEST": (Text("按表的时间最晚的一行", "The last row by the table's time"), _LATEST),
    "FIRST": (
        Text("按表的时间最早的一行", "The first row by the table's time"),
        "首条 病程 (记录时间 晚于 手术时间) 满足 内容 提及 “生命体征”",
    ),
    "OTHER": (
        Text("不是正在说的这一行", "A row other than the one spoken of"),
        "每条 医嘱 须 不存在 另一条 医嘱，药品 为 本条.药品 且 开始时间 与 本条.开始时间 同一天，"
        "否则 缺陷 “{药品} 同一天开了两次”",
    ),
    "SUCH": (Text("后面的条件说的是这一行", "What follows is about that row"), _LATEST),
    "ROWS": (Text("表有多少行", "How many rows a table has"), "医嘱 的数量 大于 2"),
    "LENGTH": (Text("统一写法后有几个字", "How many characters, folded"), "主诉 字数 大于 20"),
    "ITEMS": (Text("列表有几项", "How many items a list has"), "手术记录 项数 为 1"),
    "GAP": (
        Text("两个时间相差多久，不分先后", "How far apart two times are"),
        "手术时间 与 出院日期 间隔 不大于 72 小时",
    ),
    "SAME_DAY": (Text("在同一个日历天", "On one calendar day"), "手术时间 与 入院日期 同一天"),
    "WITHIN": (
        Text("在起点前后的一段时间里，两头都算", "Within a stretch of time, ends included"),
        _WINDOW,
    ),
    "NOT_WITHIN": (
        Text("不在那段时间里", "Not within that stretch of time"),
        "出院日期 不在 “2025-01-01” 后 2 周内",
    ),
    "LATER": (Text("从起点往后", "From the anchor on"), _WINDOW),
    "EARLIER": (
        Text("从起点往前", "Back from the anchor"),
        "须 存在 会诊，会诊时间 在 医嘱.开始时间 前 48 小时内，",
    ),
    "AROUND": (Text("起点往前和往后", "Before and after"), "手术时间 在 入院日期 前后 30 分钟内"),
    "INSIDE": (Text("时间段的结尾", "The end of a stretch of time"), _WINDOW),
    "MENTIONS": (
        Text(
            "说到，而且没有否定；文字里没有时问模型",
            "Says so, not negated; else the model is asked",
        ),
        "主诉 提及 外伤词",
    ),
    "MENTIONS_ANY": (Text("说到其中一个", "Mentions one of these"), "主诉 提及任一 “摔伤”、“跌倒”"),
    "NOT_MENTIONS": (
        Text("没有说到，或否定了", "Not mentioned, or negated"),
        "既往史 未提及 “过敏”",
    ),
    "NOT_MENTIONS_ANY": (
        Text("一个都没有说到", "Mentions none of these"),
        "既往史 未提及任一 “糖尿病”、“高血压”",
    ),
    "LITERAL_MENTIONS": (
        Text(
            "只看文字：写了，而且没有否定；从不问模型", "In so many words, not negated; never asks"
        ),
        "既往史 字面提及 “糖尿病”",
    ),
    "LITERAL_MENTIONS_ANY": (
        Text("只看文字：写了其中一个", "One of these in so many words"),
        "既往史 字面提及任一 “糖尿病”、“高血压”",
    ),
    "NOT_LITERAL_MENTIONS": (
        Text("只看文字：没有写，或否定了", "Not in so many words, or negated"),
        "既往史 字面未提及 “糖尿病”",
    ),
    "NOT_LITERAL_MENTIONS_ANY": (
        Text("只看文字：一个都没有写", "None of these in so many words"),
        "既往史 字面未提及任一 “糖尿病”、“高血压”",
    ),
    "SENSE_OF": (
        Text("字段里提到的词，连同词表里的同义词", "What a field names, with the list's synonyms"),
        _SENSE,
    ),
    "SAME_PROCEDURE": (
        _asked("两个名称指同一种手术", "Two names of one operation"),
        "术前术式 与 手术记录 为同一手术",
    ),
    "NOT_SAME_PROCEDURE": (
        _asked("两个名称不指同一种手术", "Names of two operations"),
        "术前术式 与 手术记录 不为同一手术",
    ),
    "RELATED": (_asked("两段文字有关", "Two texts are related"), "主诉 与 现病史 相关"),
    "NOT_RELATED": (_asked("两段文字无关", "Two texts are not related"), "主诉 与 现病史 不相关"),
    "CONTRADICT": (_asked("几段文字互相矛盾", "Texts contradict each other"), _CLASH),
    "NOT_CONTRADICT": (_asked("不互相矛盾", "Texts do not contradict"), "主诉 与 现病史 不矛盾"),
    "ABOUT": (Text("矛盾要看的方面", "What texts may contradict each other about"), _CLASH),
    "REFLECTS": (
        _asked("写到了这些内容", "The text says these things"),
        "现病史 体现 “受伤的时间、地点、原因”",
    ),
    "NOT_REFLECTS": (
        _asked("没有写到这些内容", "The text does not say these things"),
        "主诉、现病史 未体现 “持续时间”",
    ),
    "CONFORMS": (
        _asked("合乎这个要求", "The text conforms to this"),
        "主诉 符合 “不用诊断名称代替症状”",
    ),
    "NOT_CONFORMS": (
        _asked("不合乎这个要求", "The text does not conform to this"),
        "主诉 不符合 “不超过20个字”",
    ),
    "JUDGED": (
        _asked(
            "这句话成立；前面不写字段时看全部文字", "This holds; of all texts where none is named"
        ),
        "判断 “各段没有互相抄写”",
    ),
    "LISTED": (Text("列举字段", "Lists fields"), "主诉、现病史、既往史 均不为空"),
}
HELP = {name: Help(meaning, example) for name, (meaning, example) in _HELP.items()}
