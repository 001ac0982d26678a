"""Critical values and progress notes for rulebooks/critical_values.yaml.

python examples/critical_values/make.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Deck, Row

FOLDER = Path(__file__).parent
LATE, NOBODY = "及时接收", "记录接收人"
UNWRITTEN, UNEXPLAINED, UNTREATED = "及时记录", "有分析", "有措施"
START = datetime(2025, 4, 10, 9, 0)
WARDS = ("肾内科", "血液科", "急诊内科", "心内科", "普外科", "重症医学科", "内分泌科")
# item, result, as a note may call it, what was thought of it, what was done
ITEMS = (
    ("血钾", "6.8 mmol/L", "K+", "考虑肾功能不全所致", "立即予葡萄糖酸钙静推，安排急诊透析"),
    ("血钾", "2.4 mmol/L", "低钾", "考虑呕吐、摄入不足引起", "给予氯化钾静脉泵入，4小时后复查"),
    ("血小板", "9×10^9/L", "PLT", "考虑化疗后骨髓抑制", "予输注血小板1治疗量，嘱绝对卧床"),
    ("血红蛋白", "45 g/L", "HGB", "考虑消化道出血所致", "申请红细胞4U输血，复查血常规"),
    ("血糖", "1.9 mmol/L", "低血糖", "考虑进食少而胰岛素未减量", "给予50%葡萄糖静推，15分钟后复查"),
    ("国际标准化比值", "6.2", "INR", "考虑华法林过量", "停用华法林，予维生素K1"),
    ("肌钙蛋白I", "12.5 ng/ml", "cTnI", "考虑急性心肌梗死", "请会诊，启动急诊介入流程"),
    ("白细胞", "0.3×10^9/L", "WBC", "考虑粒细胞缺乏为化疗所致", "给予粒细胞刺激因子，保护性隔离"),
    ("血钠", "112 mmol/L", "Na+", "考虑抗利尿激素分泌失调", "予3%氯化钠缓慢静滴，复查电解质"),
    ("血气pH", "7.05", "血气pH", "考虑酮症酸中毒", "给予补液、小剂量胰岛素，复查血气"),
)  # fmt: skip
Item = tuple[str, str, str, str, str]


def at(minutes: float = 0) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M")


def value(
    item: Item, reported: float = 0, received: float | None = 5, **changed: str
) -> dict[str, str]:
    """A reported value, times in minutes; ``received`` None: nobody took it."""
    return {
        "报告时间": at(reported),
        "项目名称": item[0],
        "结果": item[1],
        "临床接收时间": "" if received is None else at(reported + received),
        "接收人": "" if received is None else "值班护士",
        "报告状态": "已报告",
    } | changed


def note(minutes: float, text: str, title: str = "危急值处理记录") -> dict[str, str]:
    return {"记录时间": at(minutes), "标题": title, "记录内容": text}


def whole(item: Item, name: str) -> str:
    return f"接检验科电话报告危急值，{name} {item[1]}，{item[3]}，{item[4]}。"


class Maker:
    """A deck that gives each case a ward."""

    def __init__(self) -> None:
        self.deck = Deck("住院号", "J", {"危急值": "报告号", "病程": "病程号"})

    def add(self, values: Sequence[Row], notes: Sequence[Row], *rules: str, left: str = "") -> None:
        case = {"CTLOC_DESC": WARDS[len(self.deck.cases) % len(WARDS)], "出院时间": left}
        self.deck.add(case, {"危急值": values, "病程": notes}, *rules)


def passing(make: Maker) -> None:
    for item in ITEMS:
        make.add([value(item)], [note(30, whole(item, item[0]))])
    for item in ITEMS[:6]:
        make.add([value(item, received=2)], [note(120, whole(item, item[2]))])
    make.add([value(ITEMS[0], received=15)], [note(360, whole(ITEMS[0], "血钾"))])
    make.add(
        [value(ITEMS[0]), value(ITEMS[3], 3000)],
        [note(40, whole(ITEMS[0], "血钾")), note(3040, whole(ITEMS[3], "血红蛋白"))],
    )


def failing(make: Maker) -> None:
    for item in ITEMS[:3]:
        make.add([value(item, received=16)], [note(60, whole(item, item[0]))], LATE)
    for item in ITEMS[3:6]:
        make.add([value(item, received=None)], [note(60, whole(item, item[0]))], LATE, NOBODY)
    for item in ITEMS[6:8]:
        make.add([value(item, 接收人="")], [note(60, whole(item, item[0]))], NOBODY)
    for item in ITEMS[2:5]:
        make.add([value(item)], [], UNWRITTEN)
    make.add([value(ITEMS[0])], [note(361, whole(ITEMS[0], "血钾"))], UNWRITTEN)
    make.add([value(ITEMS[0])], [note(-5, whole(ITEMS[0], "血钾"))], UNWRITTEN)
    two = [value(ITEMS[0]), value(ITEMS[2], 2000, 40)]
    make.add(two, [note(40, whole(ITEMS[0], "血钾"))], LATE, UNWRITTEN)


def for_the_model(make: Maker) -> None:
    """What is missing from these notes cannot be told by words alone."""
    for item in ITEMS[1:4]:
        make.add(
            [value(item)], [note(50, f"危急值：{item[0]} {item[1]}，{item[4]}。")], UNEXPLAINED
        )
    for item in (ITEMS[0], ITEMS[2], ITEMS[5]):
        make.add([value(item)], [note(50, f"危急值：{item[0]} {item[1]}，{item[3]}。")], UNTREATED)
    quiet = note(70, "患者精神可，生命体征平稳，继续目前治疗。", "日常病程记录")
    for item in ITEMS[6:9]:
        make.add([value(item)], [quiet], UNWRITTEN)
    scan = ("头颅CT：急性硬膜下血肿", "见影像报告", "", "", "")
    seen = "放射科来电告知头颅CT结果，考虑外伤后出血，请会诊，拟急诊行血肿清除术。"
    make.add([value(scan)], [note(20, seen)])


def exempt(make: Maker) -> None:
    again = value(ITEMS[0], 30, None)
    make.add([value(ITEMS[0]), again], [note(40, whole(ITEMS[0], "血钾"))])
    late = value(ITEMS[0], 31, None)
    make.add([value(ITEMS[0]), late], [note(40, whole(ITEMS[0], "血钾"))], LATE, NOBODY)
    make.add([value(ITEMS[4], received=None, 报告状态="已撤销")], [])
    culture = ("血培养", "革兰阳性球菌", "", "", "")
    make.add([value(culture)], [], left=at(-60))
    make.add([value(culture, received=45)], [], LATE, left=at(-60))
    for _ in range(2):
        make.add([], [note(0, "患者一般情况可。", "日常病程记录")])


def unclear(make: Maker) -> None:
    """Times that are missing, or too vague for the window."""
    make.add([value(ITEMS[0], 报告时间="")], [note(30, whole(ITEMS[0], "血钾"))])
    vague = note(0, whole(ITEMS[0], "血钾")) | {"记录时间": START.strftime("%Y-%m-%d")}
    make.add([value(ITEMS[0])], [vague])
    make.add([value(ITEMS[0], 报告状态="")], [note(30, whole(ITEMS[0], "血钾"))])


def deck() -> Deck:
    make = Maker()
    for part in (passing, failing, for_the_model, exempt, unclear):
        part(make)
    return make.deck


def main() -> None:
    deck().write(FOLDER)


if __name__ == "__main__":
    main()
