"""Invented stays for rulebooks/nursing_completeness.yaml: python examples/nursing/make.py"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Clock, Deck, Row, person

WARDS = ("心内科护理单元", "骨科护理单元", "神经内科护理单元", "普外科护理单元")
SEEN = ("神志清，精神可", "睡眠尚可", "食欲一般", "主诉乏力减轻", "切口敷料干燥", "已协助床旁活动")


@dataclass(frozen=True)
class Stay:
    """One stay of four days; what a case is about is told by changes to what is usual."""

    number: int

    @property
    def clock(self) -> Clock:
        return Clock(datetime(2025, 6, 2, 10, 0) + timedelta(days=self.number, minutes=self.number))

    @property
    def nurse(self) -> str:
        return person(self.number + 11)

    def fields(self, **changes: object) -> Row:
        usual = {
            "病区": WARDS[self.number % len(WARDS)],
            "入院时间": self.clock.at(),
            "出院时间": self.clock.at(days=4),
            "离院方式": "医嘱离院",
        }
        return {**usual, **changes}

    def assessed(self, kind: str, score: float, hours: float = 1) -> Row:
        when = self.clock.at(hours=hours)
        return {"评估时间": when, "评估类型": kind, "评分值": score, "护士": self.nurse}

    def temperature(self, hours: float, degrees: float) -> Row:
        return {
            "测量时间": self.clock.at(hours=hours),
            "体温": degrees,
            "脉搏": 70 + self.number % 20,
            "呼吸": 16 + self.number % 5,
        }

    def note(self, hours: float, text: str, **changes: object) -> Row:
        return {"记录时间": self.clock.at(hours=hours), "内容": text, "护士": self.nurse, **changes}

    def order(self, hours: float, text: str, **changes: object) -> Row:
        usual = {
            "开始时间": self.clock.at(hours=hours),
            "医嘱内容": text,
            "状态": "已执行",
            "执行时间": self.clock.at(hours=hours + 0.1),
            "执行护士": self.nurse,
        }
        return {**usual, **changes}

    def daily(self) -> list[Row]:
        texts = (f"第{d}天，{SEEN[(self.number + d) % len(SEEN)]}。" for d in range(1, 4))
        return [self.note(24 * d, text) for d, text in enumerate(texts, 1)]

    def guidance(self) -> Row:
        return self.note(95, "办理出院，已做出院指导，患者及家属能复述。")


@dataclass(frozen=True)
class Papers:
    """The rows of a stay's tables; what is not given is as usual."""

    stay: Stay
    assessed: Sequence[Row] | None = None
    temperatures: Sequence[Row] | None = None
    notes: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    guided: bool = True

    def tables(self) -> dict[str, Sequence[Row]]:
        stay = self.stay
        first = [stay.assessed("入院评估", 90)] if self.assessed is None else self.assessed
        usual = [stay.temperature(0.5, 36.7), stay.temperature(24, 36.5)]
        notes = [*stay.daily(), *self.notes, *([stay.guidance()] if self.guided else [])]
        return {
            "护理评估": first,
            "体温单": usual if self.temperatures is None else self.temperatures,
            "护理记录": sorted(notes, key=lambda note: str(note["记录时间"])),
            "医嘱": [stay.order(1, "二级护理"), *self.orders],
        }


def in_order(deck: Deck) -> None:
    for n in range(12):
        deck.add(Stay(n).fields(), Papers(Stay(n)).tables())
    stay = Stay(12)
    last = [stay.assessed("入院评估", 85, hours=8)]
    deck.add(stay.fields(), Papers(stay, assessed=last).tables())
    stay = Stay(13)
    gone = stay.fields(离院方式="死亡")
    deck.add(gone, Papers(stay, guided=False).tables())


def first_day(deck: Deck) -> None:
    stay = Stay(14)
    late = [stay.assessed("入院评估", 85, hours=8 + 1 / 60)]
    deck.add(stay.fields(), Papers(stay, assessed=late).tables(), "入院评估")
    stay = Stay(15)
    deck.add(stay.fields(), Papers(stay, assessed=[]).tables(), "入院评估")
    stay = Stay(16)
    by_day = [{**stay.assessed("入院评估", 85), "评估时间": stay.clock.day()}]
    deck.add(stay.fields(), Papers(stay, assessed=by_day).tables())
    stay = Stay(17)
    next_day = [stay.temperature(20, 36.5)]
    deck.add(stay.fields(), Papers(stay, temperatures=next_day).tables(), "入院体温")


def fever(deck: Deck) -> None:
    for n in range(18, 24):
        stay = Stay(n)
        again = {18: 32, 19: 31, 20: 30}.get(n)
        cooled = n in (18, 19, 21)
        found = [stay.temperature(0.5, 36.7), stay.temperature(28, 39 + n % 3 / 10)]
        found += [stay.temperature(again, 38.2)] if again else []
        notes = [stay.note(28.5, "体温高，予温水擦浴，嘱多饮水。")] if cooled else []
        broken = [] if again else ["高热复测"]
        broken += [] if cooled else ["高热处理"]
        deck.add(stay.fields(), Papers(stay, temperatures=found, notes=notes).tables(), *broken)


def risks(deck: Deck) -> None:
    for n, kind, score, text, *broken in (
        (24, "跌倒风险", 45, "已告知预防跌倒，拉起两侧床栏。"),
        (25, "跌倒风险", 60, "使用床栏，穿防滑鞋。"),
        (26, "跌倒风险", 44, ""),
        (27, "跌倒风险", 45, "", "跌倒防范"),
        (28, "压力性损伤风险", 18, "予气垫床，每两小时翻身。"),
        (29, "压力性损伤风险", 19, ""),
        (30, "压力性损伤风险", 12, "", "压疮防范"),
    ):
        stay = Stay(int(n))
        found = [stay.assessed("入院评估", 70), stay.assessed(str(kind), float(score), 30)]
        notes = [stay.note(31, str(text))] if text else []
        papers = Papers(stay, assessed=found, notes=notes)
        tables = papers.tables() if text or not broken else without_notes(papers, 30, 54)
        deck.add(stay.fields(), tables, *map(str, broken))


def without_notes(papers: Papers, since: float, until: float) -> dict[str, Sequence[Row]]:
    """The tables of a stay in which nothing was noted in the hours between."""
    tables = papers.tables()
    lo, hi = papers.stay.clock.at(hours=since), papers.stay.clock.at(hours=until)
    kept = [note for note in tables["护理记录"] if not lo <= str(note["记录时间"]) <= hi]
    return {**tables, "护理记录": kept}


def critical(deck: Deck) -> None:
    for n, hours, *broken in ((31, 42.0), (32, 42 + 1 / 60, "危重记录"), (33, None, "危重记录")):
        stay = Stay(int(str(n)))
        noted = "神志清，血压118/70mmHg，心率92次/分，持续心电监护。"
        notes = [stay.note(float(str(hours)), noted)] if hours else []
        orders = [stay.order(40, "病危通知" if n != 33 else "病重通知")]
        papers = Papers(stay, notes=notes, orders=orders)
        deck.add(stay.fields(), papers.tables(), *map(str, broken))


def records(deck: Deck) -> None:
    stay = Stay(36)
    unsigned = [stay.note(30, "巡视病房，患者安睡。", 护士="")]
    deck.add(stay.fields(), Papers(stay, notes=unsigned).tables(), "护士签名")
    stay = Stay(37)
    nobody = [stay.order(5, "0.9%氯化钠注射液250ml静滴", 执行护士="")]
    deck.add(stay.fields(), Papers(stay, orders=nobody).tables(), "执行签名")
    stay = Stay(38)
    before = [stay.order(5, "呋塞米20mg静推", 执行时间=stay.clock.at(hours=4.9))]
    deck.add(stay.fields(), Papers(stay, orders=before).tables(), "执行先后")
    stay = Stay(39)
    not_done = [stay.order(5, "呋塞米20mg静推", 状态="未执行", 执行时间="", 执行护士="")]
    deck.add(stay.fields(), Papers(stay, orders=not_done).tables())
    stay = Stay(40)
    early = [stay.note(-1, "患者步行入院。")]
    deck.add(stay.fields(), Papers(stay, notes=early).tables(), "记录在院")
    for n in (41, 42):
        stay = Stay(n)
        text = "患者神志清，精神可，未诉不适，继续观察。"
        twice = [stay.note(50, text), stay.note(58, text)]
        deck.add(stay.fields(), Papers(stay, notes=twice).tables(), "记录照抄")
    stay = Stay(43)
    deck.add(stay.fields(), Papers(stay, guided=False).tables(), "出院指导")
    stay = Stay(44)
    deck.add(stay.fields(离院方式=""), Papers(stay, guided=False).tables())


def for_the_model(deck: Deck) -> None:
    for n, text, *broken in (
        (46, "嘱穿合脚鞋，下床有人搀扶，呼叫铃放在手边。"),
        (47, "巡视病房，患者安睡，呼吸均匀。", "跌倒防范"),
    ):
        stay = Stay(int(n))
        found = [stay.assessed("入院评估", 70), stay.assessed("跌倒风险", 55, 30)]
        papers = Papers(stay, assessed=found, notes=[stay.note(31, str(text))])
        deck.add(stay.fields(), papers.tables(), *map(str, broken))


def main() -> None:
    keys = {"护理评估": "评估号", "体温单": "测量号", "护理记录": "记录号", "医嘱": "医嘱号"}
    deck = Deck("住院号", "N", keys)
    for part in (in_order, first_day, fever, risks, critical, records, for_the_model):
        part(deck)
    deck.write(Path(__file__).parent)


if __name__ == "__main__":
    main()
