"""Invented bills for rulebooks/insurance_compliance.yaml: python examples/insurance/make.py"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Clock, Deck, Row

WARDS = ("消化内科", "普外科", "心血管内科", "肿瘤科", "老年医学科")
INSURED = ("城镇职工基本医疗保险", "城乡居民基本医疗保险", "异地医保")
ILL = ("肝硬化失代偿期", "胆囊结石伴慢性胆囊炎", "慢性心力衰竭", "胃恶性肿瘤", "慢性阻塞性肺疾病")
# name, kind, code
GIVEN = (
    ("呋塞米片", "药品", "X101"),
    ("肝功能检测", "检验", "J201"),
    ("腹部彩色多普勒超声", "检查", "C301"),
    ("静脉输液", "治疗", "Z401"),
)


@dataclass(frozen=True)
class Stay:
    """One stay of four days; what a case is about is told by changes to what is usual."""

    number: int

    @property
    def clock(self) -> Clock:
        return Clock(datetime(2025, 9, 1, 9, 0) + timedelta(days=self.number, minutes=self.number))

    def fields(self, **changes: object) -> Row:
        usual = {
            "住院科室": WARDS[self.number % len(WARDS)],
            "医保类型": INSURED[self.number % len(INSURED)],
            "性别": "男女"[self.number % 2],
            "入院方式": "门诊",
            "入院时间": self.clock.at(),
            "出院时间": self.clock.at(days=4),
            "上次出院时间": "",
            "主要诊断": ILL[self.number % len(ILL)],
            "上次主要诊断": "",
        }
        return {**usual, **changes}

    def order_number(self, which: int) -> str:
        return f"YZ{self.number:04d}{which:02d}"

    def orders(self, **changes: object) -> list[Row]:
        """An executed order for each of the usual things, the first with changes."""
        return [
            {
                "医嘱号": self.order_number(i),
                "开始时间": self.clock.at(hours=2 + i),
                "医嘱内容": name,
                "状态": "已执行",
                **(changes if i == 0 else {}),
            }
            for i, (name, _, _) in enumerate(GIVEN)
        ]

    def charge(self, which: int, hours: float, **changes: object) -> Row:
        name, kind, code = GIVEN[which]
        usual = {
            "收费时间": self.clock.at(hours=hours),
            "项目编码": code,
            "项目名称": name,
            "费用类别": kind,
            "数量": 1,
            "医嘱号": self.order_number(which),
            "支付类别": "甲类",
        }
        return {**usual, **changes}

    def bed(self, hours: float, **changes: object) -> Row:
        own = {"项目编码": "B001", "项目名称": "床位费", "费用类别": "床位", "医嘱号": ""}
        return self.charge(0, hours, **{**own, **changes})

    def usual(self) -> list[Row]:
        beds = [self.bed(hours) for hours in (14, 38, 62, 86)]
        return [self.charge(i, 3 + i) for i in range(len(GIVEN))] + beds

    def consent(self, hours: float, **changes: object) -> Row:
        usual = {
            "签署时间": self.clock.at(hours=hours),
            "类型": "自费项目知情同意书",
            "患方签名": "本人",
        }
        return {**usual, **changes}

    def albumin(self, hours: float, result: float) -> Row:
        return {"报告时间": self.clock.at(hours=hours), "检验项目": "血清白蛋白", "结果": result}

    def bill(
        self,
        charges: Sequence[Row] | None = None,
        orders: Sequence[Row] | None = None,
        operations: Sequence[str] = (),
        tests: Sequence[Row] = (),
        consents: Sequence[Row] = (),
    ) -> dict[str, Sequence[Row]]:
        """The rows of all tables; charges and orders that are not given are as usual."""
        when = self.clock.at(hours=26)
        return {
            "费用": self.usual() if charges is None else charges,
            "医嘱": self.orders() if orders is None else orders,
            "手术": [{"手术时间": when, "手术名称": name} for name in operations],
            "检验": tests,
            "知情同意": consents,
        }


def in_order(deck: Deck) -> None:
    for n in range(12):
        stay = Stay(n)
        deck.add(stay.fields(), stay.bill())
    for n, kind in ((12, "自费"), (13, "商业保险")):
        stay = Stay(n)
        deck.add(stay.fields(医保类型=kind), stay.bill(orders=[]))


def charges(deck: Deck) -> None:
    """Charges without orders, twice, outside the stay, not for this sex."""
    stay = Stay(14)
    deck.add(stay.fields(), stay.bill(orders=stay.orders()[1:]), "收费有据")
    stay = Stay(15)
    deck.add(stay.fields(), stay.bill(orders=stay.orders(状态="已撤销")), "收费有据")
    stay = Stay(16)
    twice = [*stay.usual(), stay.bed(14.5)]
    deck.add(stay.fields(), stay.bill(twice), "每日一次")
    stay = Stay(17)
    two = [*stay.usual()[:-1], stay.bed(86, 数量=2)]
    deck.add(stay.fields(), stay.bill(two), "每日一次")
    stay = Stay(18)
    again = [*stay.usual(), stay.charge(1, 4.1)]
    deck.add(stay.fields(), stay.bill(again), "重复收费")
    stay = Stay(19)
    last = [*stay.usual(), stay.charge(0, 96)]
    deck.add(stay.fields(), stay.bill(last))
    stay = Stay(20)
    after = [*stay.usual(), stay.charge(0, 96 + 1 / 60)]
    deck.add(stay.fields(), stay.bill(after), "收费在院")
    stay = Stay(21)
    before = [*stay.usual(), stay.charge(0, -1)]
    deck.add(stay.fields(), stay.bill(before), "收费在院")
    stay = Stay(22)
    by_day = [*stay.usual(), stay.charge(0, 96, 收费时间=stay.clock.day(days=4))]
    deck.add(stay.fields(), stay.bill(by_day))
    for n, sex, name in ((23, "男", "宫颈细胞学检查"), (24, "女", "前列腺特异抗原测定")):
        stay = Stay(n)
        wrong = [*stay.usual(), stay.charge(2, 9, 项目编码="Q9", 项目名称=name)]
        deck.add(stay.fields(性别=sex), stay.bill(wrong), "性别相符")


def stays(deck: Deck) -> None:
    """Beds that were paid for but not needed; stays soon after one another."""
    stay = Stay(25)
    only_beds = [stay.bed(hours) for hours in (14, 38, 62, 86)]
    deck.add(stay.fields(), stay.bill(only_beds), "挂床住院")
    stay = Stay(26)
    short = stay.fields(出院时间=stay.clock.at(days=2))
    deck.add(short, stay.bill([stay.bed(14), stay.bed(38)]))
    for n, days, changes, *broken in (
        (27, 7.0, {}, "分解住院"),
        (28, 3.0, {}, "分解住院"),
        (29, 7 + 1 / 1440, {}),
        (30, 3.0, {"入院方式": "急诊"}),
        (31, 3.0, {"主要诊断": "恶性肿瘤维持性化学治疗"}),
        (32, 3.0, {"上次主要诊断": "急性阑尾炎"}),
    ):
        stay = Stay(int(n))
        own = stay.fields(**changes)
        same = {"上次主要诊断": own["主要诊断"], "上次出院时间": stay.clock.at(days=-float(days))}
        deck.add({**own, **same, **changes}, stay.bill(), *map(str, broken))
    stay = Stay(33)
    deck.add(stay.fields(上次出院时间=stay.clock.at(days=-3)), stay.bill())


def not_covered(deck: Deck) -> None:
    """Things that the insurance does not pay for, or pays for only in some states."""
    for n, consents, *broken in (
        (34, 4.9, None),
        (35, 5.1, "自费同意"),
        (36, None, "自费同意"),
    ):
        stay = Stay(int(str(n)))
        own = [*stay.usual(), stay.charge(3, 5, 支付类别="自费", 项目名称="镇痛泵", 项目编码="Z9")]
        given = [stay.consent(float(consents))] if consents else []
        deck.add(stay.fields(), stay.bill(own, consents=given), *filter(None, broken))
    stay = Stay(37)
    unsigned = [stay.consent(4, 患方签名="")]
    own = [*stay.usual(), stay.charge(3, 5, 支付类别="自费", 项目名称="镇痛泵", 项目编码="Z9")]
    deck.add(stay.fields(), stay.bill(own, consents=unsigned), "自费同意")
    stay = Stay(38)
    at_once = [*stay.usual(), stay.charge(3, 5, 支付类别="自费", 项目名称="镇痛泵", 项目编码="Z9")]
    deck.add(stay.fields(入院方式="急诊"), stay.bill(at_once))
    for n, result, hours, *broken in (
        (40, 29.9, 30 - 168),
        (45, 26.4, 20),
        (50, 30, 20, "白蛋白限定"),
        (55, 26.4, 30 - 168.1, "白蛋白限定"),
    ):
        stay = Stay(int(n))
        tests = [stay.albumin(float(hours), float(result))]
        deck.add(stay.fields(), stay.bill([*stay.usual(), albumin(stay)], tests=tests),
                 *map(str, broken))  # fmt: skip
    stay = Stay(60)
    paid = [*stay.usual(), {**albumin(stay), "支付类别": "自费"}]
    deck.add(stay.fields(), stay.bill(paid, consents=[stay.consent(20)]))


def albumin(stay: Stay) -> Row:
    return stay.charge(0, 30, 项目编码="X777", 项目名称="人血白蛋白注射液", 支付类别="乙类")


def operations(deck: Deck) -> None:
    """Operations that were charged: recorded, not recorded, and recorded in other words."""
    for n, recorded, *broken in (
        (61, "腹腔镜下胆囊切除术+粘连松解术"),
        (66, "", "手术有记录"),
        (71, "LC"),
        (76, "胆总管探查术", "手术有记录"),
    ):
        stay = Stay(int(n))
        done = stay.charge(0, 28, 项目编码="S1", 项目名称="腹腔镜下胆囊切除术", 费用类别="手术")
        names = [str(recorded)] if recorded else []
        deck.add(stay.fields(), stay.bill([*stay.usual(), done], operations=names),
                 *map(str, broken))  # fmt: skip
    stay = Stay(44)
    illness = stay.fields(主要诊断="严重低蛋白血症伴全身水肿")
    tests = [stay.albumin(20, 22.1)]
    deck.add(illness, stay.bill([*stay.usual(), albumin(stay)], tests=tests), "白蛋白限定")


def main() -> None:
    keys = {
        "费用": "费用号",
        "医嘱": "医嘱号",
        "手术": "手术号",
        "检验": "检验号",
        "知情同意": "同意书号",
    }
    deck = Deck("住院号", "I", keys)
    for part in (in_order, charges, stays, not_covered, operations):
        part(deck)
    deck.write(Path(__file__).parent)


if __name__ == "__main__":
    main()
