"""Invented visits for rulebooks/outpatient_consistency.yaml: python examples/outpatient/make.py"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Clock, Deck, Row, person


@dataclass(frozen=True)
class Problem:
    """What a patient comes with, as it is written in the parts of the record."""

    ward: str
    complaint: str
    history: str
    findings: str
    diagnosis: str
    drug: str


PROBLEMS = (
    Problem(
        "呼吸内科",
        "咳嗽咳痰3天",
        "3天前受凉后咳嗽，咳白痰。",
        "双肺呼吸音粗",
        "急性支气管炎",
        "氨溴索口服液",
    ),
    Problem(
        "消化内科",
        "上腹部隐痛1周",
        "1周前进食辛辣后上腹隐痛，反酸。",
        "剑突下轻压痛",
        "慢性胃炎",
        "奥美拉唑肠溶胶囊",
    ),
    Problem(
        "骨科",
        "左膝疼痛2天",
        "2天前下楼时扭伤左膝，行走时疼痛。",
        "左膝轻度肿胀",
        "左膝关节扭伤",
        "双氯芬酸二乙胺乳胶剂",
    ),
    Problem(
        "耳鼻喉科",
        "右耳闷胀4天",
        "4天前感冒后右耳闷胀。",
        "右耳鼓膜内陷",
        "右耳分泌性中耳炎",
        "鼻用布地奈德",
    ),
    Problem(
        "皮肤科",
        "双下肢皮疹5天",
        "5天前双下肢出现红斑，瘙痒。",
        "双下肢散在红斑",
        "湿疹",
        "糠酸莫米松乳膏",
    ),
)
SORE_THROAT = Problem(
    "耳鼻喉科",
    "咽痛2天",
    "2天前出现咽痛，吞咽时加重。",
    "扁桃体Ⅱ度肿大，充血",
    "急性扁桃体炎",
    "西瓜霜含片",
)


@dataclass(frozen=True)
class Visit:
    """One visit; what a case is about is told by changes to what is usual."""

    number: int
    about: Problem | None = None

    @property
    def problem(self) -> Problem:
        return self.about or PROBLEMS[self.number % len(PROBLEMS)]

    @property
    def clock(self) -> Clock:
        return Clock(datetime(2025, 2, 10, 8, 30) + timedelta(hours=5 * self.number, minutes=7))

    def fields(self, **changes: object) -> Row:
        own = self.problem
        usual = {
            "就诊科室": own.ward,
            "就诊类型": "门诊",
            "初复诊": "初诊",
            "就诊时间": self.clock.at(),
            "性别": "男女"[self.number % 2],
            "年龄": 18 + self.number % 60,
            "主诉": own.complaint,
            "现病史": own.history,
            "既往史": "既往体健",
            "过敏史": "否认药物及食物过敏史",
            "体格检查": own.findings,
            "诊断": own.diagnosis,
            "处理意见": "药物治疗，不适随诊",
            "医师签名": person(self.number + 30),
        }
        return {**usual, **changes}

    def drug(self, **changes: object) -> Row:
        usual = {
            "开具时间": self.clock.at(minutes=10),
            "药品": self.problem.drug,
            "天数": 3 + self.number % 5,
            "临床诊断": self.problem.diagnosis,
            "延长理由": "",
        }
        return {**usual, **changes}

    def test(self, name: str) -> Row:
        return {"申请时间": self.clock.at(minutes=5), "项目": name}


def tables(drugs: Sequence[Row] = (), tests: Sequence[Row] = ()) -> dict[str, Sequence[Row]]:
    return {"处方": drugs, "检查申请": tests}


def in_order(deck: Deck) -> None:
    """Visits with nothing amiss; the ends of what is allowed."""
    for n in range(12):
        visit = Visit(n)
        deck.add(visit.fields(), tables([visit.drug()]))
    visit = Visit(12)
    right = [visit.test("左膝关节磁共振平扫")]
    deck.add(visit.fields(), tables([visit.drug(天数=7)], right))
    visit = Visit(13)
    deck.add(visit.fields(就诊类型="急诊"), tables([visit.drug(天数=3)]))
    visit = Visit(14)
    reason = visit.drug(天数=28, 延长理由="慢性病长期处方，病情稳定")
    deck.add(visit.fields(), tables([reason]))
    visit = Visit(15)
    deck.add(visit.fields(初复诊="复诊", 既往史=""), tables([visit.drug()]))
    visit = Visit(16)
    deck.add(visit.fields(就诊类型="体检", 主诉="", 医师签名=""), tables())
    visit = Visit(17)
    taken = visit.fields(过敏史="否认青霉素、头孢过敏史")
    deck.add(taken, tables([visit.drug(药品="注射用青霉素钠")]))


def not_complete(deck: Deck) -> None:
    """Parts that are not written, or written as nothing."""
    for n, part in enumerate(("既往史", "体格检查", "处理意见", "现病史"), 20):
        visit = Visit(n)
        deck.add(visit.fields(**{part: ""}), tables([visit.drug()]), "初诊写全")
    visit = Visit(24)
    deck.add(visit.fields(主诉="无"), tables([visit.drug()]), "初诊写全")
    visit = Visit(25)
    deck.add(visit.fields(医师签名=""), tables([visit.drug()]), "医师签名")
    for n in (26, 27):
        visit = Visit(n)
        by_day = visit.fields(就诊类型="急诊", 就诊时间=visit.clock.day())
        deck.add(by_day, tables([visit.drug(天数=2)]), "急诊到分钟")
    visit = Visit(28)
    deck.add(visit.fields(性别=""), tables([visit.drug()]))


def at_odds(deck: Deck) -> None:
    """Sides, sex and duration that do not go together."""
    visit = Visit(32)
    deck.add(visit.fields(诊断="右膝关节扭伤"), tables(), "侧别一致")
    visit = Visit(33)
    deck.add(visit.fields(体格检查="左耳鼓膜内陷"), tables([visit.drug()]), "侧别一致")
    visit = Visit(37)
    wrong = [visit.test("右膝关节正侧位片")]
    deck.add(visit.fields(), tables([visit.drug()], wrong), "检查侧别一致")
    for n, sex, more in ((30, "男", "子宫肌瘤"), (31, "女", "前列腺增生")):
        visit = Visit(n)
        both = f"{visit.problem.diagnosis}；{more}"
        deck.add(visit.fields(性别=sex, 诊断=both), tables([visit.drug()]), "性别相符")
    visit = Visit(38, SORE_THROAT)
    long = visit.fields(主诉="咽痛2个月", 现病史="2个月前出现咽痛。")
    deck.add(long, tables([visit.drug()]), "病程长短相符")
    visit = Visit(39, SORE_THROAT)
    again = visit.fields(主诉="反复咽痛2个月，加重2天", 现病史="2个月来反复咽痛，2天前加重。")
    deck.add(again, tables([visit.drug()]))


def prescriptions(deck: Deck) -> None:
    """Too long, twice, against an allergy, or not for outpatients."""
    visit = Visit(40)
    deck.add(visit.fields(), tables([visit.drug(天数=8)]), "处方天数")
    visit = Visit(41)
    deck.add(visit.fields(就诊类型="急诊"), tables([visit.drug(天数=4)]), "处方天数")
    visit = Visit(42)
    deck.add(visit.fields(), tables([visit.drug(), visit.drug()]), "重复开药")
    for n, allergy, drug in (
        (43, "青霉素皮试阳性", "注射用青霉素钠"),
        (44, "曾用头孢呋辛后全身皮疹", "头孢呋辛酯片"),
        (45, "左氧氟沙星过敏", "左氧氟沙星片"),
    ):
        visit = Visit(n)
        deck.add(visit.fields(过敏史=allergy), tables([visit.drug(药品=drug)]), "过敏仍用")
    for n, drug in ((46, "利奈唑胺片"), (47, "法罗培南钠片")):
        visit = Visit(n)
        deck.add(visit.fields(), tables([visit.drug(药品=drug)]), "门诊特殊级")
    for age, *broken in ((17, "未成年用药"), (18,)):
        visit = Visit(48)
        taken = tables([visit.drug(药品="左氧氟沙星片")])
        deck.add(visit.fields(年龄=age), taken, *map(str, broken))


def for_the_model(deck: Deck) -> None:
    """Contradictions, and diagnoses on prescriptions, that only a reader can judge."""
    visit = Visit(50)
    deck.add(visit.fields(现病史="半年前开始咳嗽，以夜间为主。"), tables(), "史述相符")
    visit = Visit(52)
    deck.add(visit.fields(现病史="2天前右膝被撞伤。"), tables(), "史述相符")
    for n, written, *broken in (
        (55, "支气管炎（急性发作）"),
        (56, "胃炎伴反酸"),
        (60, "2型糖尿病", "处方诊断相符"),
        (61, "高脂血症", "处方诊断相符"),
    ):
        visit = Visit(int(n))
        deck.add(visit.fields(), tables([visit.drug(临床诊断=written)]), *map(str, broken))


def main() -> None:
    deck = Deck("就诊号", "V", {"处方": "处方号", "检查申请": "申请号"})
    for part in (in_order, not_complete, at_odds, prescriptions, for_the_model):
        part(deck)
    deck.write(Path(__file__).parent)


if __name__ == "__main__":
    main()
