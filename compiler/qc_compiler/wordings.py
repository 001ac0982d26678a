"""How the language's own questions are put to a model: short, and one thing at a time.

Small models do best with one plain question, two or three criteria that say what counts and
what does not, and the answers 是 and 否.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qc_compiler.terms import Terms
from qc_dsl.lang import Lang, Text

ANSWERS: dict[Lang, tuple[str, str]] = {"zh": ("是", "否"), "en": ("yes", "no")}
KINDS = {
    "same_procedure": Text("同一手术", "same procedure"),
    "related": Text("相关", "related"),
    "contradict": Text("矛盾", "contradict"),
    "reflects": Text("体现", "reflects"),
    "conforms": Text("符合", "conforms to"),
    "judge": Text("判断", "judged"),
    "mentions": Text("提及", "mentions"),
}
_MOST_WORDS = 20  # of a term list that a question names


@dataclass(frozen=True)
class Wording:
    text: Text
    criteria: tuple[Text, ...]


_WRITTEN_ONLY = Text("只依据写出来的内容，不要推测", "Go by what is written only; do not guess")
_CRITERIA = {
    "same_procedure": (
        Text(
            "不同写法、简称、别名指同一操作的，算同一种手术",
            "Other spellings, short forms and names of one operation are the same procedure",
        ),
        Text(
            "主要操作、部位、侧别、入路有一项不同的，不算",
            "Another main step, site, side or approach is not the same procedure",
        ),
    ),
    "related": (
        Text(
            "说的是同一种病、同一部位，或它的检查、治疗的，算相关",
            "One illness or site, or its tests and treatment, is related",
        ),
        Text(
            "只是同一个病人、内容没有联系的，不算",
            "Merely the same patient, without a link in content, is not",
        ),
    ),
    "contradict": (
        Text(
            "同一件事写得相反或对不上（有无、时间、部位、侧别、数值）的，算矛盾",
            "One fact told in two ways (present or not, time, site, side, number) contradicts",
        ),
        Text(
            "一处写了、另一处没有写，或只是详略、用词不同的，不算",
            "Written in one place only, or in more or other words, does not",
        ),
    ),
    "reflects": (
        Text("意思写到即可，不要求用同样的词", "The meaning counts, not the same words"),
        Text(
            "列出的几项里缺任何一项、或写得看不出来的，不算",
            "If any of the items listed is missing or unclear, it does not",
        ),
    ),
    "conforms": (
        _WRITTEN_ONLY,
        Text("有一处明显不符的，就不算符合", "One plain mismatch is enough: then it does not"),
    ),
    "judge": (_WRITTEN_ONLY,),
    "mentions": (
        Text(
            "同义词、简称、俗称、商品名都算",
            "Synonyms, short forms, plain words and brand names count",
        ),
        Text(
            "被否认的（否认、无、未见）和没有写的，不算",
            "What is denied (denies, no, not seen) or not written does not",
        ),
    ),
}


def built_in(kind: str, labels: Sequence[str], text: str) -> Wording:
    return Wording(_text(kind, labels, text), _CRITERIA[kind])


def _text(kind: str, labels: Sequence[str], text: str) -> Text:
    zh, en = "”、“".join(labels), "”, “".join(labels)
    match kind:
        case "same_procedure":
            return Text(
                f"“{labels[0]}”和“{labels[-1]}”写的是不是同一种手术？",
                f"Are “{labels[0]}” and “{labels[-1]}” the same procedure?",
            )
        case "related":
            return Text(
                f"“{labels[0]}”和“{labels[-1]}”写的内容是否相关？",
                f"Is what “{labels[0]}” and “{labels[-1]}” say related?",
            )
        case "contradict":
            about_zh = f"关于“{text}”的说法" if text else "的说法"
            about_en = f" about “{text}”" if text else ""
            return Text(
                f"“{zh}”{about_zh}是否互相矛盾？", f"Do “{en}” contradict each other{about_en}?"
            )
        case "reflects":
            return Text(f"“{zh}”是否写到了“{text}”？", f"Does “{en}” tell “{text}”?")
        case "conforms":
            return Text(f"“{zh}”是否符合“{text}”？", f"Does “{en}” conform to “{text}”?")
        case _:
            return Text(f"是否可以判断：{text}？", f"Is this so: {text}?")


def mentions(words: Sequence[str], terms: Terms | None) -> Wording:
    """Of words by themselves, or of a term list under its name."""
    if terms is None:
        zh, en = "”或“".join(words), "” or “".join(words)
        text = Text(f"文中是否提到“{zh}”？", f"Does the text mention “{en}”?")
    else:
        main = [group[0] for group in terms.groups][:_MOST_WORDS]
        more = "等" if len(terms.groups) > _MOST_WORDS else ""
        text = Text(
            f"文中是否提到“{words[0]}”中的任何一个（{'、'.join(main)}{more}）？",
            f"Does the text mention any of “{words[0]}” ({', '.join(main)})?",
        )
    return Wording(text, _CRITERIA["mentions"])


def mentions_field(text: str, other: str) -> Wording:
    asked = Text(
        f"“{text}”中是否提到了“{other}”所写的内容？", f"Does “{text}” mention what “{other}” says?"
    )
    return Wording(asked, _CRITERIA["mentions"])
