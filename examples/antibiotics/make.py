"""Orders and progress notes for rulebooks/antibiotic_notes.yaml.

python examples/antibiotics/make.py
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import xlsxwriter

sys.path.append(str(Path(__file__).parents[1]))
from deck import Deck, Row

FOLDER = Path(__file__).parent
RULE = "体现用药"
START = datetime(2025, 3, 1, 8, 30)
WARDS = ("呼吸内科", "普外科", "泌尿外科", "重症医学科", "儿科", "骨科", "血液科")
# name as ordered, dose, name as a note may have it, a word of its class
DRUGS = (
    ("莫西沙星氯化钠注射液", "0.4g 静滴 qd", "拜复乐", "呼吸喹诺酮类"),
    ("注射用头孢曲松钠", "2g 静滴 qd", "罗氏芬", "三代头孢"),
    ("注射用头孢哌酮钠舒巴坦钠", "3g 静滴 q12h", "舒普深", "含酶抑制剂的头孢菌素"),
    ("注射用美罗培南", "1g 静滴 q8h", "美平", "碳青霉烯类"),
    ("注射用盐酸万古霉素", "1g 静滴 q12h", "稳可信", "糖肽类"),
    ("注射用哌拉西林钠他唑巴坦钠", "4.5g 静滴 q8h", "特治星", "含酶抑制剂的青霉素"),
    ("左氧氟沙星片", "0.5g 口服 qd", "可乐必妥", "喹诺酮类"),
    ("阿奇霉素片", "0.5g 口服 qd", "希舒美", "大环内酯类"),
    ("利奈唑胺葡萄糖注射液", "0.6g 静滴 q12h", "斯沃", "噁唑烷酮类"),
    ("注射用亚胺培南西司他丁钠", "1g 静滴 q8h", "泰能", "碳青霉烯类"),
    ("注射用头孢呋辛钠", "1.5g 静滴 q8h", "西力欣", "二代头孢"),
    ("注射用替加环素", "50mg 静滴 q12h", "泰阁", "甘氨酰环素类"),
)
Drug = tuple[str, str, str, str]


def at(days: float = 0, minutes: int = 0) -> str:
    return (START + timedelta(days=days, minutes=minutes)).strftime("%Y-%m-%d %H:%M")


def generic(name: str) -> str:
    """The drug's name as a note writes it: without its form and salt."""
    for part in ("注射用", "氯化钠注射液", "葡萄糖注射液", "盐酸", "片", "钠"):
        name = name.replace(part, "")
    return name


def order(drug: Drug, start: str = at(), state: str = "已执行", **changed: str) -> dict[str, str]:
    name, dose, *_ = drug
    return {
        "开始时间": start,
        "药品名称": name,
        "医嘱内容": f"{name} {dose}",
        "医嘱类型": "长期",
        "医嘱状态": state,
        "执行时间": start if state in ("已执行", "执行完毕", "已停止") else "",
    } | changed


def note(time: str, text: str, title: str = "日常病程记录") -> dict[str, str]:
    return {"记录时间": time, "标题": title, "记录内容": text}


def given(drug: Drug, name: str) -> str:
    return f"患者发热，体温38.2℃，考虑感染，今日予{name}抗感染治疗，注意观察体温变化。"


QUIET = "患者一般情况可，生命体征平稳，伤口敷料干燥，继续目前护理。"
OTHER = {"药品名称": "氯化钾缓释片", "医嘱内容": "氯化钾缓释片 1g 口服 tid"}


class Maker:
    """A deck that gives each case a ward."""

    def __init__(self) -> None:
        self.deck = Deck("住院号", "K", {"医嘱": "医嘱号", "病程": "病程号"})

    def add(
        self, orders: Sequence[Row], notes: Sequence[Row], *rules: str, drawn: str = ""
    ) -> None:
        case = {"住院科室": WARDS[len(self.deck.cases) % len(WARDS)], "提取时间": drawn}
        self.deck.add(case, {"医嘱": orders, "病程": notes}, *rules)


def passing(make: Maker) -> None:
    for drug in DRUGS:
        make.add([order(drug)], [note(at(1), given(drug, generic(drug[0]))), note(at(2), QUIET)])
    for drug in DRUGS[:6]:
        make.add([order(drug)], [note(at(0, 90), given(drug, drug[2]))])
    make.add([order(DRUGS[1])], [note(at(3), given(DRUGS[1], "头孢曲松"))])
    make.add([order(DRUGS[3])], [note(at(0, -60), given(DRUGS[3], "美罗培南"))])
    make.add([order(DRUGS[0])], [note("2025-03-03", given(DRUGS[0], "莫西沙星"))])


def failing(make: Maker) -> None:
    for drug in DRUGS[:5]:
        make.add([order(drug)], [], RULE)
    make.add([order(DRUGS[1])], [note(at(3, 1), given(DRUGS[1], "头孢曲松"))], RULE)
    make.add([order(DRUGS[4])], [note(at(-1), given(DRUGS[4], "万古霉素"))], RULE)
    make.add(
        [order(DRUGS[2], state="已停止"), order(DRUGS[9], at(5))],
        [note(at(5, 60), "痰培养示鲍曼不动杆菌，停舒普深，改泰能抗感染。")],
        RULE,
    )
    make.add([order(DRUGS[10]), order(DRUGS[11])], [note(at(6), QUIET)], RULE)


def for_the_model(make: Maker) -> None:
    """No name of the drug stands in the notes of the window."""
    for drug in DRUGS[3:7]:
        make.add([order(drug)], [note(at(1), QUIET)], RULE)
    make.add([order(DRUGS[7])], [note(at(1), "患者未使用阿奇霉素，继续观察。")], RULE)
    for drug in islice(DRUGS, 7, 10):
        make.add([order(drug)], [note(at(1), f"感染指标升高，加用{drug[3]}抗感染治疗。")])


def exempt(make: Maker) -> None:
    drops = order(("左氧氟沙星滴眼液", "滴双眼 tid", "", ""))
    test = order(("注射用青霉素钠", "皮试", "", ""), 医嘱类型="临时")
    home = order(("头孢克肟胶囊", "0.1g 口服 bid", "", ""), at(8), 医嘱类型="出院带药")
    for one in (drops, test, home):
        make.add([one], [note(at(1), QUIET)])
    make.add([order(DRUGS[1], at(5))], [], drawn=at(8))
    make.add([order(DRUGS[1], at(5))], [], RULE, drawn=at(8, 1))
    for state in ("未执行", "已撤销", "已作废"):
        make.add([order(DRUGS[0], state=state)], [note(at(1), QUIET)])
    make.add([order(DRUGS[0]) | OTHER], [note(at(1), QUIET)])
    make.add([], [note(at(1), QUIET)])


def unclear(make: Maker) -> None:
    """A note or an order whose time is not known well enough."""
    make.add([order(DRUGS[1])], [note("2025-03-04", given(DRUGS[1], "头孢曲松"))])
    make.add([order(DRUGS[1], "")], [note(at(1), given(DRUGS[1], "头孢曲松"))])
    make.add([order(DRUGS[1], state="")], [note(at(1), QUIET)])


def deck() -> Deck:
    make = Maker()
    for part in (passing, failing, for_the_model, exempt, unclear):
        part(make)
    return make.deck


def write_workbook(path: Path, tables: Path) -> None:
    """The same tables as one workbook, a sheet each, every cell a text."""
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"created": datetime(2025, 1, 1)})
        for table in ("病例", "医嘱", "病程"):
            sheet = book.add_worksheet(table)
            with (tables / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
                for at_row, cells in enumerate(csv.reader(file)):
                    for column, cell in enumerate(cells):
                        sheet.write_string(at_row, column, cell)


def main() -> None:
    deck().write(FOLDER)
    write_workbook(FOLDER / "records.xlsx", FOLDER / "tables")


if __name__ == "__main__":
    main()
