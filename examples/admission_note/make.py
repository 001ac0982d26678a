"""Admission notes for rulebooks/admission_note.yaml: python examples/admission_note/make.py

Each note is one text under its headings, as the record system exports it: a line of JSONL with
``record_id`` and ``emr_content``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Note:
    """What a sound note says, part by part. ``symptoms`` are the complaint's, in its order."""

    symptoms: tuple[str, ...]
    lasting: str
    trigger: str
    degree: str
    told: str
    absent: str
    checked: str
    treated: str
    general: str
    past: str
    special: str
    tests: str
    diagnosis: str
    first_diagnosis: str = "同上"
    onset: str = "同上"
    complaint: str = "同上"

    @property
    def chief(self) -> str:
        whole = f"{'、'.join(self.symptoms)}{self.lasting}"
        return whole if self.complaint == "同上" else self.complaint

    @property
    def history(self) -> str:
        onset = self.lasting if self.onset == "同上" else self.onset
        course = "，".join(filter(None, (self.told, self.degree, self.absent)))
        seen = "，".join(filter(None, (self.checked, self.treated)))
        return (
            f"患者{onset}前{self.trigger}出现{course}。{seen}，为进一步诊治收住入院。{self.general}"
        )

    @property
    def text(self) -> str:
        first = self.diagnosis if self.first_diagnosis == "同上" else self.first_diagnosis
        sections = {
            "主诉": self.chief,
            "现病史": self.history,
            "既往史": self.past,
            "个人史": "生于本地，无烟酒嗜好。",
            "体格检查": "T 36.8℃，P 80次/分，R 18次/分，BP 126/78mmHg。神志清楚。",
            "专科检查": self.special,
            "辅助检查": self.tests,
            "入院诊断": self.diagnosis,
            "初步诊断": first,
        }
        return "".join(f"{heading}：{said}\n" for heading, said in sections.items())


GENERAL = "病程中精神可，饮食睡眠可，大小便正常，体重无明显变化。"
HEALTHY = "平素体质良好。否认高血压、糖尿病史。否认药物过敏史。否认手术、外伤史。否认输血史。"
NOTES = (
    Note(("咳嗽", "咳痰"), "5天", "受凉后", "程度较轻", "咳嗽，咳少量白痰", "无发热、胸痛",
         "3天前至社区医院就诊，查血常规未见异常", "予口服阿莫西林，未见好转", GENERAL, HEALTHY,
         "胸廓对称，双肺呼吸音粗，未闻及干湿啰音。", "胸部CT（本院，2025-01-05）：右下肺炎症。",
         "肺炎"),
    Note(("腹痛", "呕吐"), "2天", "饮酒后", "疼痛剧烈", "上腹痛，伴呕吐", "无发热、黄染",
         "昨日至我院急诊就诊，查血淀粉酶升高", "予禁食、补液治疗", GENERAL, HEALTHY,
         "上腹压痛，无反跳痛，肠鸣音4次/分。", "腹部CT（本院，2025-02-11）：胰腺肿胀。",
         "急性胰腺炎"),
    Note(("头晕",), "3小时", "劳累后", "程度中等", "头晕，视物旋转", "无头痛、耳鸣",
         "1小时前至我院急诊就诊，查头颅CT未见出血", "予对症处理后稍缓解", GENERAL, HEALTHY,
         "双侧瞳孔等大，四肢肌力5级。", "头颅CT（本院急诊，2025-03-02）：未见明显异常。",
         "前庭神经炎"),
    Note(("左膝疼痛", "活动受限"), "1月", "扭伤后", "疼痛可以忍受", "左膝疼痛，活动受限",
         "无发热、麻木", "1周前至我院门诊就诊，行磁共振示半月板损伤", "予口服止痛药物治疗", GENERAL,
         HEALTHY,
         "左膝内侧压痛，麦氏征阳性。", "左膝磁共振（本院门诊，2025-03-20）：内侧半月板损伤。",
         "左膝内侧半月板损伤"),
)  # fmt: skip

Change = Callable[[Note], Note]
HAD = HEALTHY.replace("高血压、", "") + "高血压病史5年"
TREATED = "口服氨氯地平5mg qd，血压控制可"
# What is done to a sound note, and the items that it then breaks.
CHANGES: tuple[tuple[Change, tuple[str, ...]], ...] = (
    (lambda note: note, ()),
    (lambda note: replace(note, complaint="、".join(note.symptoms)), ("IC-ZS-01-V1",)),
    (
        lambda note: replace(
            note, complaint=f"{note.symptoms[0]}{note.lasting}，自行在家休息观察以后没有好转来求治"
        ),
        ("EN-ZS-01-V1",),
    ),
    (lambda note: replace(note, treated=""), ("IC-XB-01-V1",)),
    (lambda note: replace(note, general=""), ("IC-XB-03-V1",)),
    (lambda note: replace(note, degree=""), ("EN-XB-01-V1",)),
    (lambda note: replace(note, trigger=""), ("EN-XB-02-V1",)),
    (lambda note: replace(note, onset="2周"), ("CO-XB-04-V1",)),
    (
        lambda note: replace(note, past=f"{HAD}。", diagnosis=f"{note.diagnosis}，高血压2级"),
        ("EN-JW-01-V1",),
    ),
    (
        lambda note: replace(
            note, past=f"{HAD}，{TREATED}。", diagnosis=f"{note.diagnosis}，高血压2级"
        ),
        (),
    ),
    (
        lambda note: replace(note, past="否认冠心病史，糖尿病病史8年余，胰岛素治疗，血糖控制可。"),
        ("IC-RZCB-01-V1",),
    ),
    (lambda note: replace(note, diagnosis=f"{note.diagnosis}，2型糖尿病"), ("IC-JW-01-V1",)),
    (lambda note: replace(note, special="体重：kg。" + note.special), ("IC-ZK-01-V1",)),
    (lambda note: replace(note, tests=note.tests.partition("（")[0] + "未见新的改变。"),
     ("EN-FZ-01-V1",)),
    (lambda note: replace(note, first_diagnosis=""), ("EN-RZCB-01-V1", "IC-RZCB-01-V1")),
    (lambda note: replace(note, first_diagnosis=f"{note.diagnosis}，贫血"), ("IC-RZCB-01-V1",)),
    (
        lambda note: replace(note, diagnosis=f"{note.symptoms[0][-2:]}待查，{note.diagnosis}"),
        ("DQ-RZ-02-V1",),
    ),
    # only a reader can tell
    (lambda note: replace(note, diagnosis=f"包皮过长，{note.diagnosis}"), ("DQ-RZ-01-V1",)),
)  # fmt: skip


def cases() -> Iterator[tuple[Note, tuple[str, ...]]]:
    for change, rules in CHANGES:
        for note in NOTES:
            yield change(note), rules


def main() -> None:
    notes, expected = [], []
    for number, (note, rules) in enumerate(cases(), 1):
        key = f"N{number:04d}"
        notes.append({"record_id": key, "emr_content": note.text})
        expected.append({"key": key, "rules": sorted(rules)})
    (FOLDER / "tables").mkdir(exist_ok=True)
    for path, lines in (("tables/病例.jsonl", notes), ("期望.jsonl", expected)):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (FOLDER / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
