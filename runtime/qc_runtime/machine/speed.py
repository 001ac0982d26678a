"""How fast a back end is on this machine: measured on requests, in about the time given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from qc_runtime.backend import ANSWER, REASON, Backend, Choice, Counters, Line, Request, Step

WIDTHS = (1, 8, 32)  # requests that are written at once
_ANSWER = Step(ANSWER, Choice(("Y", "N")), ("",))
_SYSTEM = "你是病历质控员。" + "请核对术前术式与手术记录所写的术式是否为同一手术。" * 12
_LONG = "患者入院后完善检查，行手术治疗，术后恢复良好，切口愈合，予以出院。"
_WRITE = "请用一段话详细编写一份现病史，不分行。第 {} 份。"
_BEGUN = "\n现病史：患者三天前无明显诱因出现"
_LINE = 24  # tokens that each writes


@dataclass(frozen=True)
class Speed:
    """Tokens and questions a second. ``written`` by the number of requests at once."""

    prompt: float
    written: dict[int, float] = field(default_factory=dict)
    questions: float = 0.0
    asked: int = 0
    load_seconds: float = 0.0
    seconds: float = 0.0


def measure(
    backend: Backend,
    questions: Sequence[Request] = (),
    seconds: float = 60.0,
    tell: Callable[[str], None] = lambda stage: None,
) -> Speed:
    """Measure reading, writing at each width, then ``questions`` (invented ones if none).

    A stage that would not fit into the time is left out, but for reading and one question.
    """
    began = perf_counter()
    tell("prompt")
    _answer(backend, [_reading(0, 2)])  # loads, and warms up
    loaded = backend.counters.load_seconds
    end = perf_counter() + max(0.0, seconds - (perf_counter() - began - loaded))
    prompt = _prompt_speed(backend, seconds * 0.2)  # a fifth of the time
    written: dict[int, float] = {}
    for width in WIDTHS:
        if perf_counter() < end - seconds * 0.4:
            tell(f"write {width}")
            written |= _writing_speed(backend, width)
    tell("questions")
    asked, took = _questions(backend, questions or _invented(2000), end)
    return Speed(prompt, written, asked / took, asked, loaded, perf_counter() - began)


def _answer(backend: Backend, requests: Sequence[Request]) -> Counters:
    """What answering these adds to the counters. Raises what the back end raises."""
    before = replace(backend.counters)
    for _ in backend.answer(requests):
        pass
    after = backend.counters
    return Counters(
        after.prompt_tokens - before.prompt_tokens,
        after.reused_prompt_tokens - before.reused_prompt_tokens,
        after.generated_tokens - before.generated_tokens,
        after.seconds - before.seconds,
    )


def _reading(number: int, repeats: int) -> Request:
    """A prompt of its own, of about 20 tokens a repeat, with one choice."""
    return Request(f"第 {number} 份病历", _LONG * repeats, (_ANSWER,))


def _prompt_speed(backend: Backend, seconds: float) -> float:
    """Tokens a second of long prompts that share nothing."""
    tokens = took = 0.0
    number, repeats = 1, max(2, min(40, int(seconds * 2)))
    while not tokens or took < seconds / 2:
        done = _answer(backend, [_reading(number, repeats)])
        tokens, took, number = tokens + done.prompt_tokens, took + done.seconds, number + 1
    return tokens / took


def _writing_speed(backend: Backend, width: int) -> dict[int, float]:
    """Tokens a second that so many requests at once write, their reading taken off.

    The same requests are put with a line of one token first: what is more is writing. Nothing
    where the model ends its lines at once.
    """
    short, long_ = (
        _answer(backend, [_writing(number, tokens) for number in range(width)])
        for tokens in (1, _LINE)
    )
    more, took = long_.generated_tokens - short.generated_tokens, long_.seconds - short.seconds
    return {width: more / took} if more > 0 and took > 0 else {}


def _writing(number: int, tokens: int) -> Request:
    line = Step(REASON, Line(tokens), (_BEGUN,))
    return Request(_SYSTEM, _WRITE.format(number), (_ANSWER, line))


def _questions(backend: Backend, requests: Sequence[Request], end: float) -> tuple[int, float]:
    """How many were answered, and in what time, by batches that grow while there is time."""
    began, asked, size = perf_counter(), 0, 1
    while asked < len(requests) and (perf_counter() < end or not asked):
        part = requests[asked : asked + size]
        _answer(backend, part)
        asked += len(part)
        left, rate = end - perf_counter(), asked / (perf_counter() - began)
        size = max(1, min(256, size * 4, int(left * rate)))
    return asked, perf_counter() - began


def _invented(count: int) -> list[Request]:
    """Short pairs of operations such as the surgery rulebook asks about."""
    names = ("腹腔镜胆囊切除术", "阑尾切除术", "甲状腺次全切除术", "股骨头置换术", "疝修补术")
    return [
        Request(
            _SYSTEM,
            f"术前术式：{names[n % 5]}{n}\n手术记录：{names[n // 5 % 5]}{n % 7}",
            (_ANSWER,),
        )
        for n in range(count)
    ]
