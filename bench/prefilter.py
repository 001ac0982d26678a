"""The compiled pre-filter against the same rules written by hand in DuckDB SQL."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path

import duckdb
import pyarrow as pa

from qc_compiler.pipeline import compile_file
from qc_compiler.prefilter import TABLE, prefilter
from qc_compiler.values import ITEM_MARK

RULEBOOK = Path(__file__).parents[1] / "tests" / "cases" / "surgery_rules.yaml"

# What someone who knows SQL and these five rules would write, blank cells included.
BY_HAND = """
SELECT CASE
  WHEN "住院科室" IS NULL OR "术前术式" IS NULL OR "手术记录" IS NULL THEN -2
  WHEN contains("住院科室", '日间病房') THEN 2
  WHEN "术前术式" IN ('宫腔镜检查', '宫腔镜检查,备一期手术', '宫腔镜手术')
    AND contains("手术记录", '宫腔镜') THEN 0
  WHEN "术前术式" = '鼻内镜下鼻腔鼻窦手术' AND contains("手术记录", '鼻内镜') THEN 0
  WHEN "术前术式" = '痔切除术'
    AND (contains("手术记录", '内痔套扎术') OR contains("手术记录", '痔切除术')) THEN 0
  WHEN "术前术式" IN ('腹腔镜下胆囊切除术', '腹腔镜胆囊切除术')
    AND contains("手术记录", '腹腔镜') AND contains("手术记录", '胆囊切除') THEN 0
  ELSE -1 END::SMALLINT AS decision
FROM records
"""

_WARDS = ("日间病房", "妇科", "肛肠外科", "普外科", "泌尿外科", "耳鼻喉科", "骨科", "眼科")
_PLANNED = (
    *("宫腔镜检查", "宫腔镜检查,备一期手术", "鼻内镜下鼻腔鼻窦手术", "痔切除术"),
    *("腹腔镜胆囊切除术", "腹腔镜下胆囊切除术", "阑尾切除术", "甲状腺切除术", "疝修补术"),
)
_DONE = (
    *("宫腔镜下宫颈息肉电切术", "诊刮术", "鼻内镜下左侧上颌窦开放", "经肛门内痔套扎术"),
    *("外痔切除术", "腹腔镜下胆囊切除术", "开腹胆囊切除术", "腹腔镜下阑尾切除术"),
)


def table(rows: int, seed: int = 1) -> pa.Table:
    """Generated records in the pre-filter's table convention; about 1 % of cells are blank."""
    draw = random.Random(seed)

    def column(make: object) -> pa.Array:
        assert callable(make)
        return pa.array([None if draw.random() < 0.01 else make() for _ in range(rows)])

    def done() -> str:
        items = draw.sample(_DONE, draw.randint(1, 3))
        return ITEM_MARK + "".join(item + ITEM_MARK for item in items)

    return pa.table(
        {
            "住院号": pa.array([str(n) for n in range(rows)]),
            "住院科室": column(lambda: draw.choice(_WARDS)),
            "术前术式": column(lambda: draw.choice(_PLANNED)),
            "手术记录": column(done),
        }
    )


def measure(rows: int = 1_000_000, repeats: int = 7) -> dict[str, float]:
    """Rows a second of both, timed in turn, and the median ratio ours / by hand."""
    program = compile_file(RULEBOOK)
    queries = {"compiled": prefilter(program), "by_hand": BY_HAND}
    times: dict[str, list[float]] = {name: [] for name in queries}
    with duckdb.connect(":memory:") as connection:
        connection.register("generated", table(rows))
        connection.execute(f"CREATE TABLE {TABLE} AS FROM generated")
        for _ in range(repeats + 1):
            for name, query in queries.items():
                started = time.perf_counter()
                connection.execute(f"CREATE OR REPLACE TEMP TABLE decided AS {query}")
                times[name].append(time.perf_counter() - started)
    ours, hand = (times[name][1:] for name in queries)  # the first round warms up
    return {
        "rows": rows,
        "compiled_rows_per_second": rows / statistics.median(ours),
        "by_hand_rows_per_second": rows / statistics.median(hand),
        "ratio": statistics.median(b / a for a, b in zip(ours, hand, strict=True)),
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:28} {value:,.2f}")
