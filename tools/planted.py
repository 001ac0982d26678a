"""Rulebooks with one mistake planted in each: is it found, and is anything else?

Four kinds in turn: a contradiction (two rules about the very same records), an overlap (rules
that meet in a corner), a gap (no ``其余``), a rule that can never apply. The record shown for a
contradiction must hit both rules when the interpreter runs it, and be a conflict.

    python tools/planted.py [--rulebooks N] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from qc_compiler.analyse import analyse, contradictions
from qc_compiler.decide import Open, decide
from qc_compiler.interpret import evaluate
from qc_compiler.pipeline import read_and_compile
from qc_compiler.program import Program
from qc_dsl.errors import Diagnostic
from qc_dsl.source import Source

_HEAD = """\
规则集: 种下的错误
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 编号}
字段:
  编号: {}
  科别: {}
  文: {}
  类: {类型: 类别, 值: [自费, 职工, 居民]}
  列: {类型: 列表, 分隔: "+"}
  数: {类型: 数字}
  日: {类型: 日期}
"""
_WORDS = ("咳嗽", "发热", "骨折", "阑尾", "胆囊", "头晕", "皮疹", "乏力")
_VERDICTS = ("合格", "缺陷")
_EVERY = (
    "编号 不为空 且 科别 不为空 且 文 不为空 且 类 不为空 且 列 不为空 且 数 不为空 且 日 不为空"
)


@dataclass(frozen=True)
class Planted:
    """A rulebook's text, the codes that are right, and the rules that must be named."""

    kind: str
    text: str
    codes: frozenset[str]
    rules: frozenset[str]


def _number(draw: random.Random) -> str:
    return f"数 {draw.choice(('大于', '小于', '不大于', '不小于'))} {draw.randint(-5, 60)}"


def _text(draw: random.Random) -> str:
    return f"文 {draw.choice(('包含', '不包含'))} “{draw.choice(_WORDS)}”"


def _list(draw: random.Random) -> str:
    return f"列 包含 “{draw.choice(_WORDS)}”"


def _category(draw: random.Random) -> str:
    return f"类 {draw.choice(('为', '不为'))} “{draw.choice(('自费', '职工', '居民'))}”"


def _day(draw: random.Random) -> str:
    day = date(2025, 1, 1) + timedelta(days=draw.randint(0, 300))
    return f"日 {draw.choice(('早于', '晚于', '不早于', '不晚于'))} “{day}”"


_CONDITIONS: tuple[Callable[[random.Random], str], ...] = (_number, _text, _list, _category, _day)


def _conditions(draw: random.Random) -> list[str]:
    """Conditions about different fields, so that they can all hold together."""
    return [make(draw) for make in draw.sample(_CONDITIONS, draw.randint(1, 3))]


def _sentence(ward: str, conditions: Sequence[str], verdict: str) -> str:
    return f"当 科别 为 “{ward}” → {' 且 '.join(conditions)} 即视为 {verdict}"


def _sound(draw: random.Random) -> dict[str, str]:
    """Rules about different wards: none meets another."""
    wards = [f"病区{n}" for n in range(draw.randint(4, 12))]
    return {
        f"规{ward}": _sentence(ward, _conditions(draw), draw.choice(_VERDICTS)) for ward in wards
    }


def _other(verdict: str) -> str:
    return _VERDICTS[verdict == _VERDICTS[0]]


def _book(rules: dict[str, str], gate: str = "", otherwise: str = "其余: 缺陷\n") -> str:
    """Every field is used by a gate that takes no record away from the planted rules."""
    lines = "".join(f"  {name}: {sentence}\n" for name, sentence in rules.items())
    never = f"  空壳: 如果 编号 为 “无此号” 且 {_EVERY}，则 不适用\n"
    return f"{_HEAD}适用:\n{never}{gate}规则:\n{lines}{otherwise}"


def contradiction(draw: random.Random) -> Planted:
    """The same conditions in another order, and the other verdict."""
    rules, conditions, verdict = _sound(draw), _conditions(draw), draw.choice(_VERDICTS)
    rules["甲"] = _sentence("同一病区", conditions, verdict)
    rules["乙"] = _sentence("同一病区", draw.sample(conditions, len(conditions)), _other(verdict))
    return Planted("contradiction", _book(rules), frozenset({"QC301"}), frozenset({"甲", "乙"}))


def overlap(draw: random.Random) -> Planted:
    """Two rules that meet in a part of what each is about."""
    rules, verdict = _sound(draw), draw.choice(_VERDICTS)
    low = draw.randint(0, 40)
    day = date(2025, 1, 1) + timedelta(days=draw.randint(0, 300))
    one, two = draw.sample(_WORDS, 2)
    pairs = (
        (f"数 大于 {low}", f"数 小于 {low + draw.randint(2, 20)}"),
        (f"日 晚于 “{day}”", f"日 早于 “{day + timedelta(days=draw.randint(3, 30))}”"),
        (f"文 包含 “{one}”", f"文 包含 “{two}”"),
        (f"列 包含 “{one}”", f"列 包含 “{two}”"),
        (f"文 包含 “{one}”", _number(draw)),
        ("类 为 “自费” 或 “职工”", "类 为 “职工” 或 “居民”"),
    )
    first, second = draw.choice(pairs)
    rules["甲"] = _sentence("同一病区", [first], verdict)
    rules["乙"] = _sentence("同一病区", [second], _other(verdict))
    return Planted("overlap", _book(rules), frozenset({"QC301"}), frozenset({"甲", "乙"}))


def gap(draw: random.Random) -> Planted:
    """Records that no rule is about, and nothing that says what becomes of them."""
    text = _book(_sound(draw), otherwise="")
    return Planted("gap", text, frozenset({"QC302"}), frozenset())


def unreachable(draw: random.Random) -> Planted:
    """A rule whose conditions exclude each other, or all of whose records a gate takes."""
    rules, verdict, gate = _sound(draw), draw.choice(_VERDICTS), ""
    low = draw.randint(0, 40)
    impossible = (
        [f"数 大于 {low + 5}", f"数 小于 {low}"],
        ["日 晚于 “2025-06-01”", "日 早于 “2025-05-01”"],
        ["类 为 “自费”", "类 为 “职工”"],
        ["文 为空", f"文 包含 “{draw.choice(_WORDS)}”"],
        [f"文 包含 “{_WORDS[0]}”", f"文 不包含 “{_WORDS[0]}”"],
    )
    if draw.random() < 0.5:
        rules["甲"] = _sentence("同一病区", draw.choice(impossible), verdict)
    else:
        gate = "  先判: 如果 科别 为 “同一病区”，则 不适用\n"
        rules["甲"] = _sentence("同一病区", _conditions(draw), verdict)
    codes = frozenset({"QC306", "QC307"})
    return Planted("unreachable", _book(rules, gate), codes, frozenset({"甲"}))


KINDS = (contradiction, overlap, gap, unreachable)


def planted(count: int, seed: int) -> Iterator[Planted]:
    """So many rulebooks, the kinds in turn; the same for the same seed."""
    draw = random.Random(seed)
    for number in range(count):
        yield KINDS[number % len(KINDS)](draw)


def faults(one: Planted) -> Iterator[str]:
    """What the analysis missed, invented or could not show of one rulebook."""
    rulebook, program = read_and_compile(Source("planted", one.text))
    found = analyse(program, rulebook)
    right = [d for d in found if d.code in one.codes and _names(d, one.rules)]
    if not right:
        yield "missed"
    yield from (f"invented {d.code} {d.message.en}" for d in found if d not in right)
    for a, b, record in contradictions(program):
        if not _hits(program, a.expr, b.expr, record):
            yield "a witness that does not hit both rules"


def _names(diagnostic: Diagnostic, rules: frozenset[str]) -> bool:
    """Whether a diagnostic is about these rules: by name, or by standing in one of them."""
    if all(f"“{rule}”" in diagnostic.message.zh for rule in rules):
        return True
    span = diagnostic.span
    if span is None:
        return False
    line = span.source.line(span.source.position(span.start)[0])
    return any(line.startswith(f"  {rule}: ") for rule in rules)


def _hits(program: Program, one: object, other: object, record: object) -> bool:
    both = evaluate(one, record) is True and evaluate(other, record) is True  # type: ignore[arg-type]
    decision = decide(program, record)  # type: ignore[arg-type]
    return both and decision.code == Open.CONFLICT


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rulebooks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    kinds: Counter[str] = Counter()
    sound: Counter[str] = Counter()
    for one in planted(given.rulebooks, given.seed):
        wrong = list(faults(one))
        kinds[one.kind] += 1
        sound[one.kind] += not wrong
        if wrong:
            print(f"{one.kind}: {'; '.join(wrong)}\n{one.text}")
    for kind, count in kinds.items():
        print(f"{kind:14} {sound[kind]}/{count} found, nothing else said")
    print(f"{time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
