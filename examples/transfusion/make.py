"""Invented transfusions for rulebooks/transfusion_nursing.yaml.

Run as: python examples/transfusion/make.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Clock, Deck, Row, person

WARDS = ("血液科", "普外科", "骨科", "产科", "重症医学科")
BLOOD = ("悬浮红细胞2U", "新鲜冰冻血浆200ml", "单采血小板1治疗量", "去白细胞悬浮红细胞1.5U")


@dataclass(frozen=True)
class Bag:
    """One bag: given for some minutes, watched at some minutes after its start."""

    number: int
    minutes: int = 140
    second: int = 0

    @property
    def clock(self) -> Clock:
        """The moment when the transfusion starts."""
        first = datetime(2025, 5, 6, 10, 10) + timedelta(hours=25 * self.number)
        return Clock(first + timedelta(minutes=self.second))

    @property
    def name(self) -> str:
        return f"D{20250000 + self.number * 2 + (self.second > 0)}"

    def fields(self) -> Row:
        return {"住院科室": WARDS[self.number % len(WARDS)]}

    def given(self, **changes: object) -> Row:
        usual = {
            "血袋号": self.name,
            "成分": BLOOD[self.number % len(BLOOD)],
            "取血时间": self.clock.at(minutes=-20),
            "核对时间": self.clock.at(minutes=-5),
            "开始时间": self.clock.at(),
            "结束时间": self.clock.at(minutes=self.minutes),
            "核对者一": person(self.number),
            "核对者二": person(self.number + 50),
            "不良反应": "无",
            "回报单时间": "",
        }
        return {**usual, **changes}

    def usual_times(self) -> list[int]:
        """Before, at 15 minutes, every hour after that, and 10 minutes after the end."""
        return [-10, *range(15, self.minutes, 60), self.minutes + 10]

    def watched(self, times: Sequence[int] | None = None) -> list[Row]:
        return [self.measured(t) for t in (self.usual_times() if times is None else times)]

    def measured(self, minutes: int, **changes: object) -> Row:
        usual = {
            "血袋号": self.name,
            "测量时间": self.clock.at(minutes=minutes),
            "体温": round(36.3 + (self.number + minutes) % 7 / 10, 1),
            "脉搏": 72 + (self.number + minutes) % 15,
            "呼吸": 16 + minutes % 5,
            "收缩压": 108 + minutes % 20,
            "舒张压": 66 + minutes % 12,
        }
        return {**usual, **changes}

    def note(self, minutes: int, text: str) -> Row:
        when = self.clock.at(minutes=minutes)
        return {"记录时间": when, "内容": text, "护士": person(self.number)}


def tables(
    bags: Sequence[Row] = (), watched: Sequence[Row] = (), notes: Sequence[Row] = ()
) -> dict[str, Sequence[Row]]:
    return {"输血": bags, "输血观察": watched, "护理记录": notes}


def in_order(deck: Deck) -> None:
    """Transfusions of different lengths, one and two bags, watched as they should be."""
    for n in range(14):
        bag = Bag(n, 60 + 13 * n)
        end = bag.note(bag.minutes + 12, "输血完毕，患者无寒战、皮疹等输血反应。")
        deck.add(bag.fields(), tables([bag.given()], bag.watched(), [end]))
    for n in range(14, 18):
        first, second = Bag(n, 90), Bag(n, 80, second=130)
        both = [*first.watched(), *second.watched()]
        deck.add(first.fields(), tables([first.given(), second.given()], both))


def at_the_limits(deck: Deck) -> None:
    """The last moment that still counts, and the first that does not."""
    bag = Bag(18, 240)
    kept = bag.watched([-30, 10, 80, 150, 220, 270])
    deck.add(bag.fields(), tables([bag.given(取血时间=bag.clock.at(minutes=-30))], kept))
    bag = Bag(19, 241)
    deck.add(bag.fields(), tables([bag.given()], bag.watched()), "四小时输完")
    bag = Bag(20)
    late = bag.given(取血时间=bag.clock.at(minutes=-31))
    deck.add(bag.fields(), tables([late], bag.watched()), "及时输注")
    for n, times, rule in (
        (21, [-31, 15, 75, 135, 150], "输血前测量"),
        (22, [-10, 9, 75, 135, 150], "十五分钟测量"),
        (23, [-10, 21, 75, 135, 150], "十五分钟测量"),
        (24, [-10, 15, 86, 135, 150], "每小时测量"),
        (25, [-10, 15, 75, 135, 171], "结束后测量"),
    ):
        bag = Bag(n)
        deck.add(bag.fields(), tables([bag.given()], bag.watched(times)), rule)
    bag = Bag(26, 12)
    deck.add(bag.fields(), tables([bag.given()], bag.watched([-10, 20])))


def not_measured(deck: Deck) -> None:
    """Nothing measured, a value left out, the second bag of two not watched at all."""
    bag = Bag(27)
    deck.add(bag.fields(), tables([bag.given()]), "输血前测量", "十五分钟测量", "结束后测量")
    bag = Bag(28)
    partly = [bag.measured(t, **({"收缩压": ""} if t == 15 else {})) for t in bag.usual_times()]
    deck.add(bag.fields(), tables([bag.given()], partly), "十五分钟测量")
    first, second = Bag(29, 90), Bag(29, 80, second=130)
    bags = [first.given(), second.given()]
    rules = ("输血前测量", "十五分钟测量", "结束后测量")
    deck.add(first.fields(), tables(bags, first.watched()), *rules)
    bag = Bag(30, 200)
    deck.add(bag.fields(), tables([bag.given()], bag.watched([-10, 15, 210])), "每小时测量")


def signatures(deck: Deck) -> None:
    """One signature, the same person twice, checked only after the start."""
    for n, change, rule in (
        (31, {"核对者二": ""}, "双人核对"),
        (32, {"核对者二": person(32)}, "双人核对"),
        (33, {"核对时间": Bag(33).clock.at(minutes=3)}, "核对在前"),
    ):
        bag = Bag(n)
        deck.add(bag.fields(), tables([bag.given(**change)], bag.watched()), rule)


def reactions(deck: Deck) -> None:
    """Reactions that were handled, not handled, not reported, and not owned up to."""
    handled = "患者诉畏寒，立即停输，更换输血器，予生理盐水维持通路，通知值班医师。"
    for n in range(34, 38):
        bag = Bag(n)
        own = bag.given(不良反应="有", 回报单时间=bag.clock.at(hours=5))
        deck.add(bag.fields(), tables([own], bag.watched(), [bag.note(70, handled)]))
    bag = Bag(38)
    own = bag.given(不良反应="有", 回报单时间=bag.clock.at(hours=5))
    deck.add(bag.fields(), tables([own], bag.watched()), "反应处理")
    bag = Bag(39)
    own = bag.given(不良反应="有")
    deck.add(bag.fields(), tables([own], bag.watched(), [bag.note(70, handled)]), "反应回报")
    for n, text in enumerate(("患者前胸出现荨麻疹，伴瘙痒。", "患者突发寒战，体温38.9℃。"), 40):
        bag = Bag(n)
        deck.add(
            bag.fields(), tables([bag.given()], bag.watched(), [bag.note(90, text)]), "反应漏报"
        )


def for_the_model(deck: Deck) -> None:
    """Notes on a reaction of which only a reader can tell what was done."""
    for n, text, *broken in (
        (42, "患者面色潮红，夹闭输血管路，换NS静滴，值班大夫到场处置。"),
        (43, "患者诉发冷，继续观察，未诉其他不适。", "反应处理"),
        (44, "患者发热，停输后换盐水，告知医生。"),
        (45, "患者皮肤瘙痒，安慰患者，加盖被服。", "反应处理"),
    ):
        bag = Bag(int(n))
        own = bag.given(不良反应="有", 回报单时间=bag.clock.at(hours=5))
        note = bag.note(70, str(text))
        deck.add(bag.fields(), tables([own], bag.watched(), [note]), *map(str, broken))


def with_gaps(deck: Deck) -> None:
    """Times that are missing, or dates without a time; a case without transfusions."""
    bag = Bag(46)
    deck.add(bag.fields(), tables([bag.given(结束时间="")], bag.watched()))
    bag = Bag(47)
    deck.add(bag.fields(), tables([bag.given(开始时间=bag.clock.day())], bag.watched()))
    deck.add(Bag(48).fields(), tables())


def main() -> None:
    deck = Deck("住院号", "T", {"输血": "血袋号", "输血观察": "观察号", "护理记录": "记录号"})
    for part in (
        in_order,
        at_the_limits,
        not_measured,
        signatures,
        reactions,
        for_the_model,
        with_gaps,
    ):
        part(deck)
    deck.write(Path(__file__).parent)


if __name__ == "__main__":
    main()
