"""Peak memory and processor time of whole runs of ``qc`` over many flat records, without a model.

Each run is a process of its own; what is reported is what the system says of it when it ends.

    python -m bench.memory [RECORDS]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from bench import prefilter

from qc_compiler.values import ITEM_MARK

QC = Path(sys.executable).with_name("qc")
_FILES = 4
# The system counts a child with the pages that its parent has when it is begun: so by a small one
_WATCH = """
import json, os, sys
child = os.fork()
if not child:
    os.dup2(2, 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
print(json.dumps({"peak": used.ru_maxrss * 1024, "seconds": used.ru_utime + used.ru_stime}))
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Measured:
    """The largest resident set of a process, in bytes, and its processor time, in seconds."""

    peak: int
    seconds: float


def measure(records: int = 1_000_000) -> dict[str, Measured]:
    """A folder of Parquet and a CSV file judged in parts; the CSV file all at once."""
    with tempfile.TemporaryDirectory(prefix="qc-bench-") as folder:
        home = Path(folder)
        _run(home, [sys.executable, "-m", "bench.memory", "write", str(records), folder])
        return {
            "Parquet in parts": _qc(home, "parts", "out-parts"),
            "CSV in parts": _qc(home, "all.csv", "out-csv", "--bulk"),
            "CSV all at once": _qc(home, "all.csv", "out-all"),
        }


def write(records: int, folder: Path) -> None:
    """Write the records, as a process of its own does."""
    table = prefilter.table(records)
    items = pc.utf8_trim(table.column("手术记录"), ITEM_MARK)
    done = pc.replace_substring(items, ITEM_MARK, "+")
    at = table.schema.get_field_index("手术记录")
    table = table.set_column(at, "手术记录", done)
    (folder / "parts").mkdir()
    each = -(-table.num_rows // _FILES)
    for number in range(_FILES):
        some: pa.Table = table.slice(number * each, each)
        pq.write_table(some, folder / "parts" / f"{number}.parquet", row_group_size=100_000)
    pa_csv.write_csv(table, folder / "all.csv")


def _qc(home: Path, data: str, out: str, *more: str) -> Measured:
    options = ["--data", str(home / data), "--no-model", "--no-cache", "--out", str(home / out)]
    found = _run(home, [str(QC), "run", str(prefilter.RULEBOOK), *options, *more])
    counted = json.loads((home / out / "summary.json").read_text("utf-8"))
    assert sum(counted["by_status"].values()) == counted["records"]
    return found


def _run(home: Path, command: list[str]) -> Measured:
    own = {"QC_CACHE": str(home / "cache"), "QC_AUDIT": str(home / "audit.jsonl")}
    watched = [sys.executable, "-S", "-c", _WATCH, *command]
    done = subprocess.run(watched, env={**os.environ, **own}, check=True, stdout=subprocess.PIPE)
    return Measured(**json.loads(done.stdout))


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        for name, one in measure(*map(int, sys.argv[1:])).items():
            print(f"{name:16} {one.peak / 1e6:8.0f} MB {one.seconds:8.1f} s")
