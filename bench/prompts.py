"""The questions that are measured: invented pairs of operations, with a long rulebook's prompt."""

from __future__ import annotations

import random

from qc_runtime.backend import ANSWER, REASON, Choice, Line, Request, Step

_RULES = """你是医院病案质控专家。下面给出同一位患者术前讨论中的手术名称和手术记录中的手术名称。
请判断两者是否指同一种手术。

判断准则：
1. 书写方式、简称、别名、语序不同，但指同一操作的，算同一种手术。
2. 一个名称比另一个写得更笼统，但主要操作和部位一致的，算同一种手术。
3. 主要操作不同的，例如切除与修补、探查与切除、置换与固定，不算同一种手术。
4. 部位或器官不同的，例如胃与肠、股骨与胫骨，不算同一种手术。
5. 侧别不同的，例如左侧与右侧、单侧与双侧，不算同一种手术；只有一方写明侧别的，不因此判为不同。
6. 入路不同的，例如开腹与腹腔镜、经皮与切开，不算同一种手术；只有一方写明入路的，不因此判为不同。
7. 实际手术比计划多做了其他主要手术的，不算同一种手术；多做的只是附带操作的，仍算同一种手术。
8. 名称后附的麻醉方式、编号、器械商标、括号内说明不影响判断。
9. 诊断不同而手术相同的，算同一种手术。
10. 拿不准时，以主要操作和部位是否一致为准。

示例：
“阑尾切除术”与“腹腔镜下阑尾切除术”：只有一方写明入路，是同一种手术。
“左侧腹股沟疝修补术”与“右侧腹股沟疝修补术”：侧别不同，不是同一种手术。
“胃大部切除术”与“胃修补术”：主要操作不同，不是同一种手术。
"""
# Both are asked for the same: a verdict, and what a person who checks it wants to read
_REASON = "理由要分别写明主要操作、部位、侧别、入路是否一致"
RULES = f"{_RULES}\n先回答一个字母：A 是同一种手术，B 不是同一种手术；再另起一行写理由，{_REASON}。"
RULES_FOR_JSON = f'{_RULES}\n只输出 JSON：{{"结论": "匹配" 或 "不匹配", "理由": "…"}}，{_REASON}。'
CODES = ("A", "B")
REASON_LEAD = "\n理由："
LONGEST = 96  # tokens of a reason

_NAMES = (
    ("腹腔镜下胆囊切除术", "腹腔镜胆囊切除术"),
    ("开腹胆囊切除术", "腹腔镜下胆囊切除术+胆总管探查术"),
    ("左膝关节置换术", "左侧人工全膝关节表面置换术"),
    ("右股骨颈骨折闭合复位内固定术", "右侧人工股骨头置换术"),
    ("经尿道前列腺电切术", "经尿道前列腺等离子电切术"),
    ("甲状腺右叶切除术", "甲状腺左叶次全切除术"),
    ("白内障超声乳化摘除术", "白内障超声乳化摘除+人工晶体植入术"),
    ("腰椎间盘髓核摘除术", "经皮椎间孔镜下腰椎间盘髓核摘除术"),
    ("剖宫产术", "子宫下段剖宫产术"),
    ("子宫肌瘤剔除术", "腹腔镜下全子宫切除术"),
    ("冠状动脉造影术", "冠状动脉造影+支架置入术"),
    ("胸腔闭式引流术", "胸腔镜下肺大疱切除术"),
)
_SIDES = ("", "左侧", "右侧", "双侧")
PLANNED = len(_NAMES) * len(_SIDES)


def pairs(count: int) -> list[str]:
    """Two names of like operations each, nothing planned twice, up to `PLANNED`."""
    return [_question(side, planned, done) for side in _SIDES for planned, done in _NAMES][:count]


def mixed_pairs(planned: int = PLANNED) -> list[str]:
    """So many planned operations with 12 performed ones each, like and unlike, in any order.

    They have in common what a night's questions have: of 30.7 tokens behind the rules 15.3 are
    left in the tree of prefixes, of the 29.7 in `bench.engine.month` 14.6.
    """
    draw = random.Random(5)
    chosen = draw.sample([(side, name) for side in _SIDES for name, _ in _NAMES], planned)
    found = [_question(side, name, done) for side, name in chosen for _, done in _NAMES]
    draw.shuffle(found)
    return found


def _question(side: str, planned: str, done: str) -> str:
    return f"术前讨论中的手术名称：{side}{planned}\n手术记录中的手术名称：{side}{done}"


def requests(users: list[str], *, explain: bool) -> list[Request]:
    """The questions as the engine is asked them, with a reason for each or without."""
    answer = Step(ANSWER, Choice(CODES))
    reason = Step(REASON, Line(LONGEST), (REASON_LEAD,), CODES if explain else ())
    return [Request(RULES, user, (answer, reason)) for user in users]
