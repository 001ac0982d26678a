"""What the tests ask the real model about surgery, put to it in one run of the product.

To read the rulebook's criteria takes a small machine a minute of both its cores, an answer
after that some seconds: so they are read once for all tests, and the answers stay in a cache.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import yaml

from qc_runtime.models import MODELS
from support.qc import qc_process

ROOT = Path(__file__).parents[2]
RULEBOOK = ROOT / "rulebooks" / "surgery_consistency.yaml"
RECORDS = ROOT / "examples" / "surgery" / "records.csv"
PRINTED = 8  # records, the first of the deck: the pairs that the hospital printed
COLUMNS = ("住院科室", "术前术式", "手术记录")
Judged = dict[tuple[str, str], dict[str, Any]]


def ask(folder: Path, model: Path) -> None:
    """Judge the printed pairs, and what the rulebook's own tests leave to the model.

    ``folder`` gets ``cache``, with the answers and the model, ``data.csv`` and ``out``.
    """
    _link_demo_model(folder / "cache", model)
    with RECORDS.open(encoding="utf-8-sig", newline="") as file:
        asked = [*list(csv.DictReader(file))[:PRINTED], *_open_tests()]
    data = folder / "data.csv"
    rows = [(n, *(one.get(name, "") for name in COLUMNS)) for n, one in enumerate(asked)]
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("住院号", *COLUMNS), *rows])
    variables = {"QC_MODEL": str(model), "QC_CACHE": str(folder / "cache")}
    ran = qc_process("run", RULEBOOK, "--data", data, "--out", folder / "out", **variables)
    assert ran.code == 0, ran.err


def is_demo(model: Path) -> bool:
    return model.stat().st_size == MODELS["demo"].size


def _link_demo_model(cache: Path, model: Path) -> None:
    """Have the model in a new cache as the demo model, if that is what it is."""
    (cache / "models").mkdir(parents=True)
    if is_demo(model):
        (cache / "models" / MODELS["demo"].file).symlink_to(model.resolve())


def _open_tests() -> list[dict[str, str]]:
    """The rulebook's tests that bring no answers of their own."""
    tests: list[dict[str, Any]] = yaml.safe_load(RULEBOOK.read_text("utf-8"))["测试"]
    return [test for test in tests if "回答" not in test]


def judged(folder: Path) -> Judged:
    """The outcomes of that run, by 术前术式 and 手术记录."""
    with (folder / "data.csv").open(encoding="utf-8", newline="") as file:
        pairs = [(row["术前术式"], row["手术记录"]) for row in csv.DictReader(file)]
    lines = (folder / "out" / "outcomes.jsonl").read_text("utf-8").splitlines()
    return dict(zip(pairs, map(json.loads, lines), strict=True))
