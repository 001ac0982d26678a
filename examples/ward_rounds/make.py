"""Invented rounds for rulebooks/ward_rounds.yaml: python examples/ward_rounds/make.py"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Clock, Deck, Row, person

WARDS = ("呼吸与危重症医学科", "神经内科", "心血管内科", "普外科", "消化内科", "内分泌科")
PROBLEMS = (
    ("社区获得性肺炎", "肺结核", "完善痰培养和药敏"),
    ("急性脑梗死", "脑出血", "完善头颈CTA，双抗治疗"),
    ("不稳定型心绞痛", "主动脉夹层", "完善冠脉造影"),
    ("胆囊结石伴慢性胆囊炎", "胆总管结石", "完善磁共振胰胆管成像"),
    ("溃疡性结肠炎", "感染性肠炎", "完善肠镜并取活检"),
    ("2型糖尿病酮症", "高渗状态", "调整胰岛素泵基础率"),
)
DAILY = ("停用抗生素", "复查血常规", "加用雾化吸入", "继续康复训练", "调整降压药", "完善彩超")


@dataclass(frozen=True)
class Stay:
    """A stay: when it begins, what it is about, who looks after it."""

    number: int
    days: float
    gaps: dict[str, object] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        return Clock(datetime(2025, 3, 3, 9, 0) + timedelta(days=self.number, minutes=self.number))

    @property
    def problem(self) -> tuple[str, str, str]:
        return PROBLEMS[self.number % len(PROBLEMS)]

    def fields(self) -> Row:
        ends = {"截止时间": self.clock.at(days=self.days)}
        ward = {"住院科室": WARDS[self.number % len(WARDS)], "入院时间": self.clock.at()}
        return {**ward, **ends, **self.gaps}

    def note(self, title: str, text: str, hours: float, who: int = 0) -> Row:
        return {
            "记录时间": self.clock.at(hours=hours),
            "标题": title,
            "查房医师": person(self.number + who),
            "内容": text,
        }

    def attending(self, hours: float, turn: int = 0) -> Row:
        main, _, plan = self.problem
        title = "主治医师查房记录" if turn else "主治医师首次查房记录"
        orders = DAILY[(self.number + turn) % len(DAILY)] if turn else plan
        text = f"患者第{turn + 1}次主治医师查房，生命体征平稳。考虑{main}。指示：{orders}。"
        return self.note(title, text, hours, 40)

    def senior(self, hours: float, turn: int = 0) -> Row:
        main, other, _ = self.problem
        title = "主任医师查房记录" if turn else "副主任医师查房记录"
        text = f"第{turn + 1}次看过患者，追问病史。分析{main}诊断依据充分，鉴别{other}。"
        text += f"指示：{DAILY[(self.number + turn + 3) % len(DAILY)]}，三天后再评估疗效。"
        return self.note(title, text, hours, 80)

    def daily(self, hours: float) -> Row:
        text = f"患者入院{hours:.0f}小时，一般情况可，饮食睡眠正常。"
        return self.note("日常病程记录", text, hours)


def weekly(stay: Stay, days: Sequence[float], senior_days: Sequence[float]) -> list[Row]:
    """Rounds on the given days after admission."""
    rounds = [stay.attending(24 * day, turn) for turn, day in enumerate(days)]
    return rounds + [stay.senior(24 * day + 2, turn) for turn, day in enumerate(senior_days)]


def short_stays(deck: Deck) -> None:
    """Stays of up to a week: the first rounds in time or not, at and about their limits."""
    for n in range(8):
        stay = Stay(n, 5)
        deck.add(stay.fields(), rounds([stay.attending(20), stay.daily(30), stay.senior(44)]))
    stay = Stay(8, 4)
    deck.add(stay.fields(), rounds([stay.attending(48), stay.senior(72)]))
    stay = Stay(9, 4)
    late = [stay.attending(48 + 1 / 60), stay.senior(72 + 1 / 60)]
    deck.add(stay.fields(), rounds(late), "二线首查", "三线首查")
    stay = Stay(10, 2)
    deck.add(stay.fields(), rounds([stay.daily(20)]))
    stay = Stay(11, 2.5)
    deck.add(stay.fields(), rounds([stay.daily(20)]), "二线首查")
    stay = Stay(12, 5)
    deck.add(stay.fields(), rounds([]), "二线首查", "三线首查")
    stay = Stay(13, 5, {"住院科室": "外科日间病房"})
    deck.add(stay.fields(), rounds([]))
    stay = Stay(14, 5)
    only_date = {**stay.attending(20), "记录时间": stay.clock.day(days=2)}
    deck.add(stay.fields(), rounds([only_date, stay.senior(44)]))
    stay = Stay(15, 5, {"截止时间": ""})
    deck.add(stay.fields(), rounds([stay.attending(20), stay.senior(44)]))


def long_stays(deck: Deck) -> None:
    """Stays of several weeks: often enough, too seldom at first, and too seldom later on."""
    twice, thrice = (1, 4, 7, 11, 14, 18), (0.5, 2, 4, 6, 8, 10, 13, 15, 17)
    for n in range(20, 26):
        stay = Stay(n, 20)
        deck.add(stay.fields(), rounds(weekly(stay, thrice, twice)))
    for n in range(26, 29):
        stay = Stay(n, 9)
        deck.add(stay.fields(), rounds(weekly(stay, (1, 5), (2, 6))), "二线首周", "二线每周")
    for n in range(29, 32):
        stay = Stay(n, 9)
        few = weekly(stay, (0.5, 2, 4, 6, 8), (1.5,))
        deck.add(stay.fields(), rounds(few), "三线首周", "三线每周")
    for n in range(32, 35):
        stay = Stay(n, 16)
        stopped = weekly(stay, (0.5, 2, 4, 6), (1, 5))
        deck.add(stay.fields(), rounds(stopped), "二线每周", "三线每周")


def copies(deck: Deck) -> None:
    """Rounds whose text is that of the note before, whole or in its orders."""
    for n in range(40, 43):
        stay = Stay(n, 4)
        first = stay.attending(20)
        again = {**stay.senior(44), "内容": first["内容"]}
        deck.add(stay.fields(), rounds([first, again]), "查房照抄")
    for n in range(43, 46):
        stay = Stay(n, 4)
        orders = "指示：监测血压血糖，完善颈部血管超声，警惕误吸。"
        first = {**stay.attending(20), "内容": f"体温36.{n % 9}℃。考虑{stay.problem[0]}。{orders}"}
        again = {**stay.senior(44), "内容": f"体温36.5℃，精神好。分析{stay.problem[0]}。{orders}"}
        deck.add(stay.fields(), rounds([first, again]), "查房照抄")
    for n in range(46, 49):
        stay = Stay(n, 4)
        agreed = {**stay.senior(44), "内容": "今日随主任查房，同意目前诊治，无特殊补充。"}
        deck.add(stay.fields(), rounds([stay.attending(20), agreed]), "三线内涵")


def operations(deck: Deck) -> None:
    """Operations whose surgeon came before and after, only before, only after; an urgent one."""
    for n in range(50, 54):
        stay = Stay(n, 3.5, {"住院科室": "普外科"})
        before = stay.note("术前查房记录", "术前查看患者，标记手术部位。", 30, 5)
        after = stay.note("术后查房记录", "术后查看患者，切口敷料干燥。", 60, 5)
        usual = [stay.attending(20), stay.senior(44)]
        kept = ([before, after], [before], [after], [after])[n - 50]
        urgent = n == 53
        broken = {51: ("术者术后查房",), 52: ("术者术前查房",)}.get(n, ())
        deck.add(stay.fields(), rounds(usual + kept, [operation(stay, urgent)]), *broken)


def operation(stay: Stay, urgent: bool) -> Row:
    begins, ends = stay.clock.at(hours=50), stay.clock.at(hours=52)
    surgeon = person(stay.number + 5)
    kind = "急诊" if urgent else "择期"
    return {"开始时间": begins, "结束时间": ends, "术者": surgeon, "手术类别": kind}


def rounds(notes: list[Row], done: Sequence[Row] = ()) -> dict[str, Sequence[Row]]:
    return {"病程": sorted(notes, key=lambda note: str(note["记录时间"])), "手术": done}


def main() -> None:
    deck = Deck("住院号", "W", {"病程": "病程号", "手术": "手术号"})
    for part in (short_stays, long_stays, copies, operations):
        part(deck)
    deck.write(Path(__file__).parent)


if __name__ == "__main__":
    main()
