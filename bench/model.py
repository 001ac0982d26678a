"""How fast the engine is, against a plain loop and against the prompt speed of the same build.

Everything runs in one process, on one model, with the same invented pairs, so that the ratios
mean something on a busy or slow machine too. The loop is measured before and after the engine,
prompt speed and verdicts in turns.

    python -m bench.model --model PATH [--records 48]
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from qc_runtime.backend import ANSWER, REASON, Choice, Counters, Line, Reply, Request, Step
from qc_runtime.llama import LlamaBackend, LlamaSettings
from qc_runtime.llama.native import native

_RULES = """你是医院病案质控专家。下面给出同一位患者术前讨论中的手术名称和手术记录中的手术名称。
请判断两者是否指同一种手术。

判断准则：
1. 书写方式、简称、别名、语序不同，但指同一操作的，算同一种手术。
2. 一个名称比另一个写得更笼统，但主要操作和部位一致的，算同一种手术。
3. 主要操作不同的，例如切除与修补、探查与切除、置换与固定，不算同一种手术。
4. 部位或器官不同的，例如胃与肠、股骨与胫骨，不算同一种手术。
5. 侧别不同的，例如左侧与右侧、单侧与双侧，不算同一种手术；只有一方写明侧别的，不因此判为不同。
6. 入路不同的，例如开腹与腹腔镜、经皮与切开，不算同一种手术；只有一方写明入路的，不因此判为不同。
7. 实际手术比计划多做了其他主要手术的，不算同一种手术；多做的只是附带操作的，仍算同一种手术。
8. 名称后附的麻醉方式、编号、器械商标、括号内说明不影响判断。
9. 诊断不同而手术相同的，算同一种手术。
10. 拿不准时，以主要操作和部位是否一致为准。

示例：
“阑尾切除术”与“腹腔镜下阑尾切除术”：只有一方写明入路，是同一种手术。
“左侧腹股沟疝修补术”与“右侧腹股沟疝修补术”：侧别不同，不是同一种手术。
“胃大部切除术”与“胃修补术”：主要操作不同，不是同一种手术。
"""
# Both are asked for the same: a verdict, and what a person who checks it wants to read
_REASON = "理由要分别写明主要操作、部位、侧别、入路是否一致"
_AS_CODE = f"\n先回答一个字母：A 是同一种手术，B 不是同一种手术；再另起一行写理由，{_REASON}。"
_AS_JSON = f'\n只输出 JSON：{{"结论": "匹配" 或 "不匹配", "理由": "…"}}，{_REASON}。'
RULES = _RULES + _AS_CODE
CODES = ("A", "B")
REASON_LEAD = "\n理由："
LONGEST = 96  # tokens of a reason
_TURNS = 12  # reasons written for each verdict that is measured without

_NAMES = (
    ("腹腔镜下胆囊切除术", "腹腔镜胆囊切除术"),
    ("开腹胆囊切除术", "腹腔镜下胆囊切除术+胆总管探查术"),
    ("左膝关节置换术", "左侧人工全膝关节表面置换术"),
    ("右股骨颈骨折闭合复位内固定术", "右侧人工股骨头置换术"),
    ("经尿道前列腺电切术", "经尿道前列腺等离子电切术"),
    ("甲状腺右叶切除术", "甲状腺左叶次全切除术"),
    ("白内障超声乳化摘除术", "白内障超声乳化摘除+人工晶体植入术"),
    ("腰椎间盘髓核摘除术", "经皮椎间孔镜下腰椎间盘髓核摘除术"),
    ("剖宫产术", "子宫下段剖宫产术"),
    ("子宫肌瘤剔除术", "腹腔镜下全子宫切除术"),
    ("冠状动脉造影术", "冠状动脉造影+支架置入术"),
    ("胸腔闭式引流术", "胸腔镜下肺大疱切除术"),
)
_SIDES = ("", "左侧", "右侧", "双侧")


@dataclass(frozen=True)
class Rate:
    """How much was done in how long.

    ``tokens`` are those computed beside the shared prompt, ``written`` the ones among them that
    the model wrote.
    """

    records: int
    tokens: int
    seconds: float
    written: int = 0

    @property
    def records_per_second(self) -> float:
        return self.records / self.seconds

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds

    def __add__(self, other: Rate) -> Rate:
        return Rate(
            self.records + other.records,
            self.tokens + other.tokens,
            self.seconds + other.seconds,
            self.written + other.written,
        )


_NOTHING = Rate(0, 0, 0.0)


def pairs(count: int) -> list[str]:
    """Questions about two invented names of like operations each; no two alike up to 48."""
    return _questions(0)[:count]


def mixed_pairs(count: int) -> list[str]:
    """The same of like and of different operations, in any order, up to 576.

    Enough to keep every place of the engine busy: what is measured is how fast it goes on, not
    how it comes to an end.
    """
    found = [one for apart in range(len(_NAMES)) for one in _questions(apart)]
    random.Random(5).shuffle(found)
    return found[:count]


def _questions(apart: int) -> list[str]:
    performed = [name for _, name in (*_NAMES[apart:], *_NAMES[:apart])]
    return [
        f"术前讨论中的手术名称：{side}{planned}\n手术记录中的手术名称：{side}{done}"
        for side in _SIDES
        for (planned, _), done in zip(_NAMES, performed, strict=True)
    ]


def measure(model_path: str | Path, n: int = 48, rounds: int = 3) -> dict[str, float]:
    """All figures and the ratios between them, by name. Takes minutes on two cores."""
    path = Path(model_path).expanduser()
    reasons = mixed_pairs(_TURNS * n)
    some = max(2, n // 12)
    loop = plain_loop(path, reasons[:some])
    prompt, verdicts = in_turns(path, pairs(n), rounds)
    explained = engine_speed(path, reasons)
    loop = loop + plain_loop(path, reasons[-some:])
    return figures(prompt, loop, verdicts, explained)


def figures(prompt: Rate, loop: Rate, verdicts: Rate, explained: Rate) -> dict[str, float]:
    return {
        "prompt_tokens_per_second": prompt.tokens_per_second,
        "loop_records_per_second": loop.records_per_second,
        "verdict_records_per_second": verdicts.records_per_second,
        "verdict_tokens_per_second": verdicts.tokens_per_second,
        "explained_records_per_second": explained.records_per_second,
        "explained_tokens_per_second": explained.tokens_per_second,
        "loop_tokens_written_per_record": loop.written / loop.records,
        "explained_tokens_written_per_record": explained.written / explained.records,
        "verdict_over_loop": verdicts.records_per_second / loop.records_per_second,
        "verdict_over_prompt_speed": verdicts.tokens_per_second / prompt.tokens_per_second,
        "explained_over_loop": explained.records_per_second / loop.records_per_second,
    }


def in_turns(path: Path, users: Sequence[str], rounds: int) -> tuple[Rate, Rate]:
    """Prompt speed and verdicts only, in turns, so that a change of load meets both."""
    long = LongPrompt(path)
    backend, requests = _warm(path, users, explain=False)
    prompt, verdicts = long.rate(), _NOTHING
    for _ in range(rounds):
        verdicts += _timed(backend, requests)
        prompt += long.rate()
    backend.close()
    long.close()
    return prompt, verdicts


class LongPrompt:
    """One long prompt through plain ``llama_decode``, 512 tokens at a time."""

    def __init__(self, path: Path, tokens: int = 1024) -> None:
        from qc_runtime.llama.model import Context, Model

        settings = LlamaSettings(n_ctx=2048, n_seq=1)
        self._model = Model(path, settings)
        fastest = settings.for_machine(gpu=self._model.gpu, writes=False)
        self._context = Context(self._model, settings, fastest)
        self._batch = self._context.batch()
        self._tokens = (self._model.tokenize(_RULES, special=False) * 8)[:tokens]
        self._decode(0, 32)  # the weights are in memory from here on

    def rate(self) -> Rate:
        self._context.clear()
        size = self._context.n_batch
        started = perf_counter()
        for start in range(0, len(self._tokens), size):
            self._decode(start, start + size)
        return Rate(1, len(self._tokens), perf_counter() - started)

    def _decode(self, start: int, end: int) -> None:
        self._batch.clear()
        rows = self._batch.add(self._tokens[start:end], start, 0)
        self._batch.want(rows[-1])
        if self._context.decode(self._batch) != 0:
            raise RuntimeError(self._context.last_error())
        self._context.logits(rows[-1])

    def close(self) -> None:
        self._context.close()
        self._model.close()


def plain_loop(path: Path, users: Sequence[str]) -> Rate:
    """What one writes without an engine: one chat completion after another, JSON out."""
    native()  # the same waiting of threads as the engine has, whichever runs first
    import llama_cpp

    cores = LlamaSettings().threads()
    llama = llama_cpp.Llama(
        str(path), n_ctx=2048, n_threads=cores, n_threads_batch=cores, verbose=False
    )
    _complete(llama, users[0], 1)  # llama-cpp-python itself keeps the common system prompt
    started = perf_counter()
    written = sum(_complete(llama, user, LONGEST + 32) for user in users)
    seconds = perf_counter() - started
    llama.close()
    return Rate(len(users), 0, seconds, written)


def _complete(llama: Any, user: str, tokens: int) -> int:
    """One verdict with its reason; returns how many tokens were written."""
    completion = llama.create_chat_completion(
        [{"role": "system", "content": _RULES + _AS_JSON}, {"role": "user", "content": user}],
        response_format={"type": "json_object"},
        max_tokens=tokens,
        temperature=0.0,
    )
    return int(completion["usage"]["completion_tokens"])


def engine_speed(
    path: Path, users: Sequence[str], *, explain: bool = True, second_look: bool = True
) -> Rate:
    """The engine with an explanation for every record, or with verdicts only."""
    settings = LlamaSettings(second_look=second_look)
    backend, requests = _warm(path, users, explain=explain, settings=settings)
    rate = _timed(backend, requests)
    backend.close()
    return rate


def _warm(
    path: Path, users: Sequence[str], *, explain: bool, settings: LlamaSettings | None = None
) -> tuple[LlamaBackend, list[Request]]:
    """The engine after two requests, which leave it the shared prefix, as a run does."""
    answer = Step(ANSWER, Choice(CODES))
    reason = Step(REASON, Line(LONGEST), (REASON_LEAD,), CODES if explain else ())
    requests = [Request(RULES, user, (answer, reason)) for user in users]
    backend = LlamaBackend(path, settings=settings)
    _answer(backend, requests[:2])
    return backend, requests


def _timed(backend: LlamaBackend, requests: Sequence[Request]) -> Rate:
    before = replace(backend.counters)
    _answer(backend, requests)
    return _rate(len(requests), before, backend.counters)


def _answer(backend: LlamaBackend, requests: Sequence[Request]) -> list[Reply]:
    replies = [reply for _, reply in backend.answer(requests)]
    if failed := [reply.error for reply in replies if reply.error]:
        raise RuntimeError(str(failed[0]))
    return replies


def _rate(records: int, before: Counters, after: Counters) -> Rate:
    computed = after.prompt_tokens - before.prompt_tokens
    generated = after.generated_tokens - before.generated_tokens
    return Rate(records, computed + generated, after.seconds - before.seconds, generated)


def lines(found: dict[str, float]) -> Iterator[str]:
    for name, value in found.items():
        yield f"{name:32} {value:8.2f}"


def main(show: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=os.environ.get("QC_MODEL"), required=False)
    parser.add_argument("--records", type=int, default=48)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.model:
        parser.error("--model or QC_MODEL")
    found = measure(arguments.model, arguments.records)
    for line in [json.dumps(found)] if arguments.json else lines(found):
        show(line)


if __name__ == "__main__":
    main()
