"""Operations and preoperative discussions for rulebooks/surgery_pairing.yaml.

python examples/surgery_pairing/make.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Deck, Row

FOLDER = Path(__file__).parent
UNDISCUSSED, DIFFERENT = "按时讨论", "计划与实施一致"
START = datetime(2025, 5, 20, 9, 0)
SAME = ("阑尾切除术", "左侧甲状腺腺叶切除术", "腹腔镜下卵巢囊肿剥除术", "经尿道前列腺电切术",
        "右膝关节置换术", "胸腔镜下肺叶切除术", "腰椎后路减压融合术", "鼻中隔矫正术")  # fmt: skip
EQUAL = (
    ("痔切除术", "经肛门内痔套扎术+外痔切除术+混合痔注射"),
    ("宫腔镜检查，备一期手术", "宫腔镜下宫颈息肉电切术+诊刮术"),
    ("宫腔镜手术", "宫腔镜下子宫内膜息肉切除术"),
    ("鼻内镜下鼻腔鼻窦手术", "鼻内镜下左侧上颌窦开放术"),
    ("腹腔镜胆囊切除术", "腹腔镜探查术+胆囊切除术"),
)
SIDES = (
    ("左膝关节镜检查", "右膝关节镜检查"),
    ("左侧腹股沟疝修补术", "右侧腹股沟疝修补术"),
    ("右乳腺肿物切除术", "左乳腺肿物切除术"),
)
# same and different, for the model to tell
ALIKE = (
    ("LC", "腹腔镜胆囊切除术"),
    ("经尿道膀胱肿瘤电切术", "TURBT"),
    ("人工流产术", "负压吸宫术"),
    ("包皮环切术", "包皮环扎术"),
)
UNLIKE = (
    ("经尿道输尿管镜激光碎石术", "经尿道输尿管支架置入术"),
    ("输尿管切开取石术", "输尿管镜检查"),
    ("颅内动脉瘤夹闭术", "颅内动脉瘤栓塞术"),
    ("肝脓肿穿刺引流术", "肝部分切除术"),
)
# one of several is the same: different as a whole, alike with surgery/any_one.yaml
ONE_OF = (
    ("左眼白内障超声乳化摘除术", "左眼白内障超声乳化摘除术+人工晶体植入术"),
    ("胃癌根治术", "胃癌根治术+脾切除术"),
    ("腹腔镜下卵巢囊肿剥除术", "腹腔镜下卵巢囊肿剥除术+子宫肌瘤剔除术"),
    ("右腹股沟疝修补术+阑尾切除术", "阑尾切除术"),
)
WARDS = ("普外科", "妇科", "泌尿外科", "骨科", "耳鼻喉科", "胸外科")


def at(hours: float = 0, minutes: int = 0) -> str:
    return (START + timedelta(hours=hours, minutes=minutes)).strftime("%Y-%m-%d %H:%M")


def operation(name: str, hours: float = 0, kind: str = "择期", **changed: str) -> dict[str, str]:
    return {"手术开始时间": at(hours), "手术性质": kind, "手术名称": name} | changed


def plan(name: str, hours: float = -18, minutes: int = 0, **changed: str) -> dict[str, str]:
    return {"讨论时间": at(hours, minutes), "拟行手术": name} | changed


class Maker:
    """A deck that gives each case a ward."""

    def __init__(self) -> None:
        self.deck = Deck("住院号", "P", {"手术": "手术单号", "术前讨论": "讨论号"})

    def add(
        self, operations: Sequence[Row], plans: Sequence[Row], *rules: str, ward: str = ""
    ) -> None:
        case = {"CTLOC_DESC": ward or WARDS[len(self.deck.cases) % len(WARDS)]}
        self.deck.add(case, {"手术": operations, "术前讨论": plans}, *rules)


def passing(make: Maker) -> None:
    for name in SAME:
        make.add([operation(name)], [plan(name)])
    for planned, done in EQUAL:
        make.add([operation(done)], [plan(planned)])
    make.add([operation(SAME[0])], [plan(SAME[0], -48)])
    make.add([operation(SAME[0])], [plan(SAME[0], 0)])
    make.add([operation(SAME[1])], [plan(SAME[0], -40), plan(SAME[1], -10)])
    make.add([operation(SAME[1])], [plan(SAME[1], -10), plan(SAME[0], 2)])
    make.add(
        [operation(SAME[2]), operation(SAME[3], 400)],
        [plan(SAME[2]), plan(SAME[3], 380)],
    )
    make.add([operation(SAME[4], 手术开始时间="2025-05-20")], [plan(SAME[4], -12)])


def failing(make: Maker) -> None:
    for planned, done in SIDES:
        make.add([operation(done)], [plan(planned)], DIFFERENT)
    for name in SAME[:3]:
        make.add([operation(name)], [], UNDISCUSSED)
    make.add([operation(SAME[0])], [plan(SAME[0], -48, -1)], UNDISCUSSED)
    make.add([operation(SAME[0])], [plan(SAME[0], 0, 1)], UNDISCUSSED)
    make.add([operation(SAME[0])], [plan(SAME[0], -72), plan(SAME[0], 30)], UNDISCUSSED)
    planned, done = SIDES[0]
    make.add([operation(done)], [plan(done, -40), plan(planned, -10)], DIFFERENT)
    make.add([operation(SAME[5]), operation(SAME[6], 300)], [plan(SAME[5])], UNDISCUSSED)
    make.add([operation(done), operation(SAME[6], 300)], [plan(planned)], UNDISCUSSED, DIFFERENT)


def for_the_model(make: Maker) -> None:
    for planned, done in ALIKE:
        make.add([operation(done)], [plan(planned)])
    for planned, done in (*UNLIKE, *ONE_OF):
        make.add([operation(done)], [plan(planned)], DIFFERENT)


def exempt(make: Maker) -> None:
    make.add([operation("剖腹探查术", kind="急诊")], [])
    make.add(
        [operation("剖腹探查术", kind="急诊"), operation("回肠造口还纳术", 500)],
        [plan("回肠造口还纳术", 480)],
    )
    make.add([operation("剖腹探查术", kind="急诊"), operation(SAME[7], 500)], [], UNDISCUSSED)
    for name in EQUAL[:2]:
        make.add([operation(name[1])], [], ward="普外日间病房")
    for _ in range(2):
        make.add([], [plan(SAME[0])])


def unclear(make: Maker) -> None:
    """Times that are missing, or too vague for the window."""
    make.add([operation(SAME[0], 手术开始时间="")], [plan(SAME[0])])
    make.add([operation(SAME[0], 手术开始时间="2025-05-20")], [plan(SAME[0], -45)])
    make.add([operation(SAME[0])], [plan(SAME[0], 讨论时间="")])


def deck() -> Deck:
    make = Maker()
    for part in (passing, failing, for_the_model, exempt, unclear):
        part(make)
    return make.deck


def main() -> None:
    deck().write(FOLDER)


if __name__ == "__main__":
    main()
