"""Invented orders for rulebooks/special_antibiotics.yaml.

Run as: python examples/special_antibiotics/make.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Clock, Deck, Row, person

WARDS = ("重症医学科", "呼吸与危重症医学科", "血液科", "急诊科", "神经外科")
# as ordered, and as doctors write it in notes
DRUGS = (
    ("注射用美罗培南", "美罗培南"),
    ("注射用亚胺培南西司他丁钠", "泰能"),
    ("注射用替加环素", "替加环素"),
    ("利奈唑胺葡萄糖注射液", "利奈唑胺"),
    ("注射用盐酸万古霉素", "稳可信"),
)
REASONS = (
    "痰培养示鲍曼不动杆菌，多重耐药",
    "感染性休克，降钙素原明显升高",
    "血培养示MRSA",
    "重症肺炎，前期哌拉西林治疗三天体温不降",
    "血流感染，药敏回报仅此类药物敏感",
)


@dataclass(frozen=True)
class Use:
    """One use of a drug: an order with the consultation, note and specimen that go with it."""

    number: int
    urgent: bool = False

    @property
    def clock(self) -> Clock:
        """The moment of the order."""
        return Clock(datetime(2025, 4, 1, 10, 0) + timedelta(days=self.number, minutes=self.number))

    @property
    def drug(self) -> tuple[str, str]:
        return DRUGS[self.number % len(DRUGS)]

    def fields(self) -> Row:
        return {"住院科室": WARDS[self.number % len(WARDS)]}

    def order(self, **changes: object) -> Row:
        usual = {
            "开始时间": self.clock.at(),
            "停止时间": self.clock.at(hours=20) if self.urgent else self.clock.at(days=7),
            "药品": self.drug[0],
            "状态": "已执行",
            "紧急使用": "是" if self.urgent else "否",
            "开单医师": person(self.number),
            "医师职称": "住院医师" if self.urgent else ("副主任医师", "主任医师")[self.number % 2],
        }
        return {**usual, **changes}

    def consultation(self, hours: float, **changes: object) -> Row:
        usual = {
            "会诊时间": self.clock.at(hours=hours),
            "会诊科室": ("感染性疾病科", "临床药学室")[self.number % 2],
            "会诊医师": person(self.number + 60),
            "会诊职称": ("主任医师", "副主任药师")[self.number % 2],
            "会诊意见": f"病史已阅。同意使用{self.drug[1]}，注意肝肾功能，三天后评估疗效。",
        }
        return {**usual, **changes}

    def note(self, hours: float, text: str | None = None) -> Row:
        reason = REASONS[self.number % len(REASONS)]
        usual = f"患者发热，{reason}，使用{self.drug[1]}抗感染。"
        return {"记录时间": self.clock.at(hours=hours), "标题": "病程记录", "内容": text or usual}

    def specimen(self, hours: float) -> Row:
        kind = ("痰", "血", "引流液")[self.number % 3]
        return {"采集时间": self.clock.at(hours=hours), "标本": kind, "项目": "细菌培养及药敏"}


def tables(
    orders: Sequence[Row] = (),
    consultations: Sequence[Row] = (),
    notes: Sequence[Row] = (),
    specimens: Sequence[Row] = (),
) -> dict[str, Sequence[Row]]:
    found = {"医嘱": orders, "会诊": consultations, "病程": notes, "微生物送检": specimens}
    return {name: tuple(rows) for name, rows in found.items()}


def planned(deck: Deck) -> None:
    """Planned uses with everything there, the consultation at the ends of its window too."""
    for n in range(14):
        use = Use(n)
        when = {12: -7 * 24, 13: 0}.get(n, -1 - n)
        found = tables(
            [use.order()], [use.consultation(when)], [use.note(-0.5)], [use.specimen(-n)]
        )
        deck.add(use.fields(), found)


def planned_defects(deck: Deck) -> None:
    """Planned uses that lack one thing each."""
    for n in range(14, 17):
        use = Use(n)
        late = use.consultation((3, -7 * 24 - 1 / 60, 26)[n - 14])
        found = tables([use.order()], [late], [use.note(-1)], [use.specimen(-5)])
        deck.add(use.fields(), found, "会诊先行")
    for n in range(17, 19):
        use = Use(n)
        refused = use.consultation(-2, 会诊意见=f"暂无依据，不建议使用{use.drug[1]}。")
        found = tables([use.order()], [refused], [use.note(-1)], [use.specimen(-5)])
        deck.add(use.fields(), found, "会诊先行")
    for n in range(19, 21):
        use = Use(n)
        junior = use.consultation(-2, 会诊职称="主治医师")
        found = tables([use.order()], [junior], [use.note(-1)], [use.specimen(-5)])
        deck.add(use.fields(), found, "会诊资格")
    for n in range(21, 23):
        use = Use(n)
        own = use.order(医师职称="主治医师")
        found = tables([own], [use.consultation(-2)], [use.note(-1)], [use.specimen(-5)])
        deck.add(use.fields(), found, "处方权")
    for n in range(23, 25):
        use = Use(n)
        after = use.note(6)
        found = tables([use.order()], [use.consultation(-2)], [after], [use.specimen(-5)])
        deck.add(use.fields(), found, "用药指征")
    for n in range(25, 27):
        use = Use(n)
        found = tables([use.order()], [use.consultation(-2)], [use.note(-1)], [use.specimen(-73)])
        deck.add(use.fields(), found, "先送检")
    for n in range(27, 29):
        use = Use(n)
        deck.add(use.fields(), tables([use.order()]), "会诊先行", "用药指征", "先送检")


def for_the_model(deck: Deck) -> None:
    """Uses of which only a reader can tell whether the reason, or the drug, is in the text."""
    for n in range(29, 31):
        use = Use(n)
        bare = use.note(-1, f"今日起使用{use.drug[1]}，余治疗同前。")
        found = tables([use.order()], [use.consultation(-2)], [bare], [use.specimen(-5)])
        deck.add(use.fields(), found, "用药指征")
    use = Use(31)
    told = use.note(-1, f"右下肺实变进展，头孢哌酮用满五天仍高热，升级为{use.drug[1]}。")
    found = tables([use.order()], [use.consultation(-2)], [told], [use.specimen(-5)])
    deck.add(use.fields(), found)
    use = Use(35)
    by_class = use.consultation(-2, 会诊意见="同意升级为碳青霉烯类。")
    found = tables([use.order()], [by_class], [use.note(-1)], [use.specimen(-5)])
    deck.add(use.fields(), found)


def urgent(deck: Deck) -> None:
    """Urgent uses: made good within 24 hours, too late, without a note, for too long."""
    for n in range(40, 46):
        use = Use(n, urgent=True)
        deck.add(
            use.fields(), tables([use.order()], [use.consultation(4 * (n - 39))], [use.note(1)])
        )
    for n in range(46, 48):
        use = Use(n, urgent=True)
        late = use.consultation(24 + 1 / 60 + 10 * (n - 46))
        deck.add(use.fields(), tables([use.order()], [late], [use.note(1)]), "紧急补办")
    use = Use(48, urgent=True)
    deck.add(use.fields(), tables([use.order()], [use.consultation(5)]), "紧急指征")
    use = Use(49, urgent=True)
    long = use.order(停止时间=use.clock.at(hours=24, minutes=1))
    deck.add(use.fields(), tables([long], [use.consultation(5)], [use.note(1)]), "紧急限时")
    use = Use(50, urgent=True)
    senior = use.order(停止时间=use.clock.at(days=5), 医师职称="主任医师")
    deck.add(use.fields(), tables([senior], [use.consultation(5)], [use.note(1)]))


def out_of_scope(deck: Deck) -> None:
    """Orders that the rules leave alone, and orders with something missing."""
    for n, drug in enumerate(
        ("注射用头孢呋辛钠", "左氧氟沙星氯化钠注射液", "0.9%氯化钠注射液"), 52
    ):
        deck.add(Use(n).fields(), tables([Use(n).order(药品=drug)]))
    deck.add(Use(55).fields(), tables([Use(55).order(状态="已撤销")]))
    deck.add(Use(56).fields(), tables())
    use = Use(57)
    undated = use.order(开始时间="")
    found = tables([undated], [use.consultation(-2)], [use.note(-1)], [use.specimen(-5)])
    deck.add(use.fields(), found)
    use = Use(58)
    by_day = use.consultation(-2, 会诊时间=use.clock.day())
    deck.add(use.fields(), tables([use.order()], [by_day], [use.note(-1)], [use.specimen(-5)]))


def main() -> None:
    keys = {"医嘱": "医嘱号", "会诊": "会诊号", "病程": "病程号", "微生物送检": "标本号"}
    deck = Deck("住院号", "A", keys)
    for part in (planned, planned_defects, for_the_model, urgent, out_of_scope):
        part(deck)
    deck.write(Path(__file__).parent)


if __name__ == "__main__":
    main()
