"""What the engine reads and what our own code costs, beside the model's time."""

from __future__ import annotations

import bisect
import csv
import io
import itertools
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from bench.prompts import CODES, RULES, pairs

from qc_compiler.pipeline import compile_file
from qc_runtime.backend import ANSWER, Choice, Reply, Request, Step
from qc_runtime.cache import Remembered
from qc_runtime.judging.answering import Answering
from qc_runtime.judging.judge import judge
from qc_runtime.judging.plan import Recorder, predicted_tokens
from qc_runtime.llama import LlamaBackend, LlamaSettings
from qc_runtime.records import load_records
from qc_runtime.scripted import ScriptedBackend

RULEBOOK = Path(__file__).parents[1] / "rulebooks" / "surgery_consistency.yaml"

_SENTENCES = (
    "患者3天前无明显诱因出现右上腹持续性隐痛，进食油腻后加重，无放射痛。",
    "伴恶心，未呕吐，无发热、寒战，小便色黄，大便正常。",
    "就诊于当地医院，查腹部超声提示胆囊结石、胆囊壁增厚，予抗感染治疗后稍缓解。",
    "今为进一步治疗来我院，门诊以“胆囊结石伴胆囊炎”收入院。",
    "自发病以来，精神可，食欲欠佳，睡眠尚可，体重无明显变化。",
    "既往高血压病史10年，最高160/95mmHg，口服氨氯地平，血压控制可；否认糖尿病、冠心病史。",
    "否认肝炎、结核等传染病史，否认外伤、输血史，2012年行阑尾切除术。",
    "对青霉素过敏，表现为皮疹。预防接种史不详。",
)
_ITEMS = (
    *("主诉是否写了症状和时间", "现病史是否写了起病时间", "是否写了诱因", "是否写了伴随症状"),
    *("是否写了诊治经过", "是否写了一般情况", "是否写了既往慢性病", "是否写了手术史"),
    *("是否写了外伤史", "是否写了输血史", "是否写了药物过敏", "是否写了传染病史"),
    *("是否写了个人史", "是否写了婚育史", "是否写了家族史", "是否写了体格检查"),
    *("是否写了辅助检查", "诊断是否有依据", "主诉与现病史是否一致"),
)


def read_over_least(model: Path) -> tuple[float, float]:
    """Tokens read for 19 questions on one long note, over the nodes of their prefix tree.

    Without second looks, of which there are as many as answers near a line, and with them.
    """
    note = "".join(_SENTENCES) * 4
    requests = [
        Request(
            f"先读病历，再回答问题。\n病历：{note}",
            f"问题：{item}？\n只回答一个字母：A=是，B=否",
            (Step(ANSWER, Choice(("A", "B")), ("答案：",)),),
        )
        for item in _ITEMS
    ]
    least = predicted_tokens(requests, model)
    once, looked = (_read(model, requests, second_look=look) for look in (False, True))
    return once / least, looked / least


def _read(model: Path, requests: Sequence[Request], *, second_look: bool) -> int:
    backend = LlamaBackend(model, settings=LlamaSettings(second_look=second_look))
    list(backend.answer(requests))
    backend.close()
    return backend.counters.prompt_tokens


def overhead(requests: int = 20_000) -> float:
    """Seconds of our own code for one request, when a model answers at once."""
    asked = [
        Request("系统", f"第{n}例", (Step(ANSWER, Choice(("A", "B")), ("答案：",)),))
        for n in range(requests)
    ]
    answering = Answering(
        lambda: ScriptedBackend(lambda _: "A"), Remembered(), lambda done, total: None
    )
    started = perf_counter()
    for _ in answering.replies(asked, range(requests)):
        pass
    return (perf_counter() - started) / requests


def flips(model: Path, count: int = 32) -> tuple[float, float, float]:
    """How often an answer depends on its company: without a second look, with it, and marked.

    The same pairs, each on the line of its own half, in large batches and, turned round, in
    small ones. Shares of all pairs.
    """
    ask = Step(ANSWER, Choice(CODES, _on_the_line(model, count)), ("",))
    requests = [Request(RULES, user, (ask,)) for user in pairs(count)]
    plain, again = (_both_ways(model, requests, second_look=look) for look in (False, True))
    marked = sum(one.flickers or other.flickers for one, other in again)
    return _differ(ask, plain), _differ(ask, again), marked / count


def _on_the_line(model: Path, count: int) -> tuple[float, float]:
    """Weights with which half of the pairs come out on either side."""
    requests = [Request(RULES, user, (Step(ANSWER, Choice(CODES)),)) for user in pairs(count)]
    backend = LlamaBackend(model, settings=LlamaSettings(second_look=False))
    found = sorted(reply.probabilities[0] for _, reply in backend.answer(requests))
    backend.close()
    middle = found[count // 2]
    return 1.0, middle / (1 - middle)


def _both_ways(
    model: Path, requests: Sequence[Request], *, second_look: bool
) -> list[tuple[Reply, Reply]]:
    found = []
    for settings, order in ((LlamaSettings(), 1), (LlamaSettings(n_batch=128, n_seq=4), -1)):
        backend = LlamaBackend(model, settings=replace(settings, second_look=second_look))
        replies = dict(backend.answer(requests[::order]))
        backend.close()
        found.append([replies[n] for n in range(len(requests))][::order])
    return list(zip(*found, strict=True))


def _differ(ask: Step, found: Sequence[tuple[Reply, Reply]]) -> float:
    assert isinstance(ask.slot, Choice)
    chosen = ask.slot.chosen
    return sum(
        chosen(one.probabilities) != chosen(other.probabilities) for one, other in found
    ) / len(found)


@dataclass(frozen=True)
class Month:
    """A month's operations: how many questions are left to the model, and what all takes."""

    records: int
    questions: int
    own_seconds: float
    seconds: float


_PARTS = ("甲状腺", "胆囊", "阑尾", "腹股沟疝", "子宫肌瘤", "卵巢囊肿", "前列腺", "输尿管结石")
_PARTS += ("腰椎间盘", "膝关节", "股骨颈", "白内障", "声带息肉", "鼻息肉", "痔", "大隐静脉")
_DONE = ("切除术", "修补术", "部分切除术", "探查术", "激光治疗术", "内镜下切除术", "置换术")
_HOW = ("", "腹腔镜下", "开放性", "经皮", "显微镜下", "左侧", "右侧", "双侧")


def month(seconds_a_question: float, records: int = 20_000) -> Month:
    """The shipped surgery rulebook on invented operations of skewed frequency (Zipf).

    The pre-filter, the questions put together and the outcomes are really computed; the
    model's time is the questions that are left times ``seconds_a_question``.
    """
    program = compile_file(RULEBOOK)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "month.csv"
        data.write_text(operations(records), encoding="utf-8")
        recorder = Recorder()
        started = perf_counter()
        read = load_records(data, program.fields, program.key)
        judge(program, read, lambda: recorder, Remembered(), explain="fail")
        own = perf_counter() - started
    asked = len(recorder.requests)
    return Month(records, asked, own, own + asked * seconds_a_question)


def operations(records: int) -> str:
    """Invented operations as a CSV file: names of skewed frequency (Zipf)."""
    draw = random.Random(7)
    names = [f"{how}{part}{done}" for part in _PARTS for done in _DONE for how in _HOW]
    draw.shuffle(names)
    weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(names))))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["住院号", "住院科室", "术前术式", "手术记录"])
    for number in range(records):
        planned = _draw(draw, names, weights)
        writer.writerow([f"M{number}", "外科", planned, _performed(draw, planned, names, weights)])
    return out.getvalue()


def _draw(draw: random.Random, names: Sequence[str], weights: Sequence[float]) -> str:
    return names[bisect.bisect(weights, draw.random() * weights[-1])]


def _performed(
    draw: random.Random, planned: str, names: Sequence[str], weights: Sequence[float]
) -> str:
    """Mostly what was planned, often written otherwise or with more, seldom something else."""
    kind = draw.random()
    if kind < 0.55:
        return planned
    if kind < 0.85:
        return planned.removesuffix("术") + "手术"
    other = _draw(draw, names, weights)
    return f"{planned}+{other}" if kind < 0.95 else other
