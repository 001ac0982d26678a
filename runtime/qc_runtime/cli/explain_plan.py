"""``qc explain --plan``: what a run would ask, in which layout, and what that is to cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qc_dsl.errors import QcError
from qc_dsl.lang import Text, tr

if TYPE_CHECKING:
    from qc_compiler.layout import Planned
    from qc_compiler.program import Program
    from qc_runtime.backend import Request
    from qc_runtime.cli.data import Data

_LAYOUTS = {
    "question_first": Text("先问题后病历", "question first"),
    "record_first": Text("先病历后问题", "record first"),
}


def plan_lines(program: Program, read: Data, model: str | None, done: Path) -> Iterator[str]:
    """The first round of questions, by what they look into; ``done`` is an earlier run's folder.

    Later rounds hang on the answers, so they cannot be foreseen.
    """
    from qc_runtime.cache import Remembered
    from qc_runtime.judging.judge import judge
    from qc_runtime.judging.plan import Recorder

    recorder = Recorder()
    judged = judge(
        program,
        read.records,
        lambda: recorder,
        Remembered(),
        explain="none",
        database=read.database,
    )
    total, asked = len(read.records), len(recorder.requests)
    if not asked:
        yield tr(
            f"{total} 例都由规则判定，不问模型", f"Rules decide all {total} records: no questions"
        )
        return
    yield tr(
        f"{total} 例，第一轮问模型 {asked} 次（相同的只问一次）",
        f"{total} records: {asked} questions in the first round (identical ones once)",
    )
    for planned in judged.plans:
        yield from _group(planned)
    yield _predicted(recorder.requests, model)
    yield from _actual(done)


def _group(planned: Planned) -> Iterator[str]:
    names = "、".join(name or tr("其余", "otherwise") for name in planned.questions)
    yield f"{names}"
    layout = _LAYOUTS[planned.layout]
    yield "    " + tr(
        f"{planned.records} 份不同的内容，问 {planned.asked} 次：{layout.zh}",
        f"{planned.asked} prompts about {planned.records} different texts: {layout.en}",
    )
    yield "    " + tr(
        f"要读的字数：先问题 {planned.question_first}，先病历 {planned.record_first}",
        f"characters to read: question first {planned.question_first},"
        f" record first {planned.record_first}",
    )


def _predicted(requests: list[Request], model: str | None) -> str:
    """In the model's own tokens where it is there."""
    from qc_runtime.judging.plan import predicted_tokens
    from qc_runtime.models import locate

    try:
        tokens = predicted_tokens(requests, locate(model))
    except QcError:
        return tr("预计词元数：没有模型，算不出", "predicted tokens: no model here to count with")
    return tr(f"预计要读 {tokens} 个词元", f"predicted: {tokens} tokens to read")


def _actual(done: Path) -> Iterator[str]:
    """What the last run into this folder really took, all rounds, if there was one."""
    try:
        usage = json.loads((done / "summary.json").read_text(encoding="utf-8"))["model"]
        read, reused = int(usage["prompt_tokens"]), int(usage["reused_prompt_tokens"])
        asked, stored = int(usage["unique_requests"]), int(usage.get("stored", 0))
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not asked:
        return
    before = Text(f"（其中 {stored} 次以前答过，不再问）", f" ({stored} answered before)")
    yield tr(
        f"{done} 那次运行：问 {asked} 次{before.zh if stored else ''}，"
        f"读了 {read} 个词元，另有 {reused} 个因共用而免读",
        f"the run in {done}: {asked} questions{before.en if stored else ''}, "
        f"{read} tokens read, {reused} more shared",
    )
