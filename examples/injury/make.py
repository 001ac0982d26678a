"""Admission notes for rulebooks/injury_cause.yaml: python examples/injury/make.py"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Deck

FOLDER = Path(__file__).parent
COVERED = ("基本医疗保险", "军休公费医疗", "离休统筹", "超转人员", "公疗医照", "无保障老年人",
           "无业居民", "学生儿童", "异地持卡")  # fmt: skip
CAMPUSES = ("东院区", "西院区")
OTHERS = ("自费", "商业保险", "工伤保险", "全自费")
RULES = {"when": "受伤时间", "place": "受伤地点", "cause": "受伤原因", "blame": "第三方责任"}


@dataclass(frozen=True)
class Injury:
    """What happened to somebody. An emptied part is one that the present history leaves out."""

    ward: str
    site: str
    named: str
    when: str
    place: str
    cause: str
    blame: str
    diagnosis: str

    @property
    def complaint(self) -> str:
        return f"{self.site}{self.named}后疼痛{self.when.removesuffix('前')}"

    @property
    def history(self) -> str:
        when = f"{self.when}患者" if self.when else "患者"
        told = f"{when}{self.place}{self.cause or '受伤'}，{self.site}肿痛、活动受限"
        blame = f"，{self.blame}" if self.blame else ""
        return f"{told}{blame}。急诊拍片后收入院，病程中神志清，饮食可。"


INJURIES = (
    Injury("骨科", "左髋部", "摔伤", "3小时前", "在家中卫生间", "不慎滑倒", "无第三方责任",
           "左股骨颈骨折"),
    Injury("骨科", "右腕部", "摔伤", "2小时前", "在小区内", "散步时跌倒", "无他人责任",
           "右桡骨远端骨折"),
    Injury("骨科", "左踝部", "扭伤", "1天前", "在单位楼梯上", "踩空扭伤", "自身责任，无第三方参与",
           "左踝关节骨折"),
    Injury("神经外科", "头部", "车祸伤", "5小时前", "在路口", "被电动车撞倒",
           "对方责任，交警已处理", "创伤性硬膜外血肿"),
    Injury("手外科", "右手", "切割伤", "40分钟前", "在车间", "操作时被切割机切伤", "按工伤处理",
           "右手指裂伤"),
    Injury("烧伤科", "右前臂", "烫伤", "6小时前", "在厨房", "被热水烫伤", "无第三方责任",
           "右前臂热烫伤"),
    Injury("骨科", "右肩部", "摔伤", "2天前", "在公园", "滑冰时摔倒", "无第三方责任",
           "右肱骨近端骨折"),
    Injury("普外科", "右小腿", "咬伤", "1小时前", "在村里", "被邻居家的犬咬伤", "责任方为犬主",
           "右小腿犬咬伤"),
    Injury("骨科", "左足", "砸伤", "4小时前", "在工地", "被钢管砸伤", "按工伤处理", "左跖骨骨折"),
    Injury("胸外科", "右胸部", "撞伤", "3天前", "在马路边", "被自行车撞倒", "肇事者已留电话",
           "右侧肋骨骨折"),
)  # fmt: skip


def note(injury: Injury, number: int, **changed: str) -> dict[str, str]:
    """A whole admission note as exported; ``changed`` columns replace the invented ones."""
    cover = COVERED[number % len(COVERED)]
    return {
        "CTLOC_DESC": injury.ward,
        "REA_DESC": cover,
        "院区": CAMPUSES[number % 2],
        "医保类型": "医保实时结算",
        "CHIEF_COMPLAIN": injury.complaint,
        "HISTORY_ILLNESS": injury.history,
        "HISTORY_PAST": ("体健。", "高血压病史10年，规律服药。", "否认外伤、手术史。")[number % 3],
        "HISTORY_PERSONAL": ("生于本地，无烟酒嗜好。", "吸烟20年。")[number % 2],
        "ADMISSION_DIAGNOSIS": injury.diagnosis,
        "DISCHARGE_DIAGNOSIS": ("", injury.diagnosis)[number % 2],
    } | changed


ILLNESSES = (
    ("呼吸内科", "咳嗽、咳痰5天", "5天前受凉后咳嗽，咳黄痰，否认摔伤史。", "社区获得性肺炎"),
    ("心内科", "间断胸闷1年", "1年前活动后胸闷，休息可缓解，无跌倒。", "冠心病"),
    ("消化内科", "上腹痛3天", "3天前进食后上腹痛，未见呕血、黑便。", "慢性胃炎"),
    ("内分泌科", "多饮、多尿2月", "2月前多饮、多尿，体重下降5kg，无外伤。", "2型糖尿病"),
)  # fmt: skip
OLD = (
    (
        "左胫骨骨折术后1年，要求取出内固定",
        "1年前左胫骨骨折行内固定。",
        "左胫骨骨折术后",
    ),
    ("右髋部疼痛2月", "2月来右髋部疼痛，检查示肺癌骨转移。", "右股骨病理性骨折"),
    ("腰背部疼痛半年", "半年来腰背部疼痛，逐渐加重。", "腰1椎体陈旧性骨折"),
)
CONTRADICTIONS = (
    {"HISTORY_PAST": "3天前在工地从梯子上坠落，右腕受伤，未就诊。"},
    {"HISTORY_PERSONAL": "患者自述昨日打架时被他人推倒致伤。"},
    {"CHIEF_COMPLAIN": "头部摔伤后疼痛10天"},
)


def deck() -> Deck:
    made = Deck("ADM_NO", "W", {})

    def add(injury: Injury, *rules: str, **changed: str) -> None:
        made.add(note(injury, len(made.cases), **changed), {}, *rules)

    for injury in INJURIES:
        add(injury)
    for part, rule in RULES.items():
        for injury in INJURIES[:4]:
            gap = replace(injury, **{part: ""})
            add(gap, rule, CHIEF_COMPLAIN=injury.complaint)
    for injury in INJURIES[4:7]:
        gap = replace(injury, place="", blame="")
        add(gap, RULES["place"], RULES["blame"], CHIEF_COMPLAIN=injury.complaint)
    for injury, changed in zip(INJURIES[1:4], CONTRADICTIONS, strict=True):
        add(injury, "前后一致", **changed)
    for injury in (INJURIES[0], INJURIES[2], INJURIES[6]):
        swapped = injury.diagnosis.translate(str.maketrans("左右", "右左"))
        add(injury, "左右一致", ADMISSION_DIAGNOSIS=swapped)
    for injury in INJURIES[7:9]:
        add(injury, "现病史缺失", HISTORY_ILLNESS="")
    for injury, cover in zip(
        INJURIES[5:9], ("自费", "商业保险", "工伤保险", "全自费"), strict=True
    ):
        add(replace(injury, place="", blame=""), REA_DESC=cover, 医保类型="")
    for ward, complaint, history, diagnosis in ILLNESSES:
        ill = Injury(ward, "", "", "", "", "", "", diagnosis)
        add(ill, CHIEF_COMPLAIN=complaint, HISTORY_ILLNESS=history)
    for complaint, history, diagnosis in OLD:
        add(INJURIES[0], CHIEF_COMPLAIN=complaint, HISTORY_ILLNESS=history,
            ADMISSION_DIAGNOSIS=diagnosis, DISCHARGE_DIAGNOSIS="")  # fmt: skip
    add(INJURIES[3], REA_DESC="")
    add(INJURIES[9], HISTORY_PAST="", HISTORY_PERSONAL="")
    return made


def main() -> None:
    deck().write(FOLDER)


if __name__ == "__main__":
    main()
