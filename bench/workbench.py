"""What an author waits for: ``qc check`` of a large rulebook, ``qc diff`` on many records.

Real commands, each in a process of its own, with no model to be found. As installed packages
have their bytecode beside them, so these processes have theirs, from a first run not counted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.engine import RULEBOOK, operations

RULES, RECORDS, RUNS = 1_000, 100_000, 5
_QC = Path(sys.executable).with_name("qc")
_HEAD = """规则集: 测速
结论: {通过: 合格, 不通过: 缺陷, 排除: 不适用}
病例: {主键: 住院号}
字段: {主诉: {}, 现病史: {}, 科室: {类型: 类别, 值: [内科, 外科, 儿科, 妇科]}, 年龄: {类型: 数字}, 体温: {类型: 数字}}
"""  # noqa: E501
_TABLES = """表:
  医嘱:
    时间: 开始时间
    列: {开始时间: 时间, 药品: 文本, 状态: {类型: 类别, 值: [已执行, 未执行]}}
  病程:
    时间: 记录时间
    列: {记录时间: 时间, 内容: 文本}
"""
_PLAIN = ("当 主诉 包含 “词{n}。” 且 年龄 大于 {age} → 现病史 包含 “甲{n}” 或 “乙{n}” 即视为 合格",)
_DUTIES = (
    "每条 医嘱 当 药品 包含 “药{n}。” 且 状态 为 “已执行”：须 存在 病程，"
    "记录时间 在 医嘱.开始时间 后 {days} 天内 且 内容 提及 “词{n}”，否则 缺陷 “{{药品}} 未记录”",
    "每条 病程 当 内容 包含 “并发症{n}。” 且 年龄 大于 {age}：须 存在 医嘱，"
    "开始时间 在 病程.记录时间 后 {days} 天内 且 (药品 包含 “药{n}” 或 状态 为 “已执行”)，"
    "否则 缺陷 “并发症{n} 未处理” 扣 3 分",
)
# Of different verdicts over the same few fields, so that every pair has to be told apart.
_MIXED = (
    "当 (年龄 大于 {old} 且 科室 为 “{ward}”) 或 (年龄 大于 {old} 且 体温 大于 {heat}) "
    "→ 主诉 包含 “丙{n}。” 即视为 合格",
    "当 (年龄 小于 {age} 且 科室 为 “{ward}”) 或 (年龄 小于 {age} 且 现病史 包含 “庚{n}。”) "
    "→ 主诉 包含 “丁{n}。” 即视为 缺陷",
)
KINDS = {
    "plain rules": (_HEAD, _PLAIN),
    "obligations over tables": (_HEAD + _TABLES, _DUTIES),
    "mixed conditions": (_HEAD, _MIXED),
}


def check_1000(kind: str, runs: int = RUNS) -> float:
    """Seconds that ``qc check`` takes for a rulebook of a thousand rules, the median."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rulebook = folder / "rules.yaml"
        rulebook.write_text(rules(kind), "utf-8")
        return _median(folder, ["check", rulebook], runs)


def diff_100k(runs: int = RUNS) -> float:
    """The same of ``qc diff``: the shipped surgery rulebook, one sentence of it edited."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data.csv").write_text(operations(RECORDS), "utf-8")
        edited = folder / "edited.yaml"
        edited.write_text(_edited(RULEBOOK.read_text("utf-8")), "utf-8")
        return _median(folder, ["diff", RULEBOOK, edited, "--data", folder / "data.csv"], runs)


def rules(kind: str, count: int = RULES) -> str:
    """An invented rulebook of many rules that has no mistake."""
    head, kinds = KINDS[kind]
    wards = ("内科", "外科", "儿科", "妇科")
    lines = (
        kinds[n % len(kinds)].format(
            n=n, age=n % 50, old=50 + n % 40, days=1 + n % 9, heat=36 + n % 6, ward=wards[n % 4]
        )
        for n in range(count)
    )
    sentences = "".join(f"  规则{n}: |\n    {line}\n" for n, line in enumerate(lines))
    return f"{head}规则:\n{sentences}其余: 合格\n"


def _edited(text: str) -> str:
    before, after = "“内痔套扎术” 或 “痔切除术”", "“内痔套扎术” 或 “痔切除手术”"
    assert before in text
    return text.replace(before, after)


def _median(folder: Path, arguments: Sequence[object], runs: int) -> float:
    run = _command(folder, [str(argument) for argument in arguments])
    run()
    return statistics.median(_timed(run) for _ in range(runs))


def _command(folder: Path, arguments: Sequence[str]) -> Callable[[], object]:
    left_out = {"PYTHONDONTWRITEBYTECODE", "QC_MODEL"}
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    folders = {"QC_CACHE": str(folder / "cache"), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    return lambda: subprocess.run(
        [_QC, *arguments], cwd=folder, env=inherited | folders, capture_output=True, check=True
    )


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


if __name__ == "__main__":
    for kind in KINDS:
        print(f"qc check, {RULES:,} rules, {kind}: {check_1000(kind):.2f} s")
    print(f"qc diff, {RECORDS:,} records, one sentence edited: {diff_100k():.2f} s")
