"""Invented operations for rulebooks/operation_note.yaml: python examples/operation_note/make.py"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from deck import Clock, Deck, Row, person

# ward, operation, diagnosis before, diagnosis found
DONE = (
    ("胸外科", "胸腔镜下左肺上叶切除术", "左肺结节", "左肺上叶腺癌"),
    ("普外科", "腹腔镜下胆囊切除术", "胆囊结石伴慢性胆囊炎", "胆囊结石伴慢性胆囊炎"),
    ("骨科", "右股骨颈骨折切开复位内固定术", "右股骨颈骨折", "右股骨颈骨折"),
    ("妇科", "腹腔镜下子宫肌瘤剔除术", "子宫肌瘤", "子宫多发肌瘤"),
    ("泌尿外科", "经尿道前列腺电切术", "前列腺增生", "前列腺增生"),
)
STEPS = (
    "麻醉满意后取合适体位，常规消毒铺巾。逐层进入，探查见病变与术前判断相符。"
    "仔细分离周围组织，完整处理病变，标本送病理。{event}冲洗术野，创面干燥。"
    "清点器械敷料无误后逐层关闭，术毕安返病房。"
)


@dataclass(frozen=True)
class Operation:
    """One operation with all its papers; what a case is about is told by changes to them."""

    number: int

    @property
    def what(self) -> tuple[str, str, str, str]:
        return DONE[self.number % len(DONE)]

    @property
    def clock(self) -> Clock:
        """The moment when the operation begins."""
        return Clock(datetime(2025, 7, 8, 9, 0) + timedelta(days=self.number, minutes=self.number))

    @property
    def name(self) -> str:
        return f"SS{250700 + self.number}"

    def who(self, role: int) -> str:
        return person(self.number + 10 * role)

    def fields(self) -> Row:
        return {"住院科室": self.what[0]}

    def note(self, event: str = "", **changes: object) -> Row:
        _, name, before, found = self.what
        usual = {
            "手术号": self.name,
            "手术名称": name,
            "手术级别": ("二级", "三级")[self.number % 2],
            "手术类别": "择期",
            "开始时间": self.clock.at(),
            "结束时间": self.clock.at(hours=2),
            "记录时间": self.clock.at(hours=4),
            "记录者": self.who(0),
            "术者": self.who(0),
            "第一助手": self.who(1),
            "术者签名": self.who(0),
            "麻醉方法": "全身麻醉",
            "术前诊断": before,
            "术中诊断": found,
            "手术经过": STEPS.format(event=event),
            "术中输血": "无",
        }
        return {**usual, **changes}

    def discussion(self, kind: str = "科内讨论", hours: float = -18) -> Row:
        when = self.clock.at(hours=hours)
        return {"讨论时间": when, "讨论类型": kind, "拟行手术": self.what[1]}

    def consent(self, **changes: object) -> Row:
        usual = {
            "签署时间": self.clock.at(hours=-16),
            "类型": "手术知情同意书",
            "患方签名": person(self.number + 200),
            "医师签名": self.who(0),
        }
        return {**usual, **changes}

    def checked(self, stage: str, hours: float, **changes: object) -> Row:
        usual = {
            "手术号": self.name,
            "阶段": stage,
            "核查时间": self.clock.at(hours=hours),
            "手术医师": self.who(0),
            "麻醉医师": self.who(2),
            "巡回护士": self.who(3),
        }
        return {**usual, **changes}

    def checks(self, **changes: object) -> list[Row]:
        """The three checks, the last of them with changes."""
        first, second = self.checked("麻醉实施前", -0.6), self.checked("手术开始前", -0.1)
        return [first, second, self.checked("患者离室前", 2.2, **changes)]

    def counted(self, **changes: object) -> Row:
        usual = {"手术号": self.name, "术前数量": 40, "关体腔前数量": 40, "术毕数量": 40}
        nurses = {"巡回护士": self.who(3), "器械护士": self.who(4)}
        return {**usual, **nurses, **changes}

    def papers(
        self,
        note: Row | None = None,
        discussions: Sequence[Row] | None = None,
        consents: Sequence[Row] | None = None,
        checks: Sequence[Row] | None = None,
        counts: Sequence[Row] | None = None,
    ) -> dict[str, Sequence[Row]]:
        """The rows of all tables; what is not given is as usual."""
        return {
            "手术": [note or self.note()],
            "术前讨论": [self.discussion()] if discussions is None else discussions,
            "知情同意": [self.consent()] if consents is None else consents,
            "安全核查": self.checks() if checks is None else checks,
            "手术清点": [self.counted()] if counts is None else counts,
        }


def in_order(deck: Deck) -> None:
    for n in range(10):
        done = Operation(n)
        deck.add(done.fields(), done.papers())
    done = Operation(10)
    helped = done.note(记录者=done.who(1), 记录时间=done.clock.at(hours=26))
    deck.add(done.fields(), done.papers(helped))
    done = Operation(11)
    stopped = done.note("分离时一支动脉破裂，予压迫后缝扎止血。")
    deck.add(done.fields(), done.papers(stopped))
    done = Operation(12)
    intact = done.note("未见邻近脏器损伤。")
    deck.add(done.fields(), done.papers(intact))
    done = Operation(13)
    saved = done.note(手术类别="急诊抢救", 手术级别="四级")
    deck.add(done.fields(), done.papers(saved, [], []))
    done = Operation(14)
    team = [done.discussion("多学科讨论")]
    deck.add(done.fields(), done.papers(done.note(手术级别="四级"), team))
    deck.add({"住院科室": "骨科"}, dict.fromkeys(Operation(15).papers(), ()))


def writing(deck: Deck) -> None:
    done = Operation(16)
    late = done.note(记录时间=done.clock.at(hours=26, minutes=1))
    deck.add(done.fields(), done.papers(late), "及时书写")
    done = Operation(17)
    by_day = done.note(记录时间=done.clock.day(days=1))
    deck.add(done.fields(), done.papers(by_day))
    for n, change in (
        (18, {"记录者": person(99)}),
        (19, {"记录者": Operation(19).who(1), "术者签名": ""}),
        (20, {"记录者": Operation(20).who(1), "术者签名": Operation(20).who(1)}),
    ):
        done = Operation(n)
        deck.add(done.fields(), done.papers(done.note(**change)), "书写资格")
    for n, part in enumerate(("术中诊断", "第一助手", "麻醉方法"), 21):
        done = Operation(n)
        deck.add(done.fields(), done.papers(done.note(**{part: ""})), "内容齐全")
    done = Operation(24)
    short = done.note(手术经过="手术顺利，安返病房。")
    deck.add(done.fields(), done.papers(short), "经过详细")


def at_odds(deck: Deck) -> None:
    for n, before in ((25, "右肺结节"), (27, "左股骨颈骨折")):
        done = Operation(n)
        deck.add(done.fields(), done.papers(done.note(术前诊断=before)), "侧别一致")
    done = Operation(28)
    backwards = done.note(结束时间=done.clock.at(hours=-0.5), 记录时间=done.clock.at(hours=1))
    deck.add(done.fields(), done.papers(backwards), "起止时间")


def before_it(deck: Deck) -> None:
    done = Operation(29)
    after = [done.discussion(hours=3)]
    deck.add(done.fields(), done.papers(discussions=after), "术前讨论")
    done = Operation(30)
    urgent = done.note(手术类别="急诊")
    deck.add(done.fields(), done.papers(urgent, [], []), "术前讨论", "术前同意")
    for n in (31, 32):
        done = Operation(n)
        deck.add(done.fields(), done.papers(done.note(手术级别="四级")), "多学科讨论")
    for n, change in (
        (33, {"患方签名": ""}),
        (34, {"签署时间": Operation(34).clock.at(hours=1)}),
        (35, {"类型": "麻醉知情同意书"}),
    ):
        done = Operation(n)
        deck.add(done.fields(), done.papers(consents=[done.consent(**change)]), "术前同意")


def in_the_room(deck: Deck) -> None:
    done = Operation(36)
    unsigned = done.checks(麻醉医师="")
    deck.add(done.fields(), done.papers(checks=unsigned), "离室前核查")
    done = Operation(37)
    none = ("麻醉前核查", "手术前核查", "离室前核查")
    deck.add(done.fields(), done.papers(checks=[]), *none)
    done = Operation(38)
    deck.add(done.fields(), done.papers(checks=done.checks()[1:]), "麻醉前核查")
    done = Operation(39)
    early = done.checks(核查时间=done.clock.at(hours=1.5))
    deck.add(done.fields(), done.papers(checks=early), "离室前核查")
    done = Operation(40)
    alone = [done.counted(器械护士=done.who(3))]
    deck.add(done.fields(), done.papers(counts=alone), "手术清点")
    done = Operation(41)
    deck.add(done.fields(), done.papers(counts=[]), "手术清点")
    done = Operation(42)
    lost = [done.counted(术毕数量=39)]
    deck.add(done.fields(), done.papers(counts=lost), "清点相符")


def for_the_model(deck: Deck) -> None:
    """Something happened, and only a reader can tell whether it was dealt with."""
    for n, event, *broken in (
        (43, "术中见膀胱损伤约1cm，泌尿外科台上协助，双层关闭裂口。"),
        (44, "术中见肠管浆膜损伤。", "异常处理"),
    ):
        done = Operation(int(n))
        deck.add(done.fields(), done.papers(done.note(str(event))), *map(str, broken))


def main() -> None:
    keys = {
        "手术": "手术号",
        "术前讨论": "讨论号",
        "知情同意": "同意书号",
        "安全核查": "核查号",
        "手术清点": "清点号",
    }
    deck = Deck("住院号", "O", keys)
    for part in (in_order, writing, at_odds, before_it, in_the_room, for_the_model):
        part(deck)
    deck.write(Path(__file__).parent)


if __name__ == "__main__":
    main()
